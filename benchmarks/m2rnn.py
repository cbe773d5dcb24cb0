"""M2RNN on the CPU, forward and backward in float32: compiled kernels beside the loop.

The loop is the equation step by step in plain torch, as the published code has it where it has no
kernels. Outputs and all gradients are compared.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from benchmarks import gradients, peers
from benchmarks.worker import Work
from seq_torch import ops

# batch, time, heads, key, value
SHAPES = ((8, 256, 4, 16, 16), (4, 512, 8, 64, 16))
BACKENDS = {"fused": "seq_torch, compiled", "reference": "loop over the steps"}


def scan(sizes: list[int], *, backend: str) -> Work:
    """Prepare the recurrence with one group of queries and keys."""
    normal, (batch, time, heads, key, value) = gradients.normal(), sizes
    inputs = {
        "q": normal(batch, 1, time, key),
        "k": normal(batch, 1, time, key),
        "v": normal(batch, heads, time, value),
        "decay": torch.sigmoid(normal(batch, heads, time)),
        "weight": torch.eye(value).repeat(heads, 1, 1),
    }
    step, ours = (gradients.step(_scan, inputs, backend=name) for name in (backend, "fused"))
    return gradients.work(step, peers.package(backend), ours)


def _scan(
    q: Tensor, k: Tensor, v: Tensor, decay: Tensor, weight: Tensor, *, backend: str
) -> Tensor:
    found = ops.m2rnn_scan(q, k, v, decay, weight, clip=1.0, backend=backend)
    assert isinstance(found, Tensor)
    return found


def main() -> list[dict[str, Any]]:
    """Measure every shape, print a table for each, and return the rows."""
    rows = []
    for sizes in SHAPES:
        title = f"M2RNN (batch, time, heads, key, value) = {sizes}, forward and backward"
        rows += peers.side_by_side(title, BACKENDS, scan, sizes=list(sizes))
    return rows
