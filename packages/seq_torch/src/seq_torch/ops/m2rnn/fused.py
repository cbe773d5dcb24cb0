"""The matrix-to-matrix recurrence on the processor: compiled kernels, one pass forward, one back.

`forward` and `backward` take and return tensors and know nothing of autograd; the custom operators
call them. A head's state stays in the cache. For the pass back it is kept before every chunk of
steps, and those inside are computed again.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..glue import kept_states, pages
from ..glue.checks import plain
from ..glue.kept_states import lanes_of
from ..glue.matrices import lanes, run_kernel
from .problem import Problem

ROWS = kept_states.ROWS


def shapes(p: Problem, keep: bool) -> list[tuple[int, ...]]:
    """Shapes of output, last state, and states before the chunks, if these are kept."""
    return kept_states.shapes(p, ROWS, keep)


def forward(p: Problem, keep: bool) -> tuple[Tensor, ...]:
    """Output, last state, and states before the chunks, empty unless to be kept."""
    from ..kernels import m2rnn  # numba is imported on the first call that needs it

    return kept_states.run_forward(m2rnn.forward, p, ROWS, keep, (*_inputs(p), plain(p.weight)))


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
    return lanes_of(p.q, p.k, p.v, p.decay)
