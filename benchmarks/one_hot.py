"""PD-SSM and LinOSS on the CPU, in float32 on one thread: ours beside the published forms.

`ops.one_hot_scan` by routes, beside whole matrices one after the other, which is what the torch
code of PD-SSM does (our ``reference``). `ops.pair_scan` by its compiled kernels, beside the loop,
beside doubling, and beside the scan of 2x2 matrices, one per position, that the JAX code of LinOSS
makes (here `ops.structured_scan` of its real and imaginary parts, by compiled kernels). All are
given the same numbers, in one process and in turns; a time is processor time of forward and
backward pass, a mean over calls in a row. Outputs and gradients are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks import report, turns
from benchmarks.gradients import difference, normal, step
from seq_torch import ops
from seq_torch.ops.structured import Blocks

ONE_HOT = ((64, 20, 32), (8, 256, 64), (4, 256, 128))  # batch, time, states
PAIRS = ((8, 1024, 64), (1, 8192, 64), (8, 1024, 256))  # batch, time, oscillators
WORDS = 8  # matrices in the dictionary
ROUNDS = 3
Scan = Callable[..., Tensor]


def _one_hot(backend: str) -> Scan:
    def scan(logits: Tensor, dictionary: Tensor, modulus: Tensor, drive: Tensor) -> Tensor:
        factors = torch.polar(modulus.sigmoid(), 0.3 * modulus)
        start = torch.zeros_like(factors[:, 0])
        return ops.one_hot_scan(
            logits.softmax(-1), dictionary, factors, drive + 0j, start, backend=backend
        ).real

    return scan


def _pairs(backend: str) -> Scan:
    def scan(matrices: Tensor, gains: Tensor, drive: Tensor) -> Tensor:
        return ops.pair_scan(matrices, gains, drive, backend=backend)[1]

    return scan


def _one_matrix_per_position(matrices: Tensor, gains: Tensor, drive: Tensor) -> Tensor:
    blocks = matrices.permute(2, 0, 1).expand(*drive.shape, 2, 2).contiguous()
    driven = (drive[..., None] * gains.mT).flatten(-2)
    states = ops.structured_scan(Blocks(blocks), torch.zeros_like(driven[:, 0]), drive=driven)
    return states.unflatten(-1, (-1, 2))[..., 1]


CONTENDERS: dict[str, dict[str, Scan]] = {
    "PD-SSM, (batch, time, states)": {
        "by routes": _one_hot("fused"),
        "whole matrices": _one_hot("reference"),
    },
    "LinOSS, (batch, time, oscillators)": {
        "compiled kernels": _pairs("fused"),
        "loop": _pairs("reference"),
        "doubling": _pairs("parallel"),
        "a matrix per position": _one_matrix_per_position,
    },
}


def _inputs(title: str, sizes: tuple[int, ...]) -> dict[str, Tensor]:
    (batch, time, states), draw = sizes, normal()
    if title.startswith("PD-SSM"):
        return {
            "logits": draw(batch, time, WORDS),
            "dictionary": draw(WORDS, states, states) / states**0.5,
            "modulus": draw(batch, time, states),
            "drive": draw(batch, time, states),
        }
    parts = 2 * states  # real and imaginary ones
    A, dt = draw(parts).abs(), 0.5 + 0.1 * draw(parts).tanh()
    one = torch.ones(parts)
    rows = (torch.stack((one, -dt * A)), torch.stack((dt, 1 - dt**2 * A)))
    gains = torch.stack((dt, dt**2))
    return {"matrices": torch.stack(rows), "gains": gains, "drive": draw(batch, time, parts)}


def main() -> list[dict[str, Any]]:
    """Measure every shape, print the tables, and return their rows."""
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    for title, shapes in zip(CONTENDERS, (ONE_HOT, PAIRS), strict=True):
        timed = [_row(title, sizes) for sizes in shapes]
        _show(title, timed)
        rows += timed
    return rows


def _row(title: str, sizes: tuple[int, ...]) -> dict[str, Any]:
    inputs = _inputs(title, sizes)
    calls = {name: step(scan, inputs) for name, scan in CONTENDERS[title].items()}
    first, *others = calls
    expected = calls[first]()
    errors = {name: difference(calls[name](), expected) for name in others}
    return {
        "title": title,
        "sizes": sizes,
        "errors": errors,
        "cpu_seconds": turns.timed(calls, ROUNDS),
    }


def _show(title: str, rows: list[dict[str, Any]]) -> None:
    header = (title, *rows[0]["cpu_seconds"], "largest error")
    lines = [
        [str(row["sizes"]), *turns.cells(row["cpu_seconds"]), f"{max(row['errors'].values()):.1e}"]
        for row in rows
    ]
    report.show("forward and backward: milliseconds, then time / ours", header, lines)
