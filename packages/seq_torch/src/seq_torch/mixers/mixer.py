"""The contract of mixers: frozen settings that build a map of sequences."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import nn

from seqtheory import _sequences, settings
from seqtheory.checks import require_fraction

from ..capacity import count_bytes


@dataclass(frozen=True, kw_only=True)
class MixerConfig(settings.Mixer, ABC):
    """Settings of a mixer. A subclass is a frozen dataclass that validates when constructed.

    To add a mixer, subclass this and write `build`. The forward of the module maps
    ``(batch, time, width)`` to the same shape, and position k of its output depends on positions
    up to k only; padding at the end of a row then has no influence, and the mixer needs no mask.
    The module of a recurrent mixer is a `Recurrent`.

    A mixer that looks ahead returns False from `causal`. It is given zeros where the mask hides the
    input, and must treat them as it treats positions beyond the end of a row.
    """

    count_bytes = staticmethod(count_bytes)

    @abstractmethod
    def build(self, width: int) -> nn.Module:
        """Draw a module from torch's random state, which `SequenceModelConfig.build` seeds."""


@runtime_checkable
class Tabular(Protocol):
    """A mixer that gains from knowing that its inputs are rows of a table."""

    def lookup(
        self, table: Float[torch.Tensor, "token width"], tokens: Int[torch.Tensor, "batch time"]
    ) -> Float[torch.Tensor, "batch time width"]:
        """Give what forward gives on ``table[tokens]``."""
        ...


def check_sequence(x: torch.Tensor, width: int, *, may_be_empty: bool = False) -> None:
    """Raise unless `x` is a floating ``(batch, time, width)`` tensor with a position at least."""
    _sequences.check_positions(tuple(x.shape), width, may_be_empty=may_be_empty)
    if not x.is_floating_point():
        raise TypeError(f"got an input of dtype {x.dtype}, expected a floating one; use x.float().")


def check_step(x_k: torch.Tensor, width: int) -> None:
    """Raise unless `x_k` is a non-empty floating ``(batch, width)`` tensor."""
    _sequences.check_step(tuple(x_k.shape), width)
    check_sequence(x_k[:, None], width)


def require_probability(name: str, value: object) -> None:
    """Raise unless `value` is a number in [0, 1)."""
    require_fraction(name, value, zero=True)
