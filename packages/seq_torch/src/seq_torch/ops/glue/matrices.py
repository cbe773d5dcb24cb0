"""Inputs of a recurrence whose state is a matrix: checked, and brought to one type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Self, TypeVar

import torch
from torch import Tensor

from . import threads
from .backend import Backend, choose
from .checks import check_axes, check_tensors, common_type, depending


@dataclass(frozen=True)
class MatrixProblem:
    """Checked inputs in the types that they came in; a subclass names them and their axes."""

    axes: ClassVar[Mapping[str, str]]

    @classmethod
    def check(cls, **named: Tensor | None) -> Self:
        """Check every input against the values `v`; see `checked`."""
        return cls(**checked({name: named[name] for name in cls.axes}, cls.axes, "v"))

    @property
    def given(self) -> dict[str, Tensor]:
        """Inputs by name, without what was left out."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in named.items() if value is not None}

    @property
    def like(self) -> Tensor:
        """The values, whose device and type decide."""
        return getattr(self, "v")  # noqa: B009 (a field of every subclass)

    @property
    def time(self) -> int:
        """Number of steps."""
        return self.like.shape[2]

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

    def without_steps(self) -> tuple[Tensor, Tensor]:
        """Output and last state where there is no step: nothing, and the first state."""
        values, first, every = self.given["v"], self.given["initial"], self.given.values()
        read = values[:, :, :, 0] if values.ndim == 5 else values  # one of several factors
        return depending(read.clone(), *every), depending(first.clone(), *every)


P = TypeVar("P", bound=MatrixProblem)
Found = tuple[Tensor, Tensor]


def in_one_type(scan: Callable[[P], Found]) -> Callable[[P], Found]:
    """Extend a scan, of inputs of one type and at least one step, to all checked problems."""

    def run(problem: P) -> Found:
        p = problem.of_one_type()
        return scan(p) if p.time else p.without_steps()

    return run


def run(operation: str, backends: Sequence[Backend[P, Found]], problem: P, backend: str) -> Found:
    """Choose a backend and run it without autocast; give output and last state."""
    chosen = choose(operation, backends, problem, backend)
    with torch.autocast(problem.like.device.type, enabled=False):
        return chosen.run(problem)


def lanes(tensor: Tensor) -> Tensor:
    """(batch, head, ...) as (lane, ...)."""
    return tensor.flatten(0, 1)


def run_kernel(
    kernel: Callable[..., None], p: MatrixProblem, rows: int, tensors: Sequence[Tensor]
) -> None:
    """Call a kernel, by chunks of so many rows, for every part of the lanes, on all threads."""
    arrays = [tensor.numpy() for tensor in tensors]
    keys, values = p.given["k"], p.given["v"]
    work, count = keys.numel() * values.shape[-1], keys.shape[0] * keys.shape[1]
    threads.run_lanes(work, count, lambda *part: kernel(*part, rows, *arrays))


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
    sizes = check_axes(given, axes, nonzero=("factor", "key", "value"))
    if "initial" not in given:
        shape = [sizes[axis] for axis in axes["initial"].split()]
        given["initial"] = given[beside].new_zeros(shape, dtype=common_type(given.values()))
    return given
