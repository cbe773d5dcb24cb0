"""The matrix-to-matrix recurrence: a nonlinear one whose state is a matrix."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from torch import Tensor

from seqtheory.checks import require_positive

from ..glue.backend import Backend
from ..glue.matrices import in_one_type, run
from ..glue.obstacles import of_fused
from . import operator, reference
from .problem import check

if TYPE_CHECKING:
    from jaxtyping import Float

BACKENDS = (
    Backend("fused", in_one_type(operator.scan), of_fused),
    Backend("reference", in_one_type(reference.scan)),
)


def m2rnn_scan(
    q: Float[Tensor, "batch group time key"],
    k: Float[Tensor, "batch group time key"],
    v: Float[Tensor, "batch head time value"],
    decay: Float[Tensor, "batch head time"],
    weight: Float[Tensor, "head value value"],
    initial: Float[Tensor, "batch head key value"] | None = None,
    *,
    clip: float | None = None,
    return_last_state: bool = False,
    backend: str = "auto",
) -> Tensor | tuple[Tensor, Tensor]:
    r"""Matrix state that moves towards the hyperbolic tangent of itself times a matrix.

    .. math::
        S_t = f_t S_{t-1} + (1 - f_t) \tanh(S_{t-1} W + k_t v_t^\top), \qquad o_t = S_t^\top q_t

    in each head.

    Parameters
    ----------
    q, k
        Queries, which read the state at each step, and keys. A group of them serves a row of heads;
        the number of groups divides that of the heads.
    v
        Values.
    decay
        Factors f, between 0 and 1.
    weight
        W of each head, which mixes the columns of a state.
    initial
        State before the first step; zero if None.
    clip
        Bound on every entry of the gradient of each state, positive; None for none. The published
        model takes 1. The gradient then is not that of the output.
    return_last_state
        Whether to return the state after the last step too.
    backend
        ``"auto"``, ``"fused"`` or ``"reference"``.

    Returns
    -------
    Output `(batch, head, time, value)` in the type of `v`, and the last state
    `(batch, head, key, value)` if asked for. Types shorter than float32 are computed in float32.

    Raises
    ------
    TypeError, ValueError
        If a type, a shape or the bound does not fit; the message says which, and what was expected.
    BackendError
        If a named backend cannot run here. There is no parallel one for a nonlinear recurrence.

    Notes
    -----
    ``fused``, compiled kernels of the CPU, takes O(time * key * value^2) for each head, with the
    state in the cache. For a gradient it keeps one state per 16 steps. It can be differentiated
    once, and gives the same bits on any number of threads. ``reference`` holds all states and takes
    a step of Python for every position.

    References
    ----------
    Mishra et al., arXiv 2603.14360; the clipped gradient as in
    https://github.com/open-lm-engine/lm-engine at 36bad91.
    """
    if clip is not None:
        require_positive("clip", clip)
    bound = v.new_tensor(inf if clip is None else clip) if isinstance(v, Tensor) else v
    problem = check(q=q, k=k, v=v, decay=decay, weight=weight, clip=bound, initial=initial)
    output, state = run("m2rnn_scan", BACKENDS, problem.with_all_heads(), backend)
    output = output.to(v.dtype)
    return (output, state) if return_last_state else output
