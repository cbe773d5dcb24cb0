"""The delta rule on the processor: compiled kernels, one pass forward, one back.

`forward` and `backward` take and return tensors and know nothing of autograd; the custom operators
call them. They run by chunks that stay in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..glue import pages, threads
from ..glue.checks import plain
from ..glue.chunks import steps_of
from .problem import Problem

ROWS = 32  # of a chunk, steps times factors


def shapes(p: Problem, keep: bool) -> list[tuple[int, ...]]:
    """Shapes of output, last state, residuals and states before the chunks, if these are kept."""
    batch, heads, time, factors, key = p.k.shape
    value = p.v.shape[-1]
    rows = factors * steps_of(time, factors, ROWS)
    lanes = batch * heads if keep else 0
    chunks = -(-time * factors // rows)
    return [
        (batch, heads, time, value),
        (batch, heads, key, value),
        (lanes, time * factors, value),
        (lanes, chunks, key, value),
    ]


def forward(p: Problem, keep: bool) -> tuple[Tensor, ...]:
    """Output and last state; residuals and states before the chunks, empty unless to be kept."""
    from ..kernels import delta  # numba is imported on the first call that needs it

    output, state, residual, states = (pages.empty_like(p.v, shape) for shape in shapes(p, keep))
    state.copy_(p.initial)
    results = (_lanes(state), _lanes(output), residual, states)
    _share(delta.forward, p, (*_inputs(p, "q", "k", "v", "beta"), _decay(p), *results))
    return output, state, residual, states


def backward(
    p: Problem, residual: Tensor, states: Tensor, dy: Tensor, dstate: Tensor
) -> list[Tensor]:
    """Gradients of the inputs that are given, in the order of the problem's fields."""
    from ..kernels import delta

    dq, dk, dv, dbeta = (pages.empty_like(plain(t)) for t in (p.q, p.k, p.v, p.beta))
    dinitial = plain(dstate).clone()
    dlog = p.beta.new_empty(p.q.shape[:3])
    given = (*_inputs(p, "q", "k", "beta"), _decay(p), residual, states, _lanes(plain(dy)))
    results = (_lanes(dinitial), _lanes(dq), _rows(dk), _rows(dv), _rows(dbeta), _lanes(dlog))
    _share(delta.backward, p, (*given, *results))
    gradients = [dq, dk, dv, dbeta, dinitial]
    return gradients if p.log_decay is None else [*gradients, dlog]


def _inputs(p: Problem, *names: str) -> list[Tensor]:
    return [_lanes(t) if n == "q" else _rows(t) for n in names for t in (plain(getattr(p, n)),)]


def _decay(p: Problem) -> Tensor:
    if p.log_decay is None:
        return torch.ones(p.q.shape[:3], dtype=p.q.dtype).flatten(0, 1)
    return plain(p.log_decay).exp().flatten(0, 1)


def _lanes(tensor: Tensor) -> Tensor:
    """(batch, head, ...) as (lane, ...)."""
    return tensor.flatten(0, 1)


def _rows(tensor: Tensor) -> Tensor:
    """(batch, head, time, factor, ...) as (lane, row, ...)."""
    return tensor.flatten(2, 3).flatten(0, 1)


def _share(kernel: Callable[..., None], p: Problem, tensors: Sequence[Tensor]) -> None:
    """Call the kernel for every part of the lanes, on all threads."""
    batch, heads, time, factors, _ = p.k.shape
    lanes = batch * heads
    rows = factors * steps_of(time, factors, ROWS)
    arrays = [tensor.numpy() for tensor in tensors]
    work = p.k.numel() * p.v.shape[-1]
    threads.run_lanes(work, lanes, lambda *part: kernel(*part, rows, *arrays))
