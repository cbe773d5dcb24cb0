"""The outer scan: a recurrence of matrices with one scalar factor a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from ..glue.backend import Backend
from ..glue.matrices import in_one_type, run
from . import chunked, cuda, reference
from .problem import check

if TYPE_CHECKING:
    from jaxtyping import Float

BACKENDS = (
    Backend("chunked", in_one_type(chunked.scan)),
    Backend("cuda", cuda.scan, cuda.obstacles),
    Backend("reference", in_one_type(reference.scan)),
)


def outer_scan(
    q: Float[Tensor, "batch group time key"],
    k: Float[Tensor, "batch group time factor key"],
    v: Float[Tensor, "batch head time factor value"],
    decay: Float[Tensor, "batch head time"],
    initial: Float[Tensor, "batch head key value"] | None = None,
    *,
    return_last_state: bool = False,
    backend: str = "auto",
) -> Tensor | tuple[Tensor, Tensor]:
    r"""Matrix state that is multiplied by a number, then gains outer products.

    .. math::
        S_t = a_t S_{t-1} + \sum_j k_{t,j} v_{t,j}^\top, \qquad o_t = S_t^\top q_t

    Parameters
    ----------
    q
        Queries, which read the state at each step. A group of queries serves a row of heads; the
        number of groups divides that of the heads: one for each head, one for all, or any
        between (Mamba-2).
    k, v
        Keys and values, `factor` of each at every step; keys are grouped as the queries are.
    decay
        Factors a, of either sign; between -1 and 1 unless the state may grow.
    initial
        State before the first step; zero if None.
    return_last_state
        Whether to return the state after the last step too.
    backend
        ``"auto"``, ``"chunked"``, ``"cuda"`` or ``"reference"``.

    Returns
    -------
    Output `(batch, head, time, value)` in the type of `v`, and the last state
    `(batch, head, key, value)` if asked for. Types shorter than float32 are computed in float32,
    except by ``cuda``.

    Raises
    ------
    TypeError, ValueError
        If a type or a shape does not fit; the message says which, and what was expected.
    BackendError
        If a named backend cannot run here.

    Notes
    -----
    ``chunked``, on any device, costs O(time * factor * (64 + key) * value) for each head in matrix
    products, and passes one state per 64 factors on. Queries and keys that serve several
    heads meet once for all of them. ``reference`` holds all states. Both are plain torch and can be
    differentiated again. In ``chunked`` a NaN or an infinity spoils its whole chunk, earlier steps
    included.

    ``cuda``, a kernel of flash-linear-attention, takes q, k and v that are all bfloat16 or all
    float16 and multiplies them as such, and positive factors a, whose logarithms are summed along
    64 rows in float32. It can be differentiated once. Whether all factors are positive is read from
    the device, which waits for it; ``auto`` therefore stays with ``chunked``.

    References
    ----------
    Dao and Gu, arXiv 2405.21060, sections 2 and 6. Kernel:
    https://github.com/fla-org/flash-linear-attention.
    """
    problem = check(q=q, k=k, v=v, decay=decay, initial=initial)
    output, state = run("outer_scan", BACKENDS, problem.with_groups_in_batch(), backend)
    output = output.to(v.dtype).reshape(*v.shape[:3], v.shape[-1])
    state = state.reshape(problem.initial.shape)
    return (output, state) if return_last_state else output
