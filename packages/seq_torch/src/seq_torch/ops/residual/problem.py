"""Inputs of a residual scan, checked and brought to one type."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..glue.checks import check_axes, check_initial, check_tensors, common_type

AXES = {"x": "batch time state"}


@dataclass(frozen=True)
class Problem:
    """Checked inputs of one type; `weight` is a matrix, or the diagonal of one."""

    x: Tensor
    weight: Tensor
    initial: Tensor
    dt: float
    activation: str

    @property
    def like(self) -> Tensor:
        """The inputs, whose device and type decide."""
        return self.x


def check(x: Tensor, weight: Tensor, initial: Tensor | None, dt: float, activation: str) -> Problem:
    """Bring inputs to one type, and `initial` to `(batch, state)`."""
    given = {"x": x, "weight": weight} | ({} if initial is None else {"initial": initial})
    check_tensors(given, "x")
    check_axes(given, AXES, nonzero=("state",))
    batch, _, state = x.shape
    if tuple(weight.shape) not in ((state,), (state, state)):
        raise ValueError(
            f"got weight of shape {tuple(weight.shape)}, expected ({state}, {state}), or "
            f"({state},) for a diagonal, since x has {state} states."
        )
    check_initial(initial, batch, state)
    dtype = common_type(given.values())
    x, weight = x.to(dtype), weight.to(dtype)
    if initial is None:
        return Problem(x, weight, x.new_zeros(batch, state), dt, activation)
    return Problem(x, weight, initial.to(dtype).expand(batch, state), dt, activation)
