"""Inputs of the scan of an sLSTM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ..glue.checks import depending
from ..glue.matrices import MatrixProblem, checked


@dataclass(frozen=True)
class Problem(MatrixProblem):
    """Checked inputs in the types that they came in."""

    axes: ClassVar = {
        "x": "batch head time four channel",
        "weight": "head four channel channel",
        "initial": "batch head four channel",
    }

    x: Tensor
    weight: Tensor
    initial: Tensor

    @property
    def like(self) -> Tensor:
        """The drive, whose device and type decide."""
        return self.x

    def without_steps(self) -> tuple[Tensor, Tensor]:
        """Output and last state where there is no step: nothing, and the first state."""
        every = self.given.values()
        return depending(self.x[..., 0, :].clone(), *every), depending(self.initial.clone(), *every)


def check(x: Tensor, weight: Tensor, initial: Tensor | None) -> Problem:
    """Check every input against `x`; zeros stand for a missing initial state."""
    named = {"x": x, "weight": weight, "initial": initial}
    found = Problem(**checked(named, Problem.axes, "x"))
    if x.shape[3] != 4 or not x.shape[4]:
        raise ValueError(
            f"got x of shape {tuple(x.shape)}, expected (batch, head, time, 4, channel) with a "
            "channel of at least 1: the gates i, f, z and o."
        )
    return found
