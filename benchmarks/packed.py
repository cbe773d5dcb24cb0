"""Sequences of unequal lengths, forward and backward in float32 on the CPU: three ways to run them.

Packed back to back in one row with offsets; padded to the longest in a batch; one after the other.
The delta rule with decays, the selective scan and a short convolution run by what ``auto`` takes.
Outputs and gradients of the real steps are compared with those of the packed row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize, pad

from benchmarks import gradients, peers
from benchmarks.worker import Work
from seq_torch import ops

SEQUENCES = 48  # whose lengths grow in equal ratios from 16 to 1024
FORMS = {"packed": "packed row", "padded": "padded batch", "apart": "one after the other"}
Scan = Callable[..., Tensor]


def lengths() -> list[int]:
    """Lengths of the sequences, mixed by a fixed draw."""
    grown = torch.logspace(4, 10, SEQUENCES, base=2).round().long()
    return grown[torch.randperm(SEQUENCES, generator=torch.Generator().manual_seed(0))].tolist()


def delta(form: str) -> Work:
    """Run the gated delta rule: 4 heads of 64 x 64."""
    draw, steps = gradients.normal(), sum(lengths())

    def scan(rows: dict[str, Tensor], cu_seqlens: Tensor | None) -> Tensor:
        q, k, v, beta, log_decay = (value.transpose(1, 2) for value in rows.values())
        k, v, beta = (value.unsqueeze(3) for value in (k, v, beta))
        output = ops.delta_scan(q, k, v, beta, log_decay, cu_seqlens=cu_seqlens)
        assert isinstance(output, Tensor)
        return output.transpose(1, 2)

    inputs = {
        "q": draw(1, steps, 4, 64),
        "k": normalize(draw(1, steps, 4, 64), dim=-1),
        "v": draw(1, steps, 4, 64),
        "beta": torch.sigmoid(draw(1, steps, 4)),
        "log_decay": -0.1 * draw(1, steps, 4).abs(),
    }
    return _work(scan, inputs, form)


def selective(form: str) -> Work:
    """Run the selective scan: 256 channels of 16 states."""
    draw, steps = gradients.normal(), sum(lengths())
    A = -torch.arange(1.0, 17).repeat(256, 1)

    def scan(rows: dict[str, Tensor], cu_seqlens: Tensor | None) -> Tensor:
        u, delta, B, C = (value.mT for value in rows.values())
        output = ops.selective_scan(u, delta, A, B, C, delta_softplus=True, cu_seqlens=cu_seqlens)
        assert isinstance(output, Tensor)
        return output.mT

    sizes = {"u": 256, "delta": 256, "B": 16, "C": 16}
    return _work(scan, {name: draw(1, steps, size) for name, size in sizes.items()}, form)


def convolution(form: str) -> Work:
    """Run a causal convolution of 1024 channels with kernels of 4."""
    draw = gradients.normal()
    kernel = draw(1024, 4)

    def scan(rows: dict[str, Tensor], cu_seqlens: Tensor | None) -> Tensor:
        return ops.causal_convolution(rows["u"], kernel, cu_seqlens=cu_seqlens)

    return _work(scan, {"u": draw(1, sum(lengths()), 1024)}, form)


def _work(scan: Scan, inputs: dict[str, Tensor], form: str) -> Work:
    steps = lengths()
    cu_seqlens = torch.tensor([0, *steps]).cumsum(0)

    def call(form: str, **rows: Tensor) -> Tensor:
        if form == "packed":
            return scan(rows, cu_seqlens)
        parts = {name: value.split(steps, 1) for name, value in rows.items()}
        if form == "apart":
            each = (
                dict(zip(parts, part, strict=True)) for part in zip(*parts.values(), strict=True)
            )
            return torch.cat([scan(own, None) for own in each], 1)
        batch = {
            name: torch.stack([_padded(part[0], max(steps)) for part in value])
            for name, value in parts.items()
        }
        output = scan(batch, None)
        return torch.cat([row[:length] for row, length in zip(output, steps, strict=True)])[None]

    step, ours = (gradients.step(call, inputs, form=each) for each in (form, "packed"))
    return gradients.work(step, peers.package(form), ours)


def _padded(part: Tensor, length: int) -> Tensor:
    return pad(part, (0, 0) * (part.ndim - 1) + (0, length - len(part)))


def main() -> list[dict[str, Any]]:
    """Measure every operation, print a table for each, and return the rows."""
    rows, steps = [], lengths()
    for work in (delta, selective, convolution):
        title = (
            f"{work.__name__}: {len(steps)} sequences of {min(steps)} to {max(steps)} steps, "
            f"{sum(steps)} together, forward and backward"
        )
        rows += peers.side_by_side(title, FORMS, work, way="form")
    return rows
