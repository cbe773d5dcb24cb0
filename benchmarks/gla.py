"""Gated linear attention on the CPU, forward and backward in float32: a decay for every channel.

Ours are the compiled kernels, the chunks in plain torch and the loop that the equation says. Beside
them, where package fla-core is installed, stands the reference that flash-linear-attention
publishes, `naive_recurrent_gla`. The last table has our kernels alone, at lengths that double: what
a step costs does not grow with the length. Outputs and all gradients are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks import gradients, peers
from benchmarks.measure import Contender
from benchmarks.worker import Work
from seq_torch import ops

# batch, heads, time, key, value
SHAPES = ((1, 4, 512, 64, 128), (4, 4, 1024, 32, 64))
LENGTHS = (512, 1024, 2048, 4096)
FILE = "ops/gla/naive.py"  # of fla-core, and needs torch alone


def gla(sizes: list[int], *, backend: str) -> Work:
    """Prepare a step of one contender on inputs that all of them share."""
    normal, (batch, heads, time, key, value) = gradients.normal(), sizes
    inputs = {
        "q": normal(batch, heads, time, key),
        "k": normal(batch, heads, time, key),
        "v": normal(batch, heads, time, value),
        "log_decay": torch.nn.functional.logsigmoid(normal(batch, heads, time, key)) / 16,
    }
    scan = _of_fla() if backend == peers.PEER else _ours
    step = gradients.step(scan, inputs, backend=backend)
    return gradients.work(
        step, peers.package(backend), gradients.step(_ours, inputs, backend="fused")
    )


def _ours(q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, *, backend: str) -> Tensor:
    q, k, v = q * q.shape[-1] ** -0.5, k[:, :, :, None], v[:, :, :, None]
    found = ops.outer_scan(q, k, v, log_decay.exp(), backend=backend)
    assert isinstance(found, Tensor)
    return found


def _of_fla() -> Callable[..., Tensor]:
    """Upstream's loop, which takes (batch, time, head, channel)."""
    naive = peers.of_fla(FILE).naive_recurrent_gla

    def call(q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, **_: str) -> Tensor:
        turned = (value.transpose(1, 2) for value in (q, k, v, log_decay))
        return naive(*turned)[0].transpose(1, 2)

    return call


def main() -> list[dict[str, Any]]:
    """Measure every shape, then lengths that double, print the tables, and return their rows."""
    labels = {
        "fused": "seq_torch, compiled",
        "chunked": "seq_torch, chunks in plain torch",
        "reference": "loop over the steps",
    }
    labels = peers.with_fla(labels, "flash-linear-attention, naive_recurrent_gla")
    axes, rows = "(batch, heads, time, key, value)", []
    for sizes in SHAPES:
        title = f"GLA {axes} = {sizes}, forward and backward"
        rows += peers.side_by_side(title, labels, gla, sizes=list(sizes))
    title = "GLA, compiled, by length: (1, 4, time, 64, 128)"
    return rows + peers.shown(title, [_of_length(time) for time in LENGTHS], peers.ROUNDS)


def _of_length(time: int) -> Contender:
    arguments = {"sizes": [1, 4, time, 64, 128], "backend": "fused"}
    return Contender(f"{time} steps", gla.__module__, gla.__name__, arguments)
