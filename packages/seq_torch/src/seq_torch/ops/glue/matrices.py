"""Inputs of a recurrence whose state is a matrix: checked, and brought to one type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Self, TypeVar

import torch
from torch import Tensor

from . import packed, threads
from .backend import Backend, choose
from .checks import check_axes, check_tensors, common_type, depending


@dataclass(frozen=True)
class MatrixProblem:
    """Checked inputs in the types that they came in; a subclass names them and their axes."""

    axes: ClassVar[Mapping[str, str]]

    @classmethod
    def check(cls, cu_seqlens: Tensor | None = None, **named: Tensor | None) -> Self:
        """Check every input against the values `v`; see `checked`."""
        found = checked({name: named[name] for name in cls.axes}, cls.axes, "v", cu_seqlens)
        return cls(**found, **({} if cu_seqlens is None else {"cu_seqlens": cu_seqlens}))

    @property
    def given(self) -> dict[str, Tensor]:
        """Inputs with axes by name, without what was left out."""
        names = [field.name for field in fields(self) if field.name in self.axes]
        named = {name: getattr(self, name) for name in names}
        return {name: value for name, value in named.items() if value is not None}

    @property
    def offsets(self) -> Tensor | None:
        """Where packed sequences begin and end; None where every row is one sequence."""
        return getattr(self, "cu_seqlens", None)

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

    def sequences(self) -> list[Self]:
        """Take packed sequences apart, one problem for each."""
        assert self.offsets is not None
        steps, given = packed.lengths(self.offsets, self.time), self.given
        first = given.pop("initial").unflatten(0, (len(steps), -1))
        # Split and not cut out one by one, each of whose gradients has the size of the whole row.
        parts = [
            dict(zip(given, values, strict=True))
            for values in zip(*(value.split(steps, 2) for value in given.values()), strict=True)
        ]
        return [
            replace(self, **part, initial=state, cu_seqlens=None)
            for part, state in zip(parts, first.unbind(0), strict=True)
        ]

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
    keys, values, states = (p.given[name] for name in ("k", "v", "initial"))
    work, count = keys.numel() * values.shape[-1], states.shape[0] * states.shape[1]
    loads = [1] * count
    if p.offsets is not None:
        loads = p.offsets.diff().repeat_interleave(states.shape[1]).tolist()
    threads.run_lanes(work, count, lambda *part: kernel(*part, rows, *arrays), loads)


def spans_of_lanes(p: MatrixProblem, steps: int) -> Tensor:
    """Say where the sequence of every lane lies, (lane, 4), for kernels by chunks of so many steps.

    The columns are the lane's row of the inputs, (batch, head) in one; its first step and that
    after its last; and its place for the state before its first chunk among the `slots` of the row.
    """
    batch, heads = p.like.shape[:2]
    where = packed.spans(p.offsets, batch, p.time)
    slot = where[:, 1] // steps + (0 if p.offsets is None else torch.arange(len(where)))
    whole = torch.cat((where, slot[:, None]), 1).repeat_interleave(heads, 0)
    whole[:, 0] = whole[:, 0] * heads + torch.arange(heads).repeat(len(where))
    return whole


def slots(p: MatrixProblem, steps: int) -> int:
    """Count the places of a row for states before chunks; a sequence may leave one empty."""
    if p.offsets is None:
        return -(-p.time // steps)
    return p.time // steps + len(p.offsets) - 1


def checked(
    named: Mapping[str, Tensor | None],
    axes: Mapping[str, str],
    beside: str,
    cu_seqlens: Tensor | None = None,
) -> dict[str, Tensor]:
    """Check every input against the one named `beside`; zeros stand for a missing initial state.

    With offsets of packed sequences, the states' first axis is that of the sequences.

    Raises
    ------
    TypeError
        If an input is not a tensor of a real floating type, or the offsets are not integers.
    ValueError
        If a shape, a device or an offset does not fit.
    """
    given = {name: value for name, value in named.items() if value is not None}
    check_tensors(given, beside)
    known = {}
    if cu_seqlens is not None:
        known["sequence"] = packed.count_sequences(cu_seqlens, given[beside].device)
        axes = {**axes, "initial": axes["initial"].replace("batch", "sequence")}
    sizes = check_axes(given, axes, nonzero=("factor", "key", "value"), known=known)
    if cu_seqlens is not None:
        packed.check_row(cu_seqlens, sizes["batch"], sizes["time"])
    if "initial" not in given:
        shape = [sizes[axis] for axis in axes["initial"].split()]
        given["initial"] = given[beside].new_zeros(shape, dtype=common_type(given.values()))
    return given
