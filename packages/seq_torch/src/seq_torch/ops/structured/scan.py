"""The recurrence with one structured matrix per position."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..backend import NO_NUMBA, NUMBA, ON_CPU, BackendError, asked, automatic, require
from . import chunked, fused, operator, parallel, reference
from .transitions import Elementwise, Transitions

if TYPE_CHECKING:
    from jaxtyping import Inexact

_OPERATION = "structured_scan"
_COMPILED = (torch.float32, torch.float64, torch.complex64, torch.complex128)


def structured_scan(
    transitions: Transitions, initial: Inexact[Tensor, "batch width"], backend: str = "auto"
) -> Inexact[Tensor, "batch time width"]:
    r"""States of a linear recurrence whose matrices change with every position.

    .. math:: y_k = M_k\, y_{k-1}, \qquad y_0 = \text{initial}

    Parameters
    ----------
    transitions
        The matrices, with leading axes `(batch, time)`.
    initial
        State before the first position.
    backend
        ``"fused"``: compiled kernels of the CPU. ``"reference"``: one product per position, in
        turn. ``"chunked"``: all chunks of about :math:`\sqrt L` positions at once, in
        :math:`3 \sqrt L` turns. ``"parallel"``: by recursive doubling, in log2(L) turns, for
        structures that products keep. ``"auto"``: ``fused`` on the CPU, or ``reference`` where it
        cannot run; ``chunked`` elsewhere, or ``parallel`` for diagonal matrices.

    Returns
    -------
    The state after every position, in the type of the matrices.

    Raises
    ------
    ValueError
        If there is no position, or shapes, types or devices do not fit.
    BackendError
        If the named backend does not exist for these matrices, or cannot run here.

    Notes
    -----
    Cost of a position, in products of a matrix with a vector: 1 (``fused``, ``reference``); 2, and
    one with b columns for blocks of b rows, with n columns where products do not keep the structure
    (``chunked``); b columns again (``parallel``). ``fused`` takes single and double precision and
    can be differentiated once; its results have the same bits on any number of threads. The others
    are plain torch.
    """
    _check(transitions, initial)
    backend = asked(backend)
    if backend == "auto":
        backend = automatic(_OPERATION, transitions.like(), *_automatic(transitions))
    if backend == "fused":
        return _fused(transitions, initial)
    if backend == "reference":
        return reference.scan(transitions, initial)
    if backend == "chunked":
        return chunked.scan(transitions, initial)
    if backend == "parallel" and transitions.closed:
        return parallel.scan(transitions, initial)
    kind = type(transitions).__name__
    raise BackendError(
        f"{_OPERATION}: got backend={backend!r}, which {kind} matrices do not have. Use "
        "backend='fused' on the CPU, 'reference', 'chunked' or 'auto'"
        + (", or 'parallel'." if transitions.closed else ": their products have no such structure.")
    )


def _check(transitions: Transitions, initial: Tensor) -> None:
    tensor = transitions.like()
    leading = tensor.shape[: -transitions.cores[next(reversed(transitions.cores))]]
    if len(leading) != 2 or 0 in leading:
        raise ValueError(
            f"got matrices with leading axes {tuple(leading)}, expected (batch, time), neither of "
            "them zero."
        )
    if tuple(initial.shape) != (leading[0], transitions.width):
        raise ValueError(
            f"got initial of shape {tuple(initial.shape)}, expected (batch, width) = "
            f"({leading[0]}, {transitions.width})."
        )
    _check_types(transitions.tensors(), tensor, initial)


def _check_types(tensors: Iterable[Tensor], like: Tensor, initial: Tensor) -> None:
    for tensor in tensors:
        if fused.differentiable(tensor) and tensor.dtype != like.dtype:
            raise ValueError(
                f"got matrices with dtypes {like.dtype} and {tensor.dtype}, expected one."
            )
    if initial.is_complex() and not like.is_complex():
        raise ValueError(
            f"got initial with dtype {initial.dtype} and matrices with {like.dtype}, expected "
            "complex matrices beside a complex state."
        )
    if initial.device != like.device:
        raise ValueError(
            f"got initial on {initial.device} and matrices on {like.device}, expected one device."
        )


def _automatic(transitions: Transitions) -> tuple[str, str]:
    tensor = transitions.like()
    if tensor.device.type != "cpu":
        if isinstance(transitions, Elementwise):
            return "parallel", "a product of diagonals costs no more than one with a state"
        return "chunked", "the products of chunks take few turns"
    if tensor.dtype not in _COMPILED:
        return "reference", "the compiled kernels are of single and double precision"
    return ("fused", ON_CPU) if NUMBA else ("reference", NO_NUMBA)


def _fused(transitions: Transitions, initial: Tensor) -> Tensor:
    tensor = transitions.like()
    require(_OPERATION, "fused", tensor.device)
    if tensor.dtype not in _COMPILED:
        raise BackendError(
            f"{_OPERATION}: got backend='fused' with matrices of {tensor.dtype}, expected single "
            "or double precision. Use backend='reference', or convert them."
        )
    plus_identity = getattr(transitions, "plus_identity", None)
    return operator.scan(
        transitions.kernel, transitions.tensors(), plus_identity, initial.to(tensor.dtype)
    )
