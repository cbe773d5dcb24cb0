"""The generalised delta rule on the processor: compiled kernels, one pass forward, one back.

`forward` and `backward` take and return tensors and know nothing of autograd; the custom operators
call them. A head's state stays in the cache. For the pass back it is kept before every chunk of
steps, and those inside are computed again.
"""

from __future__ import annotations

from torch import Tensor

from ..glue import kept_states, pages
from ..glue.checks import plain
from ..glue.kept_states import lanes_of
from ..glue.matrices import lanes, run_kernel, spans_of_lanes
from .problem import Problem

ROWS = kept_states.ROWS


def shapes(p: Problem, keep: bool) -> list[tuple[int, ...]]:
    """Shapes of output, last state, and states before the chunks, if these are kept."""
    return kept_states.shapes(p, ROWS, keep)


def forward(p: Problem, keep: bool) -> tuple[Tensor, ...]:
    """Output, last state, and states before the chunks, empty unless to be kept."""
    from ..kernels import generalised_delta  # numba is imported on the first call that needs it

    return kept_states.run_forward(
        generalised_delta.forward, p, ROWS, keep, (spans_of_lanes(p, ROWS), *_inputs(p))
    )


def backward(p: Problem, states: Tensor, dy: Tensor, dstate: Tensor) -> list[Tensor]:
    """Gradients of the inputs, in the order of the problem's fields."""
    from ..kernels import generalised_delta

    *inputs, decay = _inputs(p)
    found = [pages.empty_like(value, value.shape) for value in (*inputs, decay)]
    dinitial = plain(dstate).clone()
    results = (lanes(plain(dy)), lanes(dinitial), *found)
    given = (spans_of_lanes(p, ROWS), *inputs, decay, states)
    run_kernel(generalised_delta.backward, p, ROWS, (*given, *results))
    *gradients, ddecay = [value.unflatten(0, p.v.shape[:2]) for value in found]
    if p.decay is None:  # the gradient of its logarithm
        ddecay = ddecay * decay.unflatten(0, p.v.shape[:2])
    return [*gradients, dinitial, ddecay]


def _inputs(p: Problem) -> list[Tensor]:
    return lanes_of(p.q, p.k, p.v, p.a, p.b, p.decays)
