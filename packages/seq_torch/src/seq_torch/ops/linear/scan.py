"""The linear scan: a diagonal linear recurrence over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from ..glue.backend import Backend, choose
from ..glue.obstacles import of_fused
from . import operator, parallel, reference
from .problem import check

if TYPE_CHECKING:
    from jaxtyping import Inexact

BACKENDS = (
    Backend("fused", operator.scan, of_fused),
    Backend("parallel", parallel.scan),
    Backend("reference", reference.scan),
)


def linear_scan(
    a: Inexact[Tensor, "*shape"],
    b: Inexact[Tensor, "batch time state"],
    initial: Inexact[Tensor, "batch state"] | None = None,
    backend: str = "auto",
) -> Inexact[Tensor, "batch time state"]:
    r"""States of a diagonal linear recurrence.

    .. math:: h_k = a_k \odot h_{k-1} + b_k, \qquad h_{-1} = \text{initial}

    Parameters
    ----------
    a
        Factors, broadcast against `b` as usual: `(state,)` for factors that never change,
        `(time, state)` for those that change with time alone. They are never expanded over batch
        or time.
    b
        Inputs.
    initial
        State before the first step, broadcast to `(batch, state)`; zero if None.
    backend
        ``"auto"``, ``"reference"``, ``"fused"`` or ``"parallel"``.

    Returns
    -------
    The state after every step, in the common type of the inputs, complex if any of them is.

    Raises
    ------
    TypeError, ValueError
        If a type or a shape does not fit; the message says which, and what was expected.
    BackendError
        If a named backend cannot run here.

    Notes
    -----
    ``fused`` runs on the CPU in one pass each way; its results have the same bits on any number
    of threads. It can be differentiated once by autograd, compiled, and mapped by
    `torch.func.vmap`, which loops; `torch.func.grad` refuses it. ``reference`` and
    ``parallel`` can be differentiated again.
    """
    problem = check(a, b, initial)
    return choose("linear_scan", BACKENDS, problem, backend).run(problem)
