"""The delta rule: a recurrence of matrices, each step a product of Householder factors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from ..glue.backend import Backend
from ..glue.matrices import in_one_type, run
from ..glue.obstacles import of_fused
from ..glue.packed import one_by_one
from . import chunked, cuda, operator, reference
from .problem import check

if TYPE_CHECKING:
    from jaxtyping import Float, Int

BACKENDS = (
    Backend("fused", in_one_type(operator.scan), of_fused),
    Backend("cuda", cuda.scan, cuda.obstacles),
    Backend("chunked", one_by_one(in_one_type(chunked.scan))),
    Backend("reference", one_by_one(in_one_type(reference.scan))),
)


def delta_scan(
    q: Float[Tensor, "batch group time key"],
    k: Float[Tensor, "batch group time factor key"],
    v: Float[Tensor, "batch head time factor value"],
    beta: Float[Tensor, "batch head time factor"],
    log_decay: Float[Tensor, "batch head time"] | None = None,
    initial: Float[Tensor, "batch head key value"] | None = None,
    *,
    cu_seqlens: Int[Tensor, " sequence+1"] | None = None,
    return_last_state: bool = False,
    backend: str = "auto",
) -> Tensor | tuple[Tensor, Tensor]:
    r"""Matrix state that is decayed, then corrected along one key after the other.

    .. math::
        S_{t,0} = e^{g_t} S_{t-1}, \qquad
        S_{t,j} = (I - \beta_{t,j} k_{t,j} k_{t,j}^\top) S_{t,j-1}
                  + \beta_{t,j} k_{t,j} v_{t,j}^\top, \qquad
        o_t = S_t^\top q_t

    for :math:`j = 1, \dots, n_h` and :math:`S_t = S_{t,n_h}`. With keys of norm 1 every factor is
    the identity but for one eigenvalue :math:`1 - \beta`, along k: a reflection at
    :math:`\beta = 2`.

    Parameters
    ----------
    q
        Queries, which read the state at each step. A group of queries serves a row of heads; the
        number of groups divides that of the heads: one for each head, one for all, or any
        between (as in Qwen3-Next).
    k, v
        Keys and values, `factor` of each at every step. Keys are grouped as the queries are, and
        normally have norm 1.
    beta
        Strengths. For keys of norm 1 the state grows if a strength lies outside [0, 2].
    log_decay
        Finite logarithms g of the decays, normally not positive; None for no decay.
    initial
        State before the first step; zero if None.
    cu_seqlens
        Offsets of packed sequences: a batch of 1 is a row of sequences back to back, which begin at
        these steps, and the last one ends at the last of them. They begin at 0, never fall (a
        sequence may be empty), and end at `time`; int32 or int64. States, the initial and the last,
        are then those of the sequences, `(sequence, head, key, value)`.
    return_last_state
        Whether to return the state after the last step too.
    backend
        ``"auto"``, ``"fused"``, ``"chunked"``, ``"cuda"`` or ``"reference"``.

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
    ``fused``, compiled kernels of the CPU, takes chunks of 32 factors that stay in the cache, at
    O(time * factor * (32 + key) * (32 + value)) for each head. For a gradient it keeps one state
    per chunk and what each factor corrects, O(time * factor * (key / 32 + 1) * value) memory. It
    can be differentiated once, and gives the same bits on any number of threads. ``auto`` takes it
    for tensors on the CPU, and ``chunked`` where numba is missing.

    A packed sequence has the values and gradients of the sequence alone, with ``fused``,
    ``chunked`` and ``reference`` bit for bit: ``fused`` and ``cuda`` take all at once, the other
    two one after the other. Offsets on a device are read from it, which waits.

    ``chunked``, on any device, costs O(time * factor * (64 + key) * (key + value)) for each head in
    matrix products and O(time * factor * (64 + key + value)) memory, and passes one state per 64
    factors on. ``reference`` holds all states and takes a step of Python for every factor. Both are
    plain torch and can be differentiated again, also in forward mode. In ``chunked`` a NaN or an
    infinity spoils its whole chunk, earlier steps included.

    ``cuda``, the kernels of flash-linear-attention, takes q, k and v that are all bfloat16 or all
    float16 and multiplies them as such; state, strengths and decays stay in float32. It can be
    differentiated once. Logarithms are summed along 64 rows, so that one below -1e5 costs those
    after it their digits. ``auto`` takes it where it covers the call and fla-core can be imported.

    References
    ----------
    Yang, Wang, Zhang, Shen, Kim, arXiv 2406.06484 (delta rule, chunks); Yang, Kautz, Hatamizadeh,
    arXiv 2412.06464 (decay); Siems et al., arXiv 2502.10297 (several factors). Kernels:
    https://github.com/fla-org/flash-linear-attention.
    """
    given = {"q": q, "k": k, "v": v, "beta": beta, "log_decay": log_decay, "initial": initial}
    problem = check(cu_seqlens=cu_seqlens, **given).with_all_heads()
    output, state = run("delta_scan", BACKENDS, problem, backend)
    output = output.to(v.dtype)
    return (output, state) if return_last_state else output
