"""Inputs of the scan of a matrix-to-matrix recurrence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ..glue.matrices import MatrixProblem


@dataclass(frozen=True)
class Problem(MatrixProblem):
    """Checked inputs in the types that they came in; `clip` is a number without a gradient."""

    axes: ClassVar = {
        "v": "batch head time value",
        "k": "batch group|head time key",
        "q": "batch group time key",
        "decay": "batch head time",
        "weight": "head value value",
        "clip": "",
        "initial": "batch head key value",
    }

    q: Tensor
    k: Tensor
    v: Tensor
    decay: Tensor
    weight: Tensor
    clip: Tensor
    initial: Tensor


check = Problem.check
