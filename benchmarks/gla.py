"""Gated linear attention on the CPU, forward and backward in float32: a decay for every channel.

Ours are the compiled kernels, the chunks in plain torch and the loop that the equation says. Beside
them, where package fla-core is installed, stands the reference that flash-linear-attention
publishes, `naive_recurrent_gla`. The last table has our kernels alone, at lengths that double: what
a step costs does not grow with the length. Outputs and all gradients are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import util
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks import gradients, report
from benchmarks.measure import Contender, compare, version
from benchmarks.worker import Work
from seq_torch import ops

# batch, heads, time, key, value
SHAPES = ((1, 4, 512, 64, 128), (4, 4, 1024, 32, 64))
LENGTHS = (512, 1024, 2048, 4096)
ROUNDS = 3
PEER = "naive"
# Of fla-core, and needs torch alone, beside a package whose import asks for a GPU's compiler.
FILE = "ops/gla/naive.py"


def gla(sizes: list[int], *, backend: str) -> Work:
    """Prepare a step of one contender on inputs that all of them share."""
    normal, (batch, heads, time, key, value) = gradients.normal(), sizes
    inputs = {
        "q": normal(batch, heads, time, key),
        "k": normal(batch, heads, time, key),
        "v": normal(batch, heads, time, value),
        "log_decay": torch.nn.functional.logsigmoid(normal(batch, heads, time, key)) / 16,
    }
    scan = _of_fla() if backend == PEER else _ours
    step = gradients.step(scan, inputs, backend=backend)
    package = "fla-core" if backend == PEER else "seq-torch"
    return gradients.work(step, version(package), gradients.step(_ours, inputs, backend="fused"))


def _ours(q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, *, backend: str) -> Tensor:
    q, k, v = q * q.shape[-1] ** -0.5, k[:, :, :, None], v[:, :, :, None]
    found = ops.outer_scan(q, k, v, log_decay.exp(), backend=backend)
    assert isinstance(found, Tensor)
    return found


def _of_fla() -> Callable[..., Tensor]:
    """Upstream's loop, which takes (batch, time, head, channel)."""
    package = util.find_spec("fla")
    assert package is not None
    assert package.origin is not None
    spec = util.spec_from_file_location("naive", Path(package.origin).parent / FILE)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def call(q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, **_: str) -> Tensor:
        turned = (value.transpose(1, 2) for value in (q, k, v, log_decay))
        return module.naive_recurrent_gla(*turned)[0].transpose(1, 2)

    return call


def _contender(label: str, sizes: tuple[int, ...], backend: str) -> Contender:
    arguments = {"sizes": list(sizes), "backend": backend}
    return Contender(label, "benchmarks.gla", "gla", arguments)


def _peers(sizes: tuple[int, ...]) -> list[Contender]:
    labels = {
        "fused": "seq_torch, compiled",
        "chunked": "seq_torch, chunks in plain torch",
        "reference": "loop over the steps",
    }
    if util.find_spec("fla"):
        labels[PEER] = "flash-linear-attention, naive_recurrent_gla"
    return [_contender(label, sizes, backend) for backend, label in labels.items()]


def main() -> list[dict[str, Any]]:
    """Measure every shape, then lengths that double, print the tables, and return their rows."""
    axes, rows = "(batch, heads, time, key, value)", []
    tables = [(f"GLA {axes} = {sizes}, forward and backward", _peers(sizes)) for sizes in SHAPES]
    doubled = [_contender(f"{time} steps", (1, 4, time, 64, 128), "fused") for time in LENGTHS]
    tables.append(("GLA, compiled, by length: (1, 4, time, 64, 128)", doubled))
    for title, contenders in tables:
        measured = compare(contenders, ROUNDS)
        report.show_comparison(title, measured)
        rows += report.rows(title, measured)
    return rows
