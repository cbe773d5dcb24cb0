"""The delta rule and the outer scan on the CPU, forward and backward in float32.

Ours run by chunks of plain torch. Each is set against the loop that its equation says, one step of
Python for every factor, on the same inputs. Outputs and all gradients are compared.
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

# batch, heads, time, factors, key, value
DELTA = ((4, 4, 256, 2, 32, 32), (4, 4, 1024, 1, 32, 32), (4, 4, 1024, 2, 32, 32))
OUTER = ((4, 4, 1024, 1, 64, 32),)


def delta(sizes: list[int], *, backend: str) -> Work:
    """`ops.delta_scan` with a decay: DeltaNet and DeltaProduct."""
    batch, heads, time, factors, key, value = sizes
    normal = gradients.normal()
    inputs = {
        "q": normal(batch, heads, time, key),
        "k": normalize(normal(batch, heads, time, factors, key), dim=-1),
        "v": normal(batch, heads, time, factors, value),
        "beta": 2 * torch.sigmoid(normal(batch, heads, time, factors)),
        "log_decay": -0.1 * normal(batch, heads, time).abs(),
    }
    return _compared(ops.delta_scan, inputs, backend)


def outer(sizes: list[int], *, backend: str) -> Work:
    """`ops.outer_scan` with queries and keys shared by all heads: Mamba-2."""
    batch, heads, time, factors, key, value = sizes
    normal = gradients.normal()
    inputs = {
        "q": normal(batch, 1, time, key),
        "k": normal(batch, 1, time, factors, key),
        "v": normal(batch, heads, time, factors, value),
        "decay": torch.sigmoid(2 + normal(batch, heads, time)),
    }
    return _compared(ops.outer_scan, inputs, backend)


def _compared(scan: Callable[..., Any], inputs: dict[str, Tensor], backend: str) -> Work:
    ours = gradients.step(scan, inputs, backend="chunked")
    step = gradients.step(scan, inputs, backend=backend)
    return gradients.work(step, peers.package(backend), ours)


def main() -> list[dict[str, Any]]:
    """Measure every shape, print a table for each, and return the rows."""
    rows = []
    for work, shapes in ((delta, DELTA), (outer, OUTER)):
        name = work.__name__
        labels = {"chunked": f"seq_torch {name}_scan", "reference": "loop over the steps"}
        for sizes in shapes:
            axes = "(batch, heads, time, factors, key, value)"
            title = f"{name} scan {axes} = {sizes}, forward and backward"
            rows += peers.side_by_side(title, labels, work, sizes=list(sizes))
    return rows
