"""Inputs of a linear scan, checked and brought to one type."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..glue.checks import broadcasts, check_axes, check_initial, check_tensors, common_type

AXES = {"b": "batch time state"}


@dataclass(frozen=True)
class Problem:
    """Checked inputs of one type: `a` of three axes, `initial` of those of a state."""

    a: Tensor
    b: Tensor
    initial: Tensor | None = None

    @property
    def like(self) -> Tensor:
        """The inputs, whose device and type decide."""
        return self.b


def check(a: Tensor, b: Tensor, initial: Tensor | None) -> Problem:
    """Bring inputs to one type, `a` to three axes and `initial` to `(batch, state)`."""
    given = {"a": a, "b": b} | ({} if initial is None else {"initial": initial})
    check_tensors(given, "b", may_be_complex=given)
    check_axes(given, AXES, nonzero=("state",))
    if not broadcasts(a.shape, b.shape):
        raise ValueError(
            f"got a of shape {tuple(a.shape)}, expected a shape that broadcasts to that of b, "
            f"(batch, time, state) = {tuple(b.shape)}."
        )
    check_initial(initial, b.shape[0], b.shape[2])
    dtype = common_type(given.values())
    if initial is not None:
        initial = initial.to(dtype).expand(b.shape[0], b.shape[2])
    a = a.to(dtype).reshape((1,) * (3 - a.ndim) + tuple(a.shape))
    if a.shape[2] != b.shape[2]:
        a = a.expand(-1, -1, b.shape[2])
    return Problem(a, b.to(dtype), initial)
