"""Inputs of a scan of structured matrices, checked."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .transitions import Transitions


@dataclass(frozen=True)
class Problem:
    """Matrices with leading axes `(batch, time)`, and the state before the first of them."""

    transitions: Transitions
    initial: Tensor

    @property
    def like(self) -> Tensor:
        """The state, on the device and in the type of the matrices, which decide."""
        return self.initial


def check(transitions: Transitions, initial: Tensor) -> Problem:
    """Check matrices and state, and bring the state to the matrices' type."""
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
    return Problem(transitions, initial.to(like.dtype))


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
