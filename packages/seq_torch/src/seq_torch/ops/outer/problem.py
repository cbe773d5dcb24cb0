"""Inputs of an outer scan, checked, and brought to one type."""

from __future__ import annotations

from dataclasses import dataclass, fields

from torch import Tensor

from ..axes import check_axes
from ..inputs import check_tensors, common_type

AXES = {
    "v": "batch head time factor value",
    "k": "batch head? time factor key",
    "q": "batch head? time key",
    "decay": "batch head time",
    "initial": "batch head key value",
}


@dataclass(frozen=True)
class Problem:
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

    @property
    def given(self) -> dict[str, Tensor]:
        """Inputs by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def of_one_type(self) -> Problem:
        """Bring all inputs to the type that holds them all, of at least single precision."""
        dtype = common_type(self.given.values())
        return Problem(**{name: value.to(dtype) for name, value in self.given.items()})


def check(q: Tensor, k: Tensor, v: Tensor, decay: Tensor, initial: Tensor | None) -> Problem:
    """Check every input against `v` and `k`.

    Raises
    ------
    TypeError
        If an input is not a tensor of a real floating type.
    ValueError
        If a shape or a device does not fit.
    """
    named = {"v": v, "k": k, "q": q, "decay": decay, "initial": initial}
    given = {name: value for name, value in named.items() if value is not None}
    check_tensors(given, "v")
    sizes = check_axes(given, AXES)
    if not (sizes["factor"] and sizes["key"] and sizes["value"]):
        raise ValueError(
            f"got k of shape {tuple(k.shape)} and v of shape {tuple(v.shape)}, expected at least "
            "one factor, one key channel and one value channel."
        )
    if initial is None:
        shape = [sizes[axis] for axis in AXES["initial"].split()]
        initial = v.new_zeros(shape, dtype=common_type(given.values()))
    return Problem(q, k, v, decay, initial)
