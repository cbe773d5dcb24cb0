"""The batches of each step: rows in order or fresh ones, and how much of them counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from seqtheory.dataset import Dataset
from seqtheory.training import Course, FitData, Stream, Training, row_batches
from seqtheory.training._stream import fresh_rows

if TYPE_CHECKING:
    from collections.abc import Iterator


class Rows(NamedTuple):
    """One batch: rows of a data set, the same in every process."""

    data: Dataset
    rows: np.ndarray


class Feed:
    """Batches of step after step, from step `start` on.

    What it draws depends on the seed and the step alone, so that a resumed training draws what an
    uninterrupted one does.
    """

    def __init__(self, data: FitData, training: Training, course: Course, start: int) -> None:
        self._training, self._course = training, course
        self._streams = [_in_order(data.train, training, training.batch_size, (), start)]
        if data.auxiliary is not None:
            size = training.auxiliary_batch_size or training.batch_size
            self._streams.append(_in_order(data.auxiliary, training, size, (1,), start))

    def batches(self, step: int, positions: int) -> list[Rows]:
        """Give the main batch, of whose words at most `positions` count, and any auxiliary one."""
        main, *more = [next(stream) for stream in self._streams]
        if self._course.is_whole:
            return [main, *more]
        shown = self._course.shown(main.data.take(main.rows), self._course.drawn(step, positions))
        return [_whole(shown), *more]


def _in_order(
    data: Dataset | Stream, training: Training, size: int, stream: tuple[int, ...], start: int
) -> Iterator[Rows]:
    if isinstance(data, Dataset):
        for rows in row_batches(len(data), size, training.seed, stream=stream, start=start):
            yield Rows(data, rows)
    else:
        for step in range(start, training.num_steps):
            yield _whole(fresh_rows(data, size, training.seed, step))


def _whole(batch: Dataset) -> Rows:
    return Rows(batch, np.arange(len(batch)))
