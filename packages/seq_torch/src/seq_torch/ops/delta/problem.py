"""Inputs of a delta scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ..glue.matrices import MatrixProblem


@dataclass(frozen=True)
class Problem(MatrixProblem):
    """Checked inputs in the types that they came in."""

    axes: ClassVar = {
        "v": "batch head time factor value",
        "k": "batch group|head time factor key",
        "q": "batch group time key",
        "beta": "batch head time factor",
        "log_decay": "batch head time",
        "initial": "batch head key value",
    }

    q: Tensor
    k: Tensor
    v: Tensor
    beta: Tensor
    initial: Tensor
    log_decay: Tensor | None = None
    cu_seqlens: Tensor | None = None


check = Problem.check
