"""M2RNN on the CPU, forward and backward in float32: compiled kernels beside the loop.

The loop is the equation step by step in plain torch, as the published code has it where it has no
kernels. Outputs and all gradients are compared.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from benchmarks import gradients, report
from benchmarks.measure import Contender, compare, version
from benchmarks.worker import Work
from seq_torch import ops

# batch, time, heads, key, value
SHAPES = ((8, 256, 4, 16, 16), (4, 512, 8, 64, 16))
ROUNDS = 3
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
    ours = gradients.step(_scan, inputs, backend="fused")
    return gradients.work(
        gradients.step(_scan, inputs, backend=backend), version("seq-torch"), ours
    )


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
        contenders = [
            Contender(label, "benchmarks.m2rnn", "scan", {"sizes": list(sizes), "backend": backend})
            for backend, label in BACKENDS.items()
        ]
        measured = compare(contenders, ROUNDS)
        title = f"M2RNN (batch, time, heads, key, value) = {sizes}, forward and backward"
        report.show_comparison(title, measured)
        rows += report.rows(title, measured)
    return rows
