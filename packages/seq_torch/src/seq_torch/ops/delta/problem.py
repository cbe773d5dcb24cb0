"""Inputs of a delta scan."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..glue.matrices import MatrixProblem, checked

AXES = {
    "v": "batch head time factor value",
    "k": "batch group|head time factor key",
    "q": "batch group time key",
    "beta": "batch head time factor",
    "log_decay": "batch head time",
    "initial": "batch head key value",
}


@dataclass(frozen=True)
class Problem(MatrixProblem):
    """Checked inputs in the types that they came in."""

    q: Tensor
    k: Tensor
    v: Tensor
    beta: Tensor
    initial: Tensor
    log_decay: Tensor | None = None


def check(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    beta: Tensor,
    log_decay: Tensor | None,
    initial: Tensor | None,
) -> Problem:
    """Check every input against `v`; see `matrices.checked`."""
    named = {"v": v, "k": k, "q": q, "beta": beta, "log_decay": log_decay, "initial": initial}
    return Problem(**checked(named, AXES, "v"))
