"""Fresh rows without end, drawn step by step."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

from seqtheory.dataset import Dataset
from seqtheory.plain import described

_ROWS = 4  # one stream of random numbers per purpose


@runtime_checkable
class Stream(Protocol):
    """Rows to learn from that no step sees twice, unless a draw repeats by chance."""

    @property
    def description(self) -> str:
        """What decides the rows beside seed and step: a resume must find the same."""
        ...

    def batch(self, rows: int, seed: int, step: int) -> Dataset:
        """Rows of one step, of one shape at every step; the same arguments give the same bytes."""
        ...


class DrawnTask(Protocol):
    """A task whose rows are drawn independently, in any number."""

    def with_rows(self, rows: int) -> Self:
        """Set the number of rows, all drawn independently."""
        ...

    def build(self, seed: int) -> Dataset:
        """Draw the rows; the same seed gives the same bytes."""
        ...


@dataclass(frozen=True)
class TaskStream:
    """The stream of a task: each step draws rows of its own.

    Parameters
    ----------
    task
        One of `seqtheory.tasks` that has `with_rows`, or another that has it and `build`.

    Raises
    ------
    TypeError
        If the task has no `with_rows`, or no plain form to tell it by (`seqtheory.plain`).

    Notes
    -----
    Held-out rows may occur among the drawn ones: seldom, unless few rows exist.

    Examples
    --------
    >>> from seqtheory.tasks import GroupWords
    >>> stream = TaskStream(GroupWords("A5", length=3))
    >>> stream.batch(2, seed=0, step=5).inputs.shape
    (2, 3)
    """

    task: DrawnTask

    def __post_init__(self) -> None:
        if not callable(getattr(self.task, "with_rows", None)):
            raise TypeError(
                f"task={self.task!r}: expected a task with a method with_rows, whose rows are "
                "drawn one by one, such as GroupWords. Build a Dataset of this one."
            )
        described(self.task)

    @property
    def description(self) -> str:
        """The task in its plain form, as JSON."""
        return json.dumps(described(self.task), sort_keys=True)

    def batch(self, rows: int, seed: int, step: int) -> Dataset:
        """Rows of one step."""
        drawn: Any = np.random.SeedSequence((_ROWS, seed, step)).generate_state(1, np.uint64)
        return self.task.with_rows(rows).build(int(drawn[0]))


def fresh_rows(stream: Stream, rows: int, seed: int, step: int) -> Dataset:
    """Draw the rows of one step.

    Raises
    ------
    ValueError
        If the stream gives another number of rows.
    """
    batch = stream.batch(rows, seed, step)
    if len(batch) != rows:
        raise ValueError(
            f"the stream gave {len(batch)} rows at step {step}, expected the {rows} that were "
            "asked for. Mend its method batch."
        )
    return batch
