"""The delta rule on the processor: compiled kernels, one pass forward, one back.

`forward` and `backward` take and return tensors and know nothing of autograd; the custom operators
call them. They run by chunks that stay in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..glue import pages
from ..glue.checks import plain
from ..glue.chunks import steps_of
from ..glue.matrices import lanes, run_kernel, slots, spans_of_lanes
from .problem import Problem

ROWS = 32  # of a chunk, steps times factors


def shapes(p: Problem, keep: bool) -> list[tuple[int, ...]]:
    """Shapes of output, last state, residuals and states before the chunks, if these are kept."""
    batch, heads, time, factors, key = p.k.shape
    value = p.v.shape[-1]
    kept = batch * heads if keep else 0
    return [
        (batch, heads, time, value),
        tuple(p.initial.shape),
        (kept, time * factors, value),
        (kept, slots(p, _steps_of_chunk(p)), key, value),
    ]


def forward(p: Problem, keep: bool) -> tuple[Tensor, ...]:
    """Output and last state; residuals and states before the chunks, empty unless to be kept."""
    from ..kernels import delta  # numba is imported on the first call that needs it

    output, state, residual, states = (pages.empty_like(p.v, shape) for shape in shapes(p, keep))
    state.copy_(p.initial)
    results = (lanes(state), lanes(output), residual, states)
    _run(delta.forward, p, (*_inputs(p, "q", "k", "v", "beta"), _decay(p), *results))
    return output, state, residual, states


def backward(
    p: Problem, residual: Tensor, states: Tensor, dy: Tensor, dstate: Tensor
) -> list[Tensor]:
    """Gradients of the inputs that are given, in the order of the problem's fields."""
    from ..kernels import delta

    dq, dk, dv, dbeta = (pages.empty_like(p.v, t.shape) for t in (p.q, p.k, p.v, p.beta))
    dinitial = plain(dstate).clone()
    dlog = p.beta.new_empty(p.q.shape[:3])
    given = (*_inputs(p, "q", "k", "beta"), _decay(p), residual, states, lanes(plain(dy)))
    results = (lanes(dinitial), lanes(dq), _rows(dk), _rows(dv), _rows(dbeta), lanes(dlog))
    _run(delta.backward, p, (*given, *results))
    gradients = [dq, dk, dv, dbeta, dinitial]
    return gradients if p.log_decay is None else [*gradients, dlog]


def _run(kernel: Callable[..., None], p: Problem, tensors: Sequence[Tensor]) -> None:
    steps = _steps_of_chunk(p)
    run_kernel(kernel, p, steps * p.k.shape[3], (spans_of_lanes(p, steps), *tensors))


def _inputs(p: Problem, *names: str) -> list[Tensor]:
    return [lanes(t) if n == "q" else _rows(t) for n in names for t in (plain(getattr(p, n)),)]


def _decay(p: Problem) -> Tensor:
    if p.log_decay is None:
        return torch.ones(p.q.shape[:3], dtype=p.q.dtype).flatten(0, 1)
    return plain(p.log_decay).exp().flatten(0, 1)


def _rows(tensor: Tensor) -> Tensor:
    """(batch, head, time, factor, ...) as (lane, row, ...)."""
    return tensor.flatten(2, 3).flatten(0, 1)


def _steps_of_chunk(p: Problem) -> int:
    return steps_of(p.time, p.k.shape[3], ROWS)
