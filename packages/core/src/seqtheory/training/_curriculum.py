"""How much of each word a training learns from, and when it learns from more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from seqtheory.checks import require_choice, require_integer, require_positive
from seqtheory.dataset import Dataset

if TYPE_CHECKING:
    from seqtheory.training._history import Evaluated
    from seqtheory.training._training import Training

_LENGTHS = 3  # one stream of random numbers per purpose; the order of rows has others
SHORTEST_MIXED = 2


@dataclass(frozen=True, kw_only=True)
class Curriculum:
    """Learn the first positions of each word, and more of them once the last of these is known.

    After an evaluation at which the held-out accuracy at position c, the last one that is learnt,
    is at least `level`, c grows by `by`; so it goes on while the new last position passes as well.
    A position without targets passes.

    Parameters
    ----------
    kind
        ``"length"`` cuts the words to their first c positions; ``"mask"`` gives the model whole
        words, and the loss counts the first c positions.
    start
        c at the beginning, at least 1 and at most the length of the words.
    level
        Accuracy to pass, above 0 and at most 1.
    by
        Positions added each time, at least 1; c ends at the length of the words.

    Raises
    ------
    TypeError, ValueError
        If a setting is out of range; the message names it.

    Examples
    --------
    >>> Curriculum(start=2, level=0.9).grown(2, [1.0, 0.95, 0.92, 0.3], length=4)
    4
    """

    kind: Literal["length", "mask"] = "length"
    start: int = 2
    level: float = 0.9
    by: int = 1

    def __post_init__(self) -> None:
        require_choice("kind", self.kind, ("length", "mask"))
        require_integer("start", self.start, minimum=1)
        require_integer("by", self.by, minimum=1)
        require_positive("level", self.level)
        if self.level > 1:
            raise ValueError(f"level={self.level}: expected an accuracy, at most 1.")

    def grown(self, positions: int, accuracies: Sequence[float], length: int) -> int:
        """Positions to learn after an evaluation.

        Parameters
        ----------
        positions
            Those learnt up to it.
        accuracies
            Held-out accuracy at each position; NaN where no target counts.
        length
            Positions of a word.
        """
        while positions < length and not accuracies[positions - 1] < self.level:
            positions = min(positions + self.by, length)
        return positions


@dataclass(frozen=True)
class Course:
    """Positions that each step of a training learns from: a function of what has been evaluated.

    Parameters
    ----------
    training
        Its `curriculum`, `lengths` and `seed` decide.
    length
        Positions of a word.

    Examples
    --------
    >>> from seqtheory.training import Training
    >>> course = Course(Training(loss="cross_entropy", curriculum=Curriculum(start=2)), length=4)
    >>> course.positions([]), course.facts([])
    (2, {'trained_length': 2})
    """

    training: Training
    length: int

    @classmethod
    def of(cls, training: Training, words: Dataset) -> Course:
        """Course over the positions of these words; targets without a time axis have one."""
        return cls(training, int(np.prod(words.targets.shape[1:2])))

    @property
    def cuts(self) -> bool:
        """Whether the model sees the first positions only; else it sees all, and some count."""
        return self.training.curriculum is None or self.training.curriculum.kind == "length"

    @property
    def is_whole(self) -> bool:
        """Whether every step learns from whole words."""
        return self.training.curriculum is None and self.training.lengths == "whole"

    def positions(self, evaluations: Sequence[Evaluated]) -> int:
        """Most positions that the steps after these evaluations learn from."""
        curriculum = self.training.curriculum
        if curriculum is None:
            return self.length
        if not evaluations:
            return curriculum.start
        metrics = evaluations[-1].metrics
        before, accuracies = metrics["trained_length"], metrics["position_accuracy"]
        assert not isinstance(before, list)
        assert isinstance(accuracies, list)
        return curriculum.grown(int(before), accuracies, self.length)

    def drawn(self, step: int, positions: int) -> int:
        """Positions of step number `step`: all `positions`, or a number drawn from 2 to that."""
        if self.training.lengths == "whole":
            return positions
        rng = np.random.default_rng((_LENGTHS, self.training.seed, step))
        return int(rng.integers(SHORTEST_MIXED, positions + 1))

    def facts(self, evaluations: Sequence[Evaluated]) -> dict[str, float]:
        """Give what the metrics of the next evaluation hold beside the scores."""
        if self.training.curriculum is None:
            return {}
        return {"trained_length": self.positions(evaluations)}

    def shown(self, batch: Dataset, positions: int) -> Dataset:
        """Words of which the first positions count, cut to these if the course cuts."""
        if self.cuts:
            return first_positions(batch, positions)
        shape: tuple[int, ...] = batch.targets.shape[:2]
        scored = np.ones(shape, dtype=bool) if batch.counted is None else batch.counted.copy()
        scored[:, positions:] = False
        return Dataset(batch.inputs, batch.targets, batch.mask, scored)


def first_positions(data: Dataset, positions: int) -> Dataset:
    """Cut every word to its first positions."""
    mask, scored = (None if m is None else m[:, :positions] for m in (data.mask, data.scored))
    return Dataset(data.inputs[:, :positions], data.targets[:, :positions], mask, scored)


def check(training: Training) -> None:
    """Raise unless curriculum, lengths and loss suit each other.

    Raises
    ------
    TypeError, ValueError
        If they do not; the message says what to do.
    """
    require_choice("lengths", training.lengths, ("whole", "mixed"))
    curriculum = training.curriculum
    if curriculum is None:
        return
    if not isinstance(curriculum, Curriculum):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"curriculum={curriculum!r}: expected a Curriculum or None.")
    if training.loss != "cross_entropy":
        raise ValueError(
            f"a curriculum grows with the accuracy of classes, and loss={training.loss!r} has "
            "none. Use loss='cross_entropy', or curriculum=None."
        )
    if training.lengths == "mixed" and curriculum.start < SHORTEST_MIXED:
        raise ValueError(
            f"curriculum.start={curriculum.start} with lengths='mixed': lengths are drawn from "
            f"{SHORTEST_MIXED} on. Start at {SHORTEST_MIXED} or more, or use lengths='whole'."
        )
