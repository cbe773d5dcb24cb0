"""The recurrence with one structured matrix per position."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..backend import BackendError, asked, logged, on_cpu, require
from ..tangents import without_tangents
from . import chunked, operator, parallel, reference
from .transitions import Elementwise, Transitions

if TYPE_CHECKING:
    from jaxtyping import Inexact

_OPERATION = "structured_scan"
_COMPILED_SCAN = without_tangents(_OPERATION, operator.scan)
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
    initial = initial.to(transitions.like().dtype)
    backend = asked(backend)
    if backend == "auto":
        backend = logged(_OPERATION, transitions.like(), *_automatic(transitions))
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
        f"{_OPERATION}: got backend={backend!r}, which {kind} matrices do not have"
        + ("" if transitions.closed else ", as their products have no such structure")
        + ". Use backend='auto', 'reference', 'chunked', or 'fused' on the CPU."
    )


def _check(transitions: Transitions, initial: Tensor) -> None:
    like = transitions.like()
    leading = like.shape[: like.ndim - transitions.cores[next(reversed(transitions.cores))]]
    if len(leading) != 2 or 0 in leading:
        raise ValueError(
            f"got matrices with leading axes {tuple(leading)}, expected (batch, time), neither of "
            "them zero."
        )
    for name, core in transitions.shapes.items():
        shape = tuple(getattr(transitions, name).shape)
        if shape != (*leading, *core):
            raise ValueError(
                f"got {name} of shape {shape}, expected (batch, time, ...) = {(*leading, *core)} "
                f"for {type(transitions).__name__} matrices."
            )
    if tuple(initial.shape) != (leading[0], transitions.width):
        raise ValueError(
            f"got initial of shape {tuple(initial.shape)}, expected (batch, width) = "
            f"({leading[0]}, {transitions.width})."
        )
    for name, tensor in {**transitions.tensors(), "initial": initial}.items():
        _check_type(name, tensor, like, name in transitions.places_of)


def _check_type(name: str, tensor: Tensor, like: Tensor, holds_places: bool) -> None:
    if tensor.device != like.device:
        raise ValueError(f"got {name} on {tensor.device}, expected {like.device} as the matrices.")
    if name == "initial":
        if tensor.is_complex() and not like.is_complex():
            raise ValueError(
                f"got initial with dtype {tensor.dtype} and matrices with {like.dtype}, expected "
                "complex matrices beside a complex state."
            )
    elif holds_places and (tensor.is_floating_point() or tensor.is_complex()):
        raise ValueError(f"got {name} with dtype {tensor.dtype}, expected integers.")
    elif not holds_places and tensor.dtype != like.dtype:
        raise ValueError(
            f"got matrices with dtypes {like.dtype} and {tensor.dtype} ({name}), expected one."
        )


def _automatic(transitions: Transitions) -> tuple[str, str]:
    tensor = transitions.like()
    if tensor.device.type != "cpu":
        if isinstance(transitions, Elementwise):
            return "parallel", "a product of diagonals costs no more than one with a state"
        return "chunked", "the products of chunks take few turns"
    if tensor.dtype not in _COMPILED:
        return "reference", "the compiled kernels are of single and double precision"
    return on_cpu("reference")


def _fused(transitions: Transitions, initial: Tensor) -> Tensor:
    tensor = transitions.like()
    require(_OPERATION, "fused", tensor.device)
    if tensor.dtype not in _COMPILED:
        raise BackendError(
            f"{_OPERATION}: got backend='fused' with matrices of {tensor.dtype}, expected single "
            "or double precision. Use backend='reference', or convert them."
        )
    tensors = list(transitions.tensors().values())
    plus_identity = getattr(transitions, "plus_identity", None)
    return _COMPILED_SCAN(transitions.kernel, tensors, plus_identity, initial)
