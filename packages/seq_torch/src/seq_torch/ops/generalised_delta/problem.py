"""Inputs of a generalised delta scan."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..glue.matrices import MatrixProblem, checked

AXES = {
    "v": "batch head time value",
    "k": "batch group|head time key",
    "q": "batch group time key",
    "a": "batch head time key",
    "b": "batch head time key",
    "log_decay": "batch head time key",
    "initial": "batch head key value",
}


@dataclass(frozen=True)
class Problem(MatrixProblem):
    """Checked inputs in the types that they came in."""

    q: Tensor
    k: Tensor
    v: Tensor
    a: Tensor
    b: Tensor
    log_decay: Tensor
    initial: Tensor


def check(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    a: Tensor,
    b: Tensor,
    log_decay: Tensor,
    initial: Tensor | None,
) -> Problem:
    """Check every input against `v`; see `matrices.checked`."""
    named = {"v": v, "k": k, "q": q, "a": a, "b": b, "log_decay": log_decay, "initial": initial}
    return Problem(**checked(named, AXES, "v"))
