"""Base of the tasks on tokens: their interface, and sequences of random length with padding."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from seqtheory.automaton import Algebra
from seqtheory.checks import require_integer, require_memory
from seqtheory.dataset import Dataset

if TYPE_CHECKING:
    from jaxtyping import Bool, Integer


@runtime_checkable
class TokenTask(Protocol):
    """A task whose inputs are tokens and whose targets are classes, one per position.

    Notes
    -----
    `build` gives inputs and targets ``(batch, time)`` of small integers. The mask is True where an
    input exists, `scored` where a target counts; None stands for all. Other inputs and targets are
    0.
    """

    @property
    def num_tokens(self) -> int:
        """Inputs are 0..num_tokens - 1."""
        ...

    @property
    def num_classes(self) -> int:
        """Targets are 0..num_classes - 1."""
        ...

    @property
    def num_sequences(self) -> int:
        """Sequences in the data set (fewer where no more exist)."""
        ...

    @property
    def algebra(self) -> Algebra | None:
        """The transition monoid of the task's minimal automaton; None if it has none of use."""
        ...

    def at_length(self, length: int, num_sequences: int | None = None) -> Self:
        """Set all sequences to one length, to test on."""
        ...

    def build(self, seed: int) -> Dataset:
        """Draw the sequences; the same seed gives the same bytes."""
        ...


@dataclass(frozen=True, kw_only=True)
class Sequences(ABC):
    """Base of the tasks that draw sequences of many lengths.

    Parameters
    ----------
    min_length, max_length
        Each sequence's length is drawn uniformly between these, both included. The defaults, 3 and
        40, are the published training lengths.
    num_sequences
        Sequences to draw. The draws are independent, so that short sequences may repeat.
    """

    min_length: int = 3
    max_length: int = 40
    num_sequences: int = 100_000
    _steps_per_length: ClassVar[int] = 1
    _bytes_per_step: ClassVar[int] = 8  # while a sequence is drawn

    def __post_init__(self) -> None:
        require_integer("min_length", self.min_length, minimum=1)
        require_integer("max_length", self.max_length, minimum=1)
        require_integer("num_sequences", self.num_sequences, minimum=1)
        if self.min_length > self.max_length:
            raise ValueError(
                f"min_length={self.min_length} exceeds max_length={self.max_length}; swap them, or "
                "use at_length(k) for sequences of one length."
            )

    @property
    @abstractmethod
    def num_tokens(self) -> int:
        """Inputs are 0..num_tokens - 1."""

    @property
    @abstractmethod
    def num_classes(self) -> int:
        """Targets are 0..num_classes - 1."""

    @property
    def _steps_behind(self) -> int:
        """Steps of a sequence that its length does not count, at the end."""
        return 0

    @property
    @abstractmethod
    def algebra(self) -> Algebra | None:
        """The transition monoid of the task's minimal automaton; None if it has none of use."""

    def at_length(self, length: int, num_sequences: int | None = None) -> Self:
        """Set all sequences to one length, to test on.

        Parameters
        ----------
        length
            The length of every sequence.
        num_sequences
            Number of sequences; None keeps that of this task.
        """
        count = self.num_sequences if num_sequences is None else num_sequences
        return replace(self, min_length=length, max_length=length, num_sequences=count)

    def with_rows(self, rows: int) -> Self:
        """Set the number of sequences; their draws are independent."""
        return replace(self, num_sequences=rows)

    def build(self, seed: int) -> Dataset:
        """Draw the sequences; the same seed gives the same bytes.

        Returns
        -------
        Inputs and targets ``(num_sequences, time)`` of small integers. The mask is True within a
        sequence, `scored` where a target counts. Either is None if it would be True everywhere.

        Raises
        ------
        TypeError, ValueError
            If the seed is not a non-negative integer.
        MemoryError
            If the sequences do not fit this machine.
        """
        require_integer("seed", seed, minimum=0)
        steps = self.max_length * self._steps_per_length + self._steps_behind
        require_memory(
            self.num_sequences * steps * self._bytes_per_step,
            f"num_sequences={self.num_sequences:,} of max_length={self.max_length:,}",
        )
        rng = np.random.default_rng(seed)
        lengths = rng.integers(self.min_length, self.max_length + 1, self.num_sequences)
        inputs, targets, counted = self._draw(lengths, rng)
        width: int = inputs.shape[1]
        ends = lengths * self._steps_per_length + self._steps_behind
        inside = np.arange(width) < ends[:, None]
        inputs[~inside] = 0
        scored = inside & counted
        targets[~scored] = 0
        mask = None if inside.all() else inside
        return Dataset(inputs, targets, mask, None if counted.all() else scored)

    @abstractmethod
    def _draw(
        self, lengths: Integer[np.ndarray, " batch"], rng: np.random.Generator
    ) -> tuple[
        Integer[np.ndarray, "batch time"],
        Integer[np.ndarray, "batch time"],
        Bool[np.ndarray, "batch time"] | Bool[np.ndarray, " time"],
    ]:
        """Draw inputs, targets and scored positions; entries after an end are ignored."""
