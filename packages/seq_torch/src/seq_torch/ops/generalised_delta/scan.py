"""The generalised delta rule: a recurrence of matrices with a diagonal plus one of rank one."""

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
    Backend("chunked", one_by_one(in_one_type(chunked.scan))),
    Backend("cuda", cuda.scan, cuda.obstacles),
    Backend("reference", one_by_one(in_one_type(reference.scan))),
)


def generalised_delta_scan(
    q: Float[Tensor, "batch group time key"],
    k: Float[Tensor, "batch group time key"],
    v: Float[Tensor, "batch head time value"],
    a: Float[Tensor, "batch head time key"],
    b: Float[Tensor, "batch head time key"],
    log_decay: Float[Tensor, "batch head time key"] | None = None,
    initial: Float[Tensor, "batch head key value"] | None = None,
    *,
    decay: Float[Tensor, "batch head time key"] | None = None,
    cu_seqlens: Int[Tensor, " sequence+1"] | None = None,
    return_last_state: bool = False,
    backend: str = "auto",
) -> Tensor | tuple[Tensor, Tensor]:
    r"""Matrix state whose transition is diagonal plus low rank (DPLR): each channel has its decay.

    .. math::
        S_t = \big(\mathrm{diag}(e^{g_t}) + b_t a_t^\top\big) S_{t-1} + k_t v_t^\top, \qquad
        o_t = S_t^\top q_t

    A state has the keys' channels as rows. Its transpose, with the values' as rows, is multiplied
    from the right by :math:`\mathrm{diag}(e^{g_t}) + a_t b_t^\top`, as the sources have it. With
    keys of norm 1:

    - the gated delta rule and Kimi Delta Attention (KDA), which decay before they correct,
      :math:`S_t = (I - \beta k k^\top) \mathrm{diag}(e^g) S_{t-1} + \beta k v^\top`, are
      :math:`a = e^g \odot k`, :math:`b = -\beta k`, with :math:`\beta v` for values;
    - its form with decays in [-1, 1] gives these as `decay`;
    - RWKV-7, which does both at once, :math:`S_t = (\mathrm{diag}(e^g) - (\eta \odot \kappa)
      \kappa^\top) S_{t-1} + k v^\top` with a removal key :math:`\kappa` of its own and rates
      :math:`\eta` of the channels, is :math:`a = -\kappa`, :math:`b = \eta \odot \kappa`.

    Parameters
    ----------
    q
        Queries, which read the state at each step. A group of queries serves a row of heads; the
        number of groups divides that of the heads: one for each head, one for all, or any
        between.
    k, v
        Keys, grouped as the queries are, and values.
    a, b
        What is recalled of the state before the step, and where it is added.
    log_decay
        Logarithms g of each channel's decay, normally not positive; minus infinity for a decay
        of zero.
    decay
        The decays themselves, of either sign, in place of their logarithms.
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
    ``fused``, compiled kernels of the CPU, takes O(time * key * value) for each head, with the
    state in the cache. For a gradient it keeps one state per 16 steps. It can be differentiated
    once, and gives the same bits on any number of threads. ``auto`` takes it for tensors on the
    CPU, and ``chunked`` elsewhere and where numba is missing.

    A packed sequence has the values and gradients of the sequence alone, bit for bit: ``fused``
    takes all at once, the others one after the other. Offsets on a device are read from it, which
    waits.

    ``chunked``, on any device, takes chunks of 16 steps, at O(time * key * (16 + value)) for each
    head, and holds as much as O(16 * time * key). ``reference`` holds all states and takes a step
    of Python for every position. Both are plain torch and can be differentiated again, also in
    forward mode. In ``chunked`` a NaN or an infinity spoils its whole chunk, earlier steps
    included.

    ``cuda``, a kernel of flash-linear-attention, takes q, k and v that are all bfloat16 or all
    float16, multiplies them, a and b as such, and can be differentiated once. It takes positive
    decays, which is read from the device; ``auto`` therefore stays with ``chunked``. It has not
    been run on a device yet.

    No other backend divides by decays or takes differences of their logarithms, so that strong
    ones cost no digits.

    References
    ----------
    Kimi Team, arXiv 2510.26692 (KDA); Peng et al., arXiv 2503.14456 (RWKV-7); the names a, b and
    DPLR as in https://github.com/fla-org/flash-linear-attention.
    """
    if (log_decay is None) == (decay is None):
        came = "neither log_decay nor decay" if decay is None else "both log_decay and decay"
        raise ValueError(f"got {came}, expected one of them.")
    given = {"q": q, "k": k, "v": v, "a": a, "b": b, "log_decay": log_decay, "decay": decay}
    problem = check(cu_seqlens=cu_seqlens, initial=initial, **given).with_all_heads()
    output, state = run("generalised_delta_scan", BACKENDS, problem, backend)
    output = output.to(v.dtype)
    return (output, state) if return_last_state else output
