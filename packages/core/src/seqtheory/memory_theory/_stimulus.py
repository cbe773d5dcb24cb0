"""Inputs of a model while its memory is measured: signals on channels, or letters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from seqtheory.checks import require_integer

if TYPE_CHECKING:
    from jaxtyping import Float, Integer


@runtime_checkable
class Stimulus(Protocol):
    """A kind of input: its absence, and random draws of it."""

    def quiet(self, rows: int, steps: int) -> Any:
        """Give sequences without input, to which a probe is added."""
        ...

    def pair(self, steps: int, rng: np.random.Generator) -> Any:
        """Two random sequences that differ at every step."""
        ...


@dataclass(frozen=True)
class Channels:
    """Real numbers on channels, of modulus at most `amplitude` and never zero."""

    channels: int
    amplitude: float

    def quiet(self, rows: int, steps: int) -> Float[np.ndarray, "rows steps channel"]:
        """Zeros."""
        return np.zeros((rows, steps, self.channels))

    def pair(self, steps: int, rng: np.random.Generator) -> Float[np.ndarray, "2 steps channel"]:
        """Uniform draws."""
        return self.amplitude * rng.uniform(-1.0, 1.0, (2, steps, self.channels))


@dataclass(frozen=True)
class Letters:
    """Letters 0, ..., `letters` - 1, of which `baseline` stands for no input."""

    letters: int
    baseline: int

    def __post_init__(self) -> None:
        require_integer("letters", self.letters, 2)
        require_integer("baseline", self.baseline, 0)
        if self.baseline >= self.letters:
            raise ValueError(
                f"baseline={self.baseline}: expected one of letters={self.letters} letters, "
                f"0 to {self.letters - 1}."
            )

    def others(self, count: int, rng: np.random.Generator) -> Integer[np.ndarray, " letter"]:
        """Draw `count` different letters other than the baseline, in increasing order."""
        drawn = np.sort(rng.choice(self.letters - 1, count, replace=False))
        return drawn + (drawn >= self.baseline)

    def quiet(self, rows: int, steps: int) -> Integer[np.ndarray, "rows steps"]:
        """Give the baseline everywhere."""
        return np.full((rows, steps), self.baseline, dtype=np.int64)

    def pair(self, steps: int, rng: np.random.Generator) -> Integer[np.ndarray, "2 steps"]:
        """Uniform draws."""
        first = rng.integers(0, self.letters, steps)
        return np.stack([first, (first + rng.integers(1, self.letters, steps)) % self.letters])
