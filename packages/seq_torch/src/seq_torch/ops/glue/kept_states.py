"""Compiled scans that keep a head's state before every chunk of steps, for the pass back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from . import pages
from .checks import plain
from .matrices import MatrixProblem, lanes, run_kernel, slots

ROWS = 16  # steps of a chunk, whose states the pass back holds in the cache


def shapes(p: MatrixProblem, rows: int, keep: bool) -> list[tuple[int, ...]]:
    """Shapes of output, last state, and states before the chunks, if these are kept."""
    values, first = p.given["v"].shape, p.given["initial"].shape
    kept = (values[0] * values[1] if keep else 0, slots(p, rows), *first[2:])
    return [(*values[:3], values[-1]), tuple(first), kept]


def run_forward(
    kernel: Callable[..., None], p: MatrixProblem, rows: int, keep: bool, given: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """Output, last state, and states before the chunks, empty unless to be kept."""
    made = (pages.empty_like(p.like, shape) for shape in shapes(p, rows, keep))
    output, state, states = made
    state.copy_(p.given["initial"])
    run_kernel(kernel, p, rows, (*given, lanes(state), lanes(output), states))
    return output, state, states


def lanes_of(*inputs: Tensor) -> list[Tensor]:
    """Lay inputs (batch, head, ...) out as (lane, ...), in the order of memory."""
    return [lanes(plain(value)) for value in inputs]
