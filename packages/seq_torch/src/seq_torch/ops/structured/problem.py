"""Inputs of a scan of structured matrices, checked."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .transitions import Transitions


@dataclass(frozen=True)
class Problem:
    """Matrices with leading axes `(batch, time)`, the state before them, and what they add."""

    transitions: Transitions
    initial: Tensor
    drive: Tensor | None = None

    @property
    def like(self) -> Tensor:
        """The state, on the device and in the type of the matrices, which decide."""
        return self.initial


def check(transitions: Transitions, initial: Tensor, drive: Tensor | None = None) -> Problem:
    """Check matrices, state and drive, and bring the latter two to the matrices' type."""
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
    if drive is not None and tuple(drive.shape) != (*leading, transitions.width):
        raise ValueError(
            f"got drive of shape {tuple(drive.shape)}, expected (batch, time, width) = "
            f"{(*leading, transitions.width)}."
        )
    states = {"initial": initial} | ({} if drive is None else {"drive": drive})
    for name, tensor in {**transitions.tensors(), **states}.items():
        _check_type(name, tensor, like, name in transitions.places_of)
    moved = None if drive is None else drive.to(like.dtype)
    return Problem(transitions, initial.to(like.dtype), moved)


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
