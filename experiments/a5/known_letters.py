"""How many letters a run knew after how many words, read from its record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.a5.models import shown_model
from experiments.report.curve import SOLVED_ABOVE
from experiments.report.rows import grouped
from seqtheory.metrics import position_horizon

if TYPE_CHECKING:
    from experiments.record import Record


@dataclass(frozen=True)
class KnownLetters:
    """Letters known at each evaluation of a run.

    Parameters
    ----------
    words
        Words seen before each evaluation, auxiliary ones included; a word that a curriculum cut
        counts as one.
    letters
        First letters of the held-out words, up to the last one before the first whose accuracy is
        below the level.
    """

    words: tuple[int, ...]
    letters: tuple[int, ...]

    def words_until(self, letter: int) -> int | None:
        """Words seen when this letter was first known; None if it never was."""
        pairs = zip(self.words, self.letters, strict=True)
        return next((words for words, letters in pairs if letters >= letter), None)

    def after(self, words: int) -> int:
        """Most letters known at an evaluation before which at most so many words were seen."""
        pairs = zip(self.words, self.letters, strict=True)
        return max((letters for seen, letters in pairs if seen <= words), default=0)


def known_letters(record: Record, level: float = SOLVED_ABOVE) -> KnownLetters:
    """Read the letters known at each evaluation from a record of the study.

    Parameters
    ----------
    record
        Of a run on words.
    level
        Accuracy from which a letter counts as known.
    """
    lines = [line for line in record.metrics if "position_accuracy" in line]
    each = words_per_step(record)
    return KnownLetters(
        words=tuple(each * line["step"] for line in lines),
        letters=tuple(position_horizon(line["position_accuracy"], level) for line in lines),
    )


def words_per_step(record: Record) -> int:
    """Words that one step of a run takes, auxiliary ones included."""
    training = record.run.training
    if record.run.auxiliary_fraction == 0:
        return training.batch_size
    return training.batch_size + (training.auxiliary_batch_size or training.batch_size)


def fresh(records: Iterable[Record]) -> list[Record]:
    """Finished records of trainings whose words are drawn anew at every step."""
    return [r for r in records if r.finished and r.metrics and r.run.fresh]


def longest_words(records: Sequence[Record]) -> list[Record]:
    """Of runs that differ in the length of their words, keep that of the longest ones."""

    def other_settings(record: Record) -> object:
        run = record.run
        return shown_model(run), run.group, run.depth, run.seed, run.training.num_steps

    groups = grouped(records, other_settings).values()
    return [max(held, key=lambda record: record.run.length) for held in groups]
