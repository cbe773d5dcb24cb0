"""The selective scan, the recurrence of Mamba, with the interface of mamba-ssm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from ..glue.backend import Backend, choose
from ..glue.obstacles import of_fused
from ..glue.packed import one_by_one
from . import cuda, operator, parallel, reference
from .problem import check

if TYPE_CHECKING:
    from jaxtyping import Float, Inexact, Int

BACKENDS = (
    Backend("fused", operator.scan, of_fused),
    Backend("cuda", cuda.scan, cuda.obstacles),
    Backend("parallel", one_by_one(parallel.scan)),
    Backend("reference", one_by_one(reference.scan)),
)


def selective_scan(
    u: Float[Tensor, "batch dim time"],
    delta: Float[Tensor, "batch dim time"],
    A: Inexact[Tensor, "dim state"],
    B: Inexact[Tensor, "*shape"],
    C: Inexact[Tensor, "*shape"],
    D: Float[Tensor, " dim"] | None = None,
    z: Float[Tensor, "batch dim time"] | None = None,
    delta_bias: Float[Tensor, " dim"] | None = None,
    delta_softplus: bool = False,
    return_last_state: bool = False,
    *,
    initial_state: Inexact[Tensor, "batch dim state"] | None = None,
    cu_seqlens: Int[Tensor, " sequence+1"] | None = None,
    backend: str = "auto",
) -> Tensor | tuple[Tensor, Tensor]:
    r"""Diagonal recurrence whose step, input and output maps may depend on time.

    .. math::
        h_k = e^{\Delta_k A} h_{k-1} + \Delta_k B_k u_k, \qquad
        y_k = \big(\textstyle\sum_n C_{k,n} h_{k,n} + D u_k\big)\,\mathrm{silu}(z_k)

    Every channel of `u` has its own state. For complex `A` each state stands for a conjugate
    pair, and the sum is replaced by :math:`2\,\mathrm{Re} \sum_n C_{k,n} h_{k,n}`.

    Parameters
    ----------
    u
        Input.
    delta
        Step sizes; `delta_bias` is added, then softplus is applied if `delta_softplus`.
    A
        Diagonal of the state matrix of each channel, real or complex.
    B, C
        Constant `(dim, state)`; varying `(batch, state, time)`; or varying in groups of channels,
        `(batch, group, state, time)`. Complex where `A` is; the varying forms then also real
        with pairs of real and imaginary parts along the last axis, of length ``2 * time``.
    D
        Skip connection.
    z
        Gate.
    delta_bias
        Added to `delta`.
    delta_softplus
        Whether steps are ``softplus(delta + delta_bias)``.
    return_last_state
        Whether to return the state after the last step too.
    initial_state
        State before the first step; zero if None.
    cu_seqlens
        Offsets of packed sequences: a batch of 1 is a row of sequences back to back, which begin at
        these steps, and the last one ends at the last of them. They begin at 0, never fall (a
        sequence may be empty), and end at `time`; int32 or int64. States, the initial and the last,
        are then those of the sequences, `(sequence, dim, state)`.
    backend
        ``"auto"``, ``"reference"``, ``"fused"``, ``"parallel"`` or ``"cuda"``.

    Returns
    -------
    Output `(batch, dim, time)` in the type of `u`, and the last state `(batch, dim, state)` if
    asked for. Types shorter than float32 are computed in float32.

    Raises
    ------
    TypeError, ValueError
        If a type or a shape does not fit; the message says which, and what was expected.
    BackendError
        If a named backend cannot run here.

    Notes
    -----
    ``fused`` runs on the CPU: it costs O(batch * dim * time * state) and holds no states, which
    its backward pass computes again; its results have the same bits on any number of threads. It
    can be differentiated once by autograd, compiled, and mapped by `torch.func.vmap`, which loops;
    `torch.func.grad` refuses it. Its decay factors below 1e-38 (1e-308 in double) are held there,
    and angles ``delta * imag(A)`` above 1e4 (1e9) lose digits. ``reference`` and ``parallel``
    hold all states and can be differentiated again. ``cuda`` takes up to 256 states, no packed
    sequences, no initial state, and no gradient of the last one.

    A packed sequence has the values and gradients of the sequence alone, bit for bit, but that
    torch rounds the last entries of a softplus or a gate in another way, and that gradients of what
    sequences share, as `A`, sum over them in another order. ``fused`` takes all at once, the others
    one after the other, for which offsets on a device are read, which waits.

    References
    ----------
    Gu and Dao, Mamba, arXiv 2312.00752, section 3.2 and algorithm 2. The input map is
    :math:`\Delta B` as in the published code, not the zero-order hold of equation (4).
    """
    named = (u, delta, A, B, C, D, z, delta_bias, initial_state, cu_seqlens)
    problem = check(*named, delta_softplus, return_last_state)
    output, state = choose("selective_scan", BACKENDS, problem, backend).run(problem)
    output = output.to(u.dtype)
    return (output, state) if return_last_state else output
