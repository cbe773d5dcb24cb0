"""Packed sequences: many of unequal lengths, back to back in one row, told apart by offsets.

Offsets ``cu_seqlens``, by the name that flash-attention gave them, are the steps at which the
sequences begin, and at last that at which the last one ends: 0, 3, 3, 7 for lengths 3, 0 and 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Protocol, Self, TypeVar

import torch
from torch import Tensor

INTEGERS = (torch.int32, torch.int64)


class Packable(Protocol):
    """Inputs of a scan that may be packed, with time as third axis of the output."""

    @property
    def offsets(self) -> Tensor | None:
        """Where packed sequences begin and end; None where every row is one sequence."""
        ...

    def sequences(self) -> Sequence[Self]:
        """Take packed sequences apart, one problem for each."""
        ...


P = TypeVar("P", bound=Packable)
Found = tuple[Tensor, Tensor]


def one_by_one(scan: Callable[[P], Found]) -> Callable[[P], Found]:
    """Extend a scan, of rows that are one sequence each, to packed ones, each by itself."""

    def run(problem: P) -> Found:
        if problem.offsets is None:
            return scan(problem)
        outputs, states = zip(*(scan(each) for each in problem.sequences()), strict=True)
        return torch.cat(outputs, 2), torch.cat(states)

    return run


def count_sequences(cu_seqlens: Any, device: torch.device) -> int:
    """Count the sequences that offsets tell apart.

    Raises
    ------
    TypeError
        If the offsets are no tensor of integers.
    ValueError
        If they are not a row of at least two, or are on another device than the one given.
    """
    if not isinstance(cu_seqlens, Tensor):
        raise TypeError(
            f"got cu_seqlens of type {type(cu_seqlens).__name__}, expected a torch.Tensor."
        )
    if cu_seqlens.dtype not in INTEGERS:
        raise TypeError(
            f"got cu_seqlens with dtype {cu_seqlens.dtype}, expected torch.int32 or torch.int64. "
            "Convert it, for example cu_seqlens.to(torch.int64)."
        )
    if cu_seqlens.ndim != 1 or len(cu_seqlens) < 2:
        raise ValueError(
            f"got cu_seqlens of shape {tuple(cu_seqlens.shape)}, expected (sequence + 1,), at "
            "least 2: where each sequence begins, and where the last one ends."
        )
    if cu_seqlens.device != device:
        raise ValueError(
            f"got cu_seqlens on {cu_seqlens.device} and inputs on {device}, expected one device. "
            "Move one of them with .to()."
        )
    return len(cu_seqlens) - 1


def check_row(cu_seqlens: Tensor, batch: int, steps: int) -> None:
    """Raise ValueError unless the offsets cut one row of so many steps.

    Under `torch.compile`, where values are unknown, they are left to what reads the lengths.
    """
    if batch != 1:
        raise ValueError(
            f"got cu_seqlens beside a batch of {batch}, expected a batch of 1: one row with all "
            "sequences back to back."
        )
    if not torch.compiler.is_compiling():
        lengths(cu_seqlens, steps)


def lengths(cu_seqlens: Tensor, steps: int) -> list[int]:
    """Read the steps of every sequence; those of a device are waited for.

    Raises
    ------
    ValueError
        If the offsets do not begin at 0, fall, or do not end at the number of steps.
    """
    ends = cu_seqlens.tolist()
    if ends[0] != 0:
        raise ValueError(f"got cu_seqlens that begin at {ends[0]}, expected 0.")
    for place, (begin, end) in enumerate(pairwise(ends)):
        if end < begin:
            raise ValueError(
                f"got cu_seqlens that fall from {begin} to {end} at place {place + 1}, expected "
                "offsets that never fall."
            )
    if ends[-1] != steps:
        raise ValueError(
            f"got cu_seqlens that end at {ends[-1]}, expected {steps}, the steps of the row."
        )
    return [end - begin for begin, end in pairwise(ends)]


def spans(cu_seqlens: Tensor | None, batch: int, steps: int) -> Tensor:
    """Say where every sequence lies, `(sequence, 3)`: its row, first step, and step after the last.

    Without offsets every row of the batch is one sequence.
    """
    if cu_seqlens is None:
        whole = torch.tensor([[0, 0, steps]]).repeat(batch, 1)
        whole[:, 0] = torch.arange(batch)
        return whole
    lengths(cu_seqlens, steps)  # before a kernel reaches beyond the row
    ends = cu_seqlens.to("cpu", torch.int64)
    return torch.stack((torch.zeros_like(ends[1:]), ends[:-1], ends[1:]), 1)
