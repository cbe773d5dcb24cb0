"""Pairs of numbers, each under one matrix that never changes: discretised oscillators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from ..glue.backend import Backend, choose
from ..glue.obstacles import of_fused
from . import operator, parallel, reference
from .problem import check

if TYPE_CHECKING:
    from jaxtyping import Float

BACKENDS = (
    Backend("fused", operator.scan, of_fused),
    Backend("parallel", parallel.scan),
    Backend("reference", reference.scan),
)


def pair_scan(
    matrices: Float[Tensor, "2 2 state"],
    gains: Float[Tensor, "2 state"],
    drive: Float[Tensor, "batch time state"],
    initial: Float[Tensor, "batch 2 state"] | None = None,
    backend: str = "auto",
) -> tuple[Float[Tensor, "batch time state"], Float[Tensor, "batch time state"]]:
    r"""States of pairs of numbers, each pair under a matrix of its own.

    .. math:: \begin{pmatrix} z \\ y \end{pmatrix}_k
              = M \begin{pmatrix} z \\ y \end{pmatrix}_{k-1} + g\, u_k

    Parameters
    ----------
    matrices, gains
        M and g of each pair, along the last axis. They are never expanded over batch or time.
    drive
        u.
    initial
        z and y before the first position; zero if None.
    backend
        ``"fused"``: compiled kernels of the CPU. ``"parallel"``: log2(L) passes in plain torch.
        ``"reference"``: the loop. ``"auto"``: the first of them that runs here.

    Returns
    -------
    z and y after every position.

    Raises
    ------
    TypeError, ValueError
        If a type or a shape does not fit; the message says which, and what was expected.
    BackendError
        If a named backend cannot run here.

    Notes
    -----
    M with conjugate eigenvalues could be turned into one complex number, and `linear_scan` do the
    rest. The turn degenerates where the two are equal, as they are at rest (A = 0 in LinOSS), and
    near there it loses digits; a pair needs none. ``fused`` can be differentiated once.
    """
    problem = check(matrices, gains, drive, initial)
    return choose("pair_scan", BACKENDS, problem, backend).run(problem)
