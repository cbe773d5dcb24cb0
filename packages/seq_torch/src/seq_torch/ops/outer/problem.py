"""Inputs of an outer scan."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..matrices import MatrixProblem, checked

AXES = {
    "v": "batch head time factor value",
    "k": "batch head? time factor key",
    "q": "batch head? time key",
    "decay": "batch head time",
    "initial": "batch head key value",
}


@dataclass(frozen=True)
class Problem(MatrixProblem):
    """Checked inputs in the types that they came in; queries and keys may have one head for all."""

    q: Tensor
    k: Tensor
    v: Tensor
    decay: Tensor
    initial: Tensor

    @property
    def time(self) -> int:
        """Number of steps."""
        return self.v.shape[2]


def check(q: Tensor, k: Tensor, v: Tensor, decay: Tensor, initial: Tensor | None) -> Problem:
    """Check every input against `v`; see `matrices.checked`."""
    named = {"v": v, "k": k, "q": q, "decay": decay, "initial": initial}
    return Problem(**checked(named, AXES, "v"))
