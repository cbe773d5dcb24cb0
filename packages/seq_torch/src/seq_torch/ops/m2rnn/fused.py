"""The matrix-to-matrix recurrence on the processor: compiled kernels, one pass forward, one back.

`forward` and `backward` take and return tensors and know nothing of autograd; the custom operators
call them. A head's state stays in the cache. For the pass back it is kept before every chunk of
steps, and those inside are computed again.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..glue import pages
from ..glue.checks import plain
from ..glue.matrices import lanes, run_kernel, slots
from .problem import Problem

ROWS = 16  # steps of a chunk, whose states the pass back holds in the cache


def shapes(p: Problem, keep: bool) -> list[tuple[int, ...]]:
    """Shapes of output, last state, and states before the chunks, if these are kept."""
    batch, heads = p.v.shape[:2]
    kept = (batch * heads if keep else 0, slots(p, ROWS), *p.initial.shape[2:])
    return [tuple(p.v.shape), tuple(p.initial.shape), kept]


def forward(p: Problem, keep: bool) -> tuple[Tensor, ...]:
    """Output, last state, and states before the chunks, empty unless to be kept."""
    from ..kernels import m2rnn  # numba is imported on the first call that needs it

    output, state, states = (pages.empty_like(p.v, shape) for shape in shapes(p, keep))
    state.copy_(p.initial)
    results = (lanes(state), lanes(output), states)
    run_kernel(m2rnn.forward, p, ROWS, (*_inputs(p), plain(p.weight), *results))
    return output, state, states


def backward(p: Problem, states: Tensor, dy: Tensor, dstate: Tensor) -> list[Tensor]:
    """Gradients of the inputs, in the order of the problem's fields."""
    from ..kernels import m2rnn

    inputs, (batch, heads) = _inputs(p), p.v.shape[:2]
    found = [pages.empty_like(value, value.shape) for value in inputs]
    dinitial, dweight = (
        plain(dstate).clone(),
        p.weight.new_zeros(batch * heads, *p.weight.shape[1:]),
    )
    given = (*inputs, plain(p.weight), plain(p.weight.mT), states, plain(p.clip).reshape(1))
    results = (lanes(plain(dy)), lanes(dinitial), *found, dweight)
    run_kernel(m2rnn.backward, p, ROWS, (*given, *results))
    gradients = [value.unflatten(0, (batch, heads)) for value in found]
    summed = dweight.unflatten(0, (batch, heads)).sum(0)
    return [*gradients, summed, torch.zeros_like(p.clip), dinitial]


def _inputs(p: Problem) -> list[Tensor]:
    return [lanes(plain(value)) for value in (p.q, p.k, p.v, p.decay)]
