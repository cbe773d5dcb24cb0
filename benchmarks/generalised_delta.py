"""The generalised delta rule on the CPU, forward and backward in float32: KDA and RWKV-7.

Ours are the compiled kernels and the chunks in plain torch. Each is set against the loop that its
equation says and, where package fla-core is installed, against the references that
flash-linear-attention publishes, on the same inputs. Outputs and all gradients are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from benchmarks import gradients, peers
from benchmarks.worker import Work
from seq_torch import ops

# batch, heads, time, key, value
SHAPES = ((1, 4, 512, 64, 64), (4, 4, 1024, 32, 32))
# Files of fla-core that need torch alone.
KDA, RWKV_7 = "ops/kda/naive.py", "ops/generalized_delta_rule/dplr/naive.py"


def kda(sizes: list[int], *, backend: str) -> Work:
    """Kimi Delta Attention: decay every channel, then correct along the key."""
    normal, (batch, heads, time, key, _) = gradients.normal(), sizes
    inputs = _inputs(normal, sizes) | {
        "log_decay": -0.1 * normal(batch, heads, time, key).abs(),
        "beta": torch.sigmoid(normal(batch, heads, time)),
    }
    return _compared(_kda_of_fla() if backend == peers.PEER else _kda, inputs, backend)


def rwkv_7(sizes: list[int], *, backend: str) -> Work:
    """RWKV-7: decay every channel, and remove along a key of its own."""
    normal, (batch, heads, time, key, _) = gradients.normal(), sizes
    inputs = _inputs(normal, sizes) | {
        "log_decay": -0.6 * torch.sigmoid(normal(batch, heads, time, key)),
        "removed": normalize(normal(batch, heads, time, key), dim=-1),
        "rate": torch.sigmoid(normal(batch, heads, time, key)),
    }
    return _compared(_rwkv_7_of_fla() if backend == peers.PEER else _rwkv_7, inputs, backend)


def _inputs(normal: Callable[..., Tensor], sizes: list[int]) -> dict[str, Tensor]:
    *leading, key, value = sizes
    return {
        "q": normal(*leading, key),
        "k": normalize(normal(*leading, key), dim=-1),
        "v": normal(*leading, value),
    }


def _kda(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, beta: Tensor, *, backend: str
) -> Tensor:
    beta = beta[..., None]
    found = ops.generalised_delta_scan(
        q, k, beta * v, log_decay.exp() * k, -beta * k, log_decay, backend=backend
    )
    assert isinstance(found, Tensor)
    return found


def _rwkv_7(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_decay: Tensor,
    removed: Tensor,
    rate: Tensor,
    *,
    backend: str,
) -> Tensor:
    found = ops.generalised_delta_scan(
        q, k, v, -removed, rate * removed, log_decay, backend=backend
    )
    assert isinstance(found, Tensor)
    return found


def _kda_of_fla() -> Callable[..., Tensor]:
    scan = peers.of_fla(KDA).naive_recurrent_kda

    def call(q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, beta: Tensor, **_: str) -> Tensor:
        turned = (value.transpose(1, 2) for value in (q, k, v, log_decay, beta))
        return scan(*turned, scale=1.0)[0].transpose(1, 2)

    return call


def _rwkv_7_of_fla() -> Callable[..., Tensor]:
    scan = peers.of_fla(RWKV_7).dplr_recurrence

    def call(
        q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, removed: Tensor, rate: Tensor, **_: str
    ) -> Tensor:
        scaled = q * q.shape[-1] ** 0.5  # which it divides by
        return scan(scaled, k, v, -removed, rate * removed, log_decay)[0]

    return call


def _compared(scan: Callable[..., Tensor], inputs: dict[str, Tensor], backend: str) -> Work:
    ours = gradients.step(_rwkv_7 if "rate" in inputs else _kda, inputs, backend="fused")
    step = gradients.step(scan, inputs, backend=backend)
    return gradients.work(step, peers.package(backend), ours)


def main() -> list[dict[str, Any]]:
    """Measure every shape, print a table for each, and return the rows."""
    labels = {
        "fused": "seq_torch, compiled",
        "chunked": "seq_torch, chunks in plain torch",
        "reference": "loop over the steps",
    }
    labels, rows = peers.with_fla(labels, "flash-linear-attention, reference"), []
    for work, name in ((kda, "KDA"), (rwkv_7, "RWKV-7")):
        for sizes in SHAPES:
            axes = "(batch, heads, time, key, value)"
            title = f"{name} {axes} = {sizes}, forward and backward"
            rows += peers.side_by_side(title, labels, work, sizes=list(sizes))
    return rows
