"""Inputs of a recurrence whose state is a matrix: checked, and brought to one type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Self

from torch import Tensor

from .axes import check_axes
from .inputs import check_tensors, common_type, depending


@dataclass(frozen=True)
class MatrixProblem:
    """Checked inputs in the types that they came in; a subclass names them."""

    @property
    def given(self) -> dict[str, Tensor]:
        """Inputs by name, without what was left out."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in named.items() if value is not None}

    @property
    def time(self) -> int:
        """Number of steps."""
        return self.given["v"].shape[2]

    def of_one_type(self) -> Self:
        """Bring all inputs to the type that holds them all, of at least single precision."""
        dtype = common_type(self.given.values())
        return replace(self, **{name: value.to(dtype) for name, value in self.given.items()})

    def with_all_heads(self) -> Self:
        """Give every head of a group its own queries and keys."""
        q, k, heads = self.given["q"], self.given["k"], self.given["v"].shape[1]
        if q.shape[1] == heads:
            return self
        each = heads // q.shape[1]
        return replace(self, q=q.repeat_interleave(each, 1), k=k.repeat_interleave(each, 1))

    def scanned(self, scan: Callable[[Self], tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """Output and last state that a scan gives on inputs of one type; it has a step at least."""
        p = self.of_one_type()
        return scan(p) if p.time else p._without_steps()

    def _without_steps(self) -> tuple[Tensor, Tensor]:
        """Output and last state where there is no step: nothing, and the first state."""
        values, first, every = self.given["v"], self.given["initial"], self.given.values()
        read = values[:, :, :, 0] if values.ndim == 5 else values  # one of several factors
        return depending(read.clone(), *every), depending(first.clone(), *every)


def checked(
    named: Mapping[str, Tensor | None], axes: Mapping[str, str], beside: str
) -> dict[str, Tensor]:
    """Check every input against the one named `beside`; zeros stand for a missing initial state.

    Raises
    ------
    TypeError
        If an input is not a tensor of a real floating type.
    ValueError
        If a shape or a device does not fit.
    """
    given = {name: value for name, value in named.items() if value is not None}
    check_tensors(given, beside)
    sizes = check_axes(given, axes)
    if 0 in (sizes.get("factor"), sizes["key"], sizes["value"]):
        raise ValueError(
            f"got k of shape {tuple(given['k'].shape)} and v of shape {tuple(given['v'].shape)}, "
            "expected at least one factor, one key channel and one value channel."
        )
    if "initial" not in given:
        shape = [sizes[axis] for axis in axes["initial"].split()]
        given["initial"] = given[beside].new_zeros(shape, dtype=common_type(given.values()))
    return given
