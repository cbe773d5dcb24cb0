"""Inputs of a scan of structured matrices, checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .transitions import Transitions


@dataclass(frozen=True)
class Problem:
    """Matrices with leading axes `(batch, time)`, the state before them, and what they add.

    With tokens, the matrices are a table of one leading axis, and each position takes one of them.
    """

    transitions: Transitions
    initial: Tensor
    drive: Tensor | None = None
    tokens: Tensor | None = None

    def gathered(self) -> Problem:
        """Give every position its matrix."""
        if (tokens := self.tokens) is None:
            return self
        return replace(self, transitions=self.transitions.map(lambda t: t[tokens]), tokens=None)

    @property
    def like(self) -> Tensor:
        """The state, on the device and in the type of the matrices, which decide."""
        return self.initial


def at_positions(scan: Callable[[Problem], Tensor]) -> Callable[[Problem], Tensor]:
    """Extend a scan of one matrix per position to those of a table."""
    return lambda p: scan(p.gathered())


def check(
    transitions: Transitions,
    initial: Tensor,
    drive: Tensor | None = None,
    tokens: Tensor | None = None,
) -> Problem:
    """Check matrices, state and drive, and bring the latter two to the matrices' type."""
    like = transitions.like()
    leading = like.shape[: like.ndim - transitions.cores[next(reversed(transitions.cores))]]
    if tokens is not None:
        if len(leading) != 1 or 0 in leading:
            raise ValueError(
                f"got matrices with leading axes {tuple(leading)} beside tokens, expected "
                "(token,), not zero: a table of which each position takes one."
            )
    elif len(leading) != 2 or 0 in leading:
        raise ValueError(
            f"got matrices with leading axes {tuple(leading)}, expected (batch, time), neither of "
            "them zero."
        )
    axes = "batch, time" if tokens is None else "token"
    for name, core in transitions.shapes.items():
        shape = tuple(getattr(transitions, name).shape)
        if shape != (*leading, *core):
            raise ValueError(
                f"got {name} of shape {shape}, expected ({axes}, ...) = {(*leading, *core)} "
                f"for {type(transitions).__name__} matrices."
            )
    if tokens is not None:
        _check_choice(tokens, like, len(like))
        leading = tokens.shape
    if tuple(initial.shape) != (leading[0], transitions.width):
        raise ValueError(
            f"got initial of shape {tuple(initial.shape)}, expected (batch, width) = "
            f"({leading[0]}, {transitions.width})."
        )
    if drive is not None and tuple(drive.shape) != (*leading, transitions.width):
        raise ValueError(
            f"got drive of shape {tuple(drive.shape)}, expected (batch, time, width) = "
            f"{(*leading, transitions.width)}."
        )
    states = {"initial": initial} | ({} if drive is None else {"drive": drive})
    for name, tensor in {**transitions.tensors(), **states}.items():
        _check_type(name, tensor, like, name in transitions.places_of)
    moved = None if drive is None else drive.to(like.dtype)
    chosen = None if tokens is None else tokens.long()
    return Problem(transitions, initial.to(like.dtype), moved, chosen)


def _check_choice(tokens: Tensor, like: Tensor, count: int) -> None:
    if tokens.is_floating_point() or tokens.is_complex() or tokens.dtype == torch.bool:
        raise ValueError(f"got tokens with dtype {tokens.dtype}, expected integers.")
    if tokens.device != like.device:
        raise ValueError(f"got tokens on {tokens.device}, expected {like.device} as the matrices.")
    if tokens.ndim != 2 or 0 in tokens.shape:
        raise ValueError(
            f"got tokens of shape {tuple(tokens.shape)}, expected (batch, time), neither of them "
            "zero."
        )
    if not torch.compiler.is_compiling():
        check_tokens(tokens, count)


def check_tokens(tokens: Tensor, count: int) -> None:
    """Raise unless every token has a matrix."""
    low, high = (int(end) for end in tokens.aminmax())
    if low < 0 or high >= count:
        raise IndexError(f"got tokens {low}..{high} and matrices for 0..{count - 1}.")


def _check_type(name: str, tensor: Tensor, like: Tensor, holds_places: bool) -> None:
    if tensor.device != like.device:
        raise ValueError(f"got {name} on {tensor.device}, expected {like.device} as the matrices.")
    if name in ("initial", "drive"):
        if tensor.is_complex() and not like.is_complex():
            raise ValueError(
                f"got {name} with dtype {tensor.dtype} and matrices with {like.dtype}, expected "
                "complex matrices beside a complex state."
            )
    elif holds_places and (tensor.is_floating_point() or tensor.is_complex()):
        raise ValueError(f"got {name} with dtype {tensor.dtype}, expected integers.")
    elif not holds_places and tensor.dtype != like.dtype:
        raise ValueError(
            f"got matrices with dtypes {like.dtype} and {tensor.dtype} ({name}), expected one."
        )
