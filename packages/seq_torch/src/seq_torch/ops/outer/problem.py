"""Inputs of an outer scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ..glue.matrices import MatrixProblem


@dataclass(frozen=True)
class Problem(MatrixProblem):
    """Checked inputs in the types that they came in; queries and keys serve groups of heads."""

    axes: ClassVar = {
        "v": "batch head time factor value",
        "k": "batch group|head time factor key",
        "q": "batch group time key",
        "decay": "batch head time",
        "initial": "batch head key value",
    }

    q: Tensor
    k: Tensor
    v: Tensor
    decay: Tensor
    initial: Tensor

    def with_groups_in_batch(self) -> Problem:
        """Lay groups of heads along the batch, so that one head of queries and keys serves all.

        As it stands where every head has its own.
        """
        if self.q.shape[1] == self.v.shape[1]:
            return self
        groups, given = self.q.shape[1], self.given
        parted = {name: value.unflatten(1, (groups, -1)) for name, value in given.items()}
        return Problem(**{name: value.flatten(0, 1) for name, value in parted.items()})


check = Problem.check
