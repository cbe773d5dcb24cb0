"""The outer scan: a recurrence of matrices with a factor a step, of the whole or of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from ..glue.backend import Backend
from ..glue.matrices import in_one_type, run
from ..glue.obstacles import of_fused
from ..glue.packed import one_by_one
from . import chunked, cuda, operator, reference
from .problem import by_groups, check

if TYPE_CHECKING:
    from jaxtyping import Float, Int

_FUSED = Backend("fused", in_one_type(operator.scan), of_fused)
_CHUNKED = Backend("chunked", one_by_one(in_one_type(by_groups(chunked.scan))))
_OTHERS = (
    Backend("cuda", cuda.scan, cuda.obstacles),
    Backend("reference", one_by_one(in_one_type(by_groups(reference.scan)))),
)
BACKENDS = (_CHUNKED, _FUSED, *_OTHERS)
FUSED_FIRST = (_FUSED, _CHUNKED, *_OTHERS)


def outer_scan(
    q: Float[Tensor, "batch group time key"],
    k: Float[Tensor, "batch group time factor key"],
    v: Float[Tensor, "batch head time factor value"],
    decay: Float[Tensor, "batch head time"] | Float[Tensor, "batch head time key"],
    initial: Float[Tensor, "batch head key value"] | None = None,
    *,
    cu_seqlens: Int[Tensor, " sequence+1"] | None = None,
    return_last_state: bool = False,
    backend: str = "auto",
) -> Tensor | tuple[Tensor, Tensor]:
    r"""Matrix state that is multiplied by a number, or each row by its own, then gains products.

    .. math::
        S_t = a_t S_{t-1} + \sum_j k_{t,j} v_{t,j}^\top, \qquad o_t = S_t^\top q_t

    with a number :math:`a_t`, or a diagonal matrix of one number for each key channel.

    Parameters
    ----------
    q
        Queries, which read the state at each step. A group of queries serves a row of heads; the
        number of groups divides that of the heads: one for each head, one for all, or any
        between (Mamba-2).
    k, v
        Keys and values, `factor` of each at every step; keys are grouped as the queries are.
    decay
        Factors a, of either sign; between -1 and 1 unless the state may grow. With an axis of the
        key each row of the state has its own (GLA, HGRN2).
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
    ``fused``, compiled kernels of the CPU, takes O(time * factor * key * value) for each head, with
    the state in the cache. For a gradient it keeps one state per 16 steps. It can be differentiated
    once, and gives the same bits on any number of threads. ``auto`` takes it on the CPU,
    where numba is there, for factors of the channels and for packed sequences, and ``chunked``
    otherwise.

    A packed sequence has the values and gradients of the sequence alone, with ``fused``,
    ``chunked`` and ``reference`` bit for bit: ``fused`` and ``cuda`` take all at once, the other
    two one after the other. Offsets on a device are read from it, which waits.

    ``chunked``, on any device, costs O(time * factor * (64 + key) * value) for each head in matrix
    products, and passes one state per 64 factors on. Queries and keys that serve several
    heads meet once for all of them. With factors of the channels it takes chunks of 16 rows, at
    O(time * factor * key * (16 + value)), and holds as much as O(16 * time * factor * key).
    ``reference`` holds all states. Both are plain torch and can be
    differentiated again. In ``chunked`` a NaN or an infinity spoils its whole chunk, earlier steps
    included.

    ``cuda``, kernels of flash-linear-attention, takes q, k and v that are all bfloat16 or all
    float16 and multiplies them as such, and positive factors a, whose logarithms are summed along
    64 rows in float32. It can be differentiated once. Whether all factors are positive is read from
    the device, which waits for it; ``auto`` therefore stays with ``chunked``.

    References
    ----------
    Dao and Gu, arXiv 2405.21060, sections 2 and 6; Yang, Wang, Shen, Panda, Kim, arXiv 2312.06635
    (factors of the channels). Kernels:
    https://github.com/fla-org/flash-linear-attention.
    """
    given = {"q": q, "k": k, "v": v, "decay": decay, "initial": initial}
    problem = check(cu_seqlens=cu_seqlens, **given)
    chunks_meet = not problem.by_channels and cu_seqlens is None
    table = BACKENDS if chunks_meet else FUSED_FIRST
    output, state = run("outer_scan", table, problem, backend)
    output = output.to(v.dtype)
    return (output, state) if return_last_state else output
