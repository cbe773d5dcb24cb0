"""Dense matrices taken from a table by tokens, forward and backward in float32 on the CPU.

A scan that reads the table where it lies, beside the same scan of one matrix per position, gathered
first, and beside the loop in plain torch. The gradients are those of the table and of the start;
all are compared with ours.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from benchmarks import gradients, peers
from benchmarks.worker import Work
from seq_torch import ops
from seq_torch.ops.structured import Blocks

# tokens, batch, time, width
SHAPES = ((60, 32, 20, 256), (60, 128, 20, 256), (60, 32, 100, 64), (60, 32, 100, 16))
ROUNDS = 5
OURS, GATHERED, LOOP = "table", "gathered", "loop"
LABELS = {
    OURS: "one matrix per token",
    GATHERED: "one matrix per position, gathered",
    LOOP: "gathered, loop in plain torch",
}


def scan(sizes: list[int], *, form: str) -> Work:
    """Scan matrices that nearly keep the size of the state."""
    count, batch, time, width = sizes
    draw, generator = gradients.normal(), torch.Generator().manual_seed(1)
    tokens = torch.randint(count, (batch, time), generator=generator)
    inputs = {"table": draw(count, 1, width, width) / width**0.5, "initial": draw(batch, width)}

    def call(table: Tensor, initial: Tensor, form: str) -> Tensor:
        if form == OURS:
            return ops.structured_scan(Blocks(table), initial, "fused", tokens=tokens)
        backend = "fused" if form == GATHERED else "reference"
        return ops.structured_scan(Blocks(table[tokens]), initial, backend)

    step, ours = (gradients.step(call, inputs, form=each) for each in (form, OURS))
    return gradients.work(step, peers.package(form), ours)


def main() -> list[dict[str, Any]]:
    """Measure every shape, print a table for each, and return the rows."""
    rows = []
    for sizes in SHAPES:
        title = f"(tokens, batch, time, width) = {sizes}, forward and backward"
        rows += peers.side_by_side(
            title, LABELS, scan, rounds=ROUNDS, way="form", sizes=list(sizes)
        )
    return rows
