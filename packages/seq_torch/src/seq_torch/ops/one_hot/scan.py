"""The recurrence of PD-SSM: a choice and a diagonal at every position."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from torch import Tensor

from ..glue.backend import Backend, choose
from ..glue.obstacles import of_fused
from . import reference, routed
from .problem import OnePer, check

if TYPE_CHECKING:
    from jaxtyping import Float, Inexact

BACKENDS = (
    Backend("fused", partial(routed.scan, backend="fused"), of_fused),
    Backend("chunked", partial(routed.scan, backend="chunked")),
    Backend("parallel", partial(routed.scan, backend="parallel")),
    Backend("reference", reference.scan),
)


def one_hot_scan(
    weights: Float[Tensor, "batch time word"],
    dictionary: Float[Tensor, "word state state"],
    factors: Inexact[Tensor, "batch time state"],
    drive: Inexact[Tensor, "batch time state"],
    initial: Inexact[Tensor, "batch state"],
    one_per: OnePer = "column",
    backend: str = "auto",
) -> Inexact[Tensor, "batch time state"]:
    r"""States of a recurrence whose matrices choose one row per column, or one column per row.

    .. math:: h_t = P_t D_t h_{t-1} + b_t, \qquad
              P_{t,ij} = \Big[ i = \arg\max_{i'} \sum_k w_{t,k} A_{k,i'j} \Big]

    or, with ``one_per="row"``, :math:`h_t = D_t P_t h_{t-1} + b_t` and the largest along j. The
    gradient of P is replaced by that of the softmax along the axis of the choice.

    Parameters
    ----------
    weights, dictionary
        w and A, of which the logits are mixed.
    factors
        The diagonal of D, real or complex.
    drive
        b, which is added.
    initial
        State before the first position.
    one_per
        Whether each "column" of P has its single 1, or each "row".
    backend
        ``"reference"``: whole matrices. ``"fused"``: compiled kernels of the CPU, by
        `structured_scan`; ``"chunked"`` and ``"parallel"``: the same by its backends of those
        names. ``"auto"``: the first of them that runs here.

    Returns
    -------
    The state after every position.

    Raises
    ------
    TypeError, ValueError
        If a type or a shape does not fit; the message says which, and what was expected.
    BackendError
        If a named backend cannot run here.

    Notes
    -----
    A position costs n numbers for n states in the recurrence, and n^2 times the words of the
    dictionary for its logits, which are formed for some positions at a time and again for the
    gradient; ``reference`` keeps several matrices of every position. All can be differentiated
    once; a second derivative would be that of another map.

    References
    ----------
    Terzic et al., arXiv 2509.22284.
    """
    problem = check(weights, dictionary, factors, drive, initial, one_per)
    return choose("one_hot_scan", BACKENDS, problem, backend).run(problem)
