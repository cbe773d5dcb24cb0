"""The recurrence with one structured matrix per position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from ..glue.backend import Backend, choose
from . import chunked, fused, operator, parallel, reference
from .problem import Problem, at_positions, check
from .transitions import Elementwise, Transitions

if TYPE_CHECKING:
    from jaxtyping import Inexact, Int

BACKENDS = (
    Backend("fused", operator.scan, fused.obstacles),
    Backend("reference", at_positions(reference.scan)),
    Backend("chunked", at_positions(chunked.scan)),
    Backend("parallel", at_positions(parallel.scan), parallel.obstacles),
)


def structured_scan(
    transitions: Transitions,
    initial: Inexact[Tensor, "batch width"],
    backend: str = "auto",
    *,
    drive: Inexact[Tensor, "batch time width"] | None = None,
    tokens: Int[Tensor, "batch time"] | None = None,
) -> Inexact[Tensor, "batch time width"]:
    r"""States of a linear recurrence whose matrices change with every position.

    .. math:: y_k = M_k\, y_{k-1} + b_k, \qquad y_0 = \text{initial}

    Parameters
    ----------
    transitions
        The matrices, with leading axes `(batch, time)`, or `(token,)` beside `tokens`.
    initial
        State before the first position.
    backend
        ``"fused"``: compiled kernels of the CPU. ``"reference"``: one product per position, in
        turn. ``"chunked"``: all chunks of about :math:`\sqrt L` positions at once, in
        :math:`3 \sqrt L` turns. ``"parallel"``: by recursive doubling, in log2(L) turns, for
        structures that products keep. ``"auto"``: ``fused`` on the CPU, or ``reference`` where it
        cannot run; ``chunked`` elsewhere, or ``parallel`` for diagonal matrices.
    drive
        What is added at every position, b; zero if None.
    tokens
        Which matrix of a table each position takes.

    Returns
    -------
    The state after every position, in the type of the matrices.

    Raises
    ------
    ValueError
        If there is no position, or shapes, types or devices do not fit.
    IndexError
        If a token has no matrix.
    BackendError
        If the named backend does not exist for these matrices, or cannot run here.

    Notes
    -----
    Cost of a position, in products of a matrix with a vector: 1 (``fused``, ``reference``); 2, and
    one with b columns for blocks of b rows, with n columns where products do not keep the structure
    (``chunked``); b columns again (``parallel``). ``fused`` takes single and double precision and
    can be differentiated once; its results have the same bits on any number of threads. The others
    are plain torch. Blocks of more than 8 rows that are taken from a table are read where they lie
    by ``fused``; all else gathers a matrix for every position first.
    """
    problem = check(transitions, initial, drive, tokens)
    return choose("structured_scan", _ordered(problem), problem, backend).run(problem)


def _ordered(p: Problem) -> Sequence[Backend[Problem, Tensor]]:
    """Order the backends by preference: off the CPU, the one with fewest turns comes first."""
    if p.like.device.type == "cpu":
        return BACKENDS
    first = "parallel" if isinstance(p.transitions, Elementwise) else "chunked"
    return sorted(BACKENDS, key=lambda backend: backend.name != first)
