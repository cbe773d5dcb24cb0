"""The readout of a model: at every position, of the mean over time, or at the last position."""

from __future__ import annotations

from dataclasses import dataclass

from seqtheory.checks import require_integer

from .mixer import Settings


@dataclass(frozen=True, kw_only=True)
class Output(Settings):
    """Linear readout with `size` numbers; the subclass chooses the positions.

    Parameters
    ----------
    size
        Number of outputs (classes, or targets of a regression), at least 1.
    """

    size: int

    def __post_init__(self) -> None:
        require_integer("size", self.size, minimum=1)
        if type(self) is Output:
            raise TypeError("use StepOutput, MeanOutput or LastOutput: they say what is read.")


@dataclass(frozen=True, kw_only=True)
class StepOutput(Output):
    """An output at every position: ``(batch, time, size)``, zero where the mask hides it."""


@dataclass(frozen=True, kw_only=True)
class MeanOutput(Output):
    """One output, read from the mean over the valid positions: ``(batch, size)``."""


@dataclass(frozen=True, kw_only=True)
class LastOutput(Output):
    """One output, read from the last valid position: ``(batch, size)``."""
