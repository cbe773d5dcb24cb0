"""Inputs of a scan of pairs, checked and brought to one type."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..glue.checks import check_axes, check_tensors, common_type

AXES = {"matrices": "2 2 state", "gains": "2 state", "drive": "batch time state"}


@dataclass(frozen=True)
class Problem:
    """Checked inputs of one real type; `initial` holds both numbers of every pair."""

    matrices: Tensor
    gains: Tensor
    drive: Tensor
    initial: Tensor

    @property
    def like(self) -> Tensor:
        """The drive, whose device and type decide."""
        return self.drive


def check(matrices: Tensor, gains: Tensor, drive: Tensor, initial: Tensor | None) -> Problem:
    """Bring inputs to one type; a missing `initial` is zero."""
    given = {"drive": drive, "matrices": matrices, "gains": gains}
    check_tensors(given if initial is None else given | {"initial": initial}, "drive")
    sizes = check_axes(given, AXES, nonzero=("batch", "time", "state"))
    if tuple(matrices.shape[:2]) != (2, 2) or len(gains) != 2:
        raise ValueError(
            f"got matrices of shape {tuple(matrices.shape)} and gains of shape "
            f"{tuple(gains.shape)}, expected (2, 2, state) and (2, state)."
        )
    wanted = (sizes["batch"], 2, sizes["state"])
    if initial is not None and tuple(initial.shape) != wanted:
        raise ValueError(
            f"got initial of shape {tuple(initial.shape)}, expected (batch, 2, state) = {wanted}."
        )
    start = drive.new_zeros(wanted) if initial is None else initial
    dtype = common_type((matrices, gains, drive, start))
    return Problem(matrices.to(dtype), gains.to(dtype), drive.to(dtype), start.to(dtype))
