"""Inputs of a generalised delta scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ..glue.matrices import MatrixProblem


@dataclass(frozen=True)
class Problem(MatrixProblem):
    """Checked inputs in the types that they came in."""

    axes: ClassVar = {
        "v": "batch head time value",
        "k": "batch group|head time key",
        "q": "batch group time key",
        "a": "batch head time key",
        "b": "batch head time key",
        "log_decay": "batch head time key",
        "initial": "batch head key value",
        "decay": "batch head time key",
    }

    q: Tensor
    k: Tensor
    v: Tensor
    a: Tensor
    b: Tensor
    initial: Tensor
    log_decay: Tensor | None = None
    decay: Tensor | None = None
    cu_seqlens: Tensor | None = None

    @property
    def decays(self) -> Tensor:
        """Decays themselves, however they were given."""
        if self.decay is not None:
            return self.decay
        assert self.log_decay is not None
        return self.log_decay.exp()


check = Problem.check
