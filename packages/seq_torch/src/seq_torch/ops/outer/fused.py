"""The outer scan on the processor: compiled kernels, one pass forward, one back.

`forward` and `backward` take and return tensors and know nothing of autograd; the custom operators
call them. Every head has its queries and keys, and every key channel its decay. A head's state
stays in the cache. For the pass back it is kept before every chunk of steps, and those inside are
computed again.
"""

from __future__ import annotations

from torch import Tensor

from ..glue import pages
from ..glue.checks import plain
from ..glue.matrices import lanes, run_kernel, slots, spans_of_lanes
from .problem import Problem

ROWS = 16  # steps of a chunk, whose states the pass back holds in the cache


def shapes(p: Problem, keep: bool) -> list[tuple[int, ...]]:
    """Shapes of output, last state, and states before the chunks, if these are kept."""
    batch, heads, time = p.v.shape[:3]
    kept = (batch * heads if keep else 0, slots(p, ROWS), *p.initial.shape[2:])
    return [(batch, heads, time, p.v.shape[-1]), tuple(p.initial.shape), kept]


def forward(p: Problem, keep: bool) -> tuple[Tensor, ...]:
    """Output, last state, and states before the chunks, empty unless to be kept."""
    from ..kernels import outer  # numba is imported on the first call that needs it

    output, state, states = (pages.empty_like(p.v, shape) for shape in shapes(p, keep))
    state.copy_(p.initial)
    results = (lanes(state), lanes(output), states)
    run_kernel(outer.forward, p, ROWS, (*_inputs(p), *results))
    return output, state, states


def backward(p: Problem, states: Tensor, dy: Tensor, dstate: Tensor) -> list[Tensor]:
    """Gradients of the inputs, in the order of the problem's fields."""
    from ..kernels import outer

    inputs, dinitial = _inputs(p), plain(dstate).clone()
    found = [pages.empty_like(value, value.shape) for value in inputs[1:]]
    results = (lanes(plain(dy)), lanes(dinitial), *found)
    run_kernel(outer.backward, p, ROWS, (*inputs, states, *results))
    return [*(value.unflatten(0, p.v.shape[:2]) for value in found), dinitial]


def _inputs(p: Problem) -> list[Tensor]:
    given = (p.q, p.k, p.v, p.decay)
    return [spans_of_lanes(p, ROWS), *(lanes(plain(value)) for value in given)]
