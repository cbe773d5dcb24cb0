"""Inputs of an outer scan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from torch import Tensor

from ..glue.matrices import MatrixProblem, checked


@dataclass(frozen=True)
class Problem(MatrixProblem):
    """Checked inputs in the types that they came in; queries and keys serve groups of heads.

    A decay of four axes has one number for every key channel, the last of them.
    """

    axes: ClassVar = {
        "v": "batch head time factor value",
        "k": "batch group|head time factor key",
        "q": "batch group time key",
        "decay": "batch head time",
        "initial": "batch head key value",
    }

    q: Tensor
    k: Tensor
    v: Tensor
    decay: Tensor
    initial: Tensor
    cu_seqlens: Tensor | None = None

    @classmethod
    def check(cls, cu_seqlens: Tensor | None = None, **named: Tensor | None) -> Self:
        """Check every input against the values `v`; see `checked`."""
        decay, axes = named["decay"], dict(cls.axes)
        if isinstance(decay, Tensor) and decay.ndim == 4:
            axes["decay"] += " key"
        found = checked({name: named[name] for name in axes}, axes, "v", cu_seqlens)
        return cls(**found, cu_seqlens=cu_seqlens)

    @property
    def by_channels(self) -> bool:
        """Whether every key channel has its decay."""
        return self.decay.ndim == 4

    def with_channel_decays(self) -> Problem:
        """Give every key channel its decay."""
        if self.by_channels:
            return self
        return replace(self, decay=self.decay[..., None].expand(*self.decay.shape, self.q.shape[3]))

    def with_groups_in_batch(self) -> Problem:
        """Lay groups of heads along the batch, so that one head of queries and keys serves all.

        As it stands where every head has its own.
        """
        if self.q.shape[1] == self.v.shape[1]:
            return self
        groups, given = self.q.shape[1], self.given
        parted = {name: value.unflatten(1, (groups, -1)) for name, value in given.items()}
        return Problem(**{name: value.flatten(0, 1) for name, value in parted.items()})


check = Problem.check


def by_groups(
    scan: Callable[[Problem], tuple[Tensor, Tensor]],
) -> Callable[[Problem], tuple[Tensor, Tensor]]:
    """Extend a scan, whose queries and keys serve each its head or all, to groups of heads."""

    def run(p: Problem) -> tuple[Tensor, Tensor]:
        output, state = scan(p.with_groups_in_batch())
        return output.reshape(*p.v.shape[:3], p.v.shape[-1]), state.reshape(p.initial.shape)

    return run
