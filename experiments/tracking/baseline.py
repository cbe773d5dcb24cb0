"""Predicted horizons beside constants: a prediction has to know more than its range of lengths.

Only a failure between `SEEN` and `FAR` times the trained length L can be predicted and observed, so
that the constant 4 L is right within a factor of two whatever happens. Errors are therefore taken
in the logarithm of horizon / L, predictions being brought into that range, and held against 4 L and
against the best constant, which is the geometric mean of the other tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from scipy.stats import rankdata

from experiments.tracking.horizon import Comparison
from experiments.tracking.judgement import FAR
from experiments.tracking.tracking_run import SEEN

FOUR = 4
"""The constant in the middle of what can be observed."""
ENOUGH_RUNS = 4
"""Fewer runs of a task say nothing about ranks."""
RESETS = ("even pairs", "flip-flop")
"""The tasks whose monoid forgets; the others are groups."""


@dataclass(frozen=True, eq=False)
class Row:
    """Errors on a set of trackers: log(given / measured), and its root mean square.

    Attributes
    ----------
    name
        A task, or which trackers.
    apart
        ``(run, 3)``: the logarithms of the prediction, of 4 L and of the other tasks' geometric
        mean.
    spearman
        Rank correlation of predicted and measured; NaN of too few runs or of equal values.
    """

    name: str
    apart: np.ndarray
    spearman: float

    @property
    def runs(self) -> int:
        """How many trackers."""
        return len(self.apart)

    @property
    def predicted(self) -> float:
        """Error of the prediction."""
        return size(self.apart[:, 0])

    @property
    def four(self) -> float:
        """Error of 4 L."""
        return size(self.apart[:, 1])

    @property
    def constant(self) -> float:
        """Error of the other tasks' geometric mean."""
        return size(self.apart[:, 2])

    @property
    def is_better(self) -> bool:
        """Whether the prediction has a smaller error than either constant."""
        return self.predicted < min(self.four, self.constant)


def by_task(found: Iterable[Comparison]) -> list[Row]:
    """One row per task."""
    held = list(found)
    tasks = dict.fromkeys(c.cell.task for c in held)
    return [_row(task, [c for c in held if c.cell.task == task], held) for task in tasks]


def overall(found: Sequence[Comparison], name: str = "all tasks") -> Row:
    """One row of all trackers, each beside the constant of the tasks that are not its own."""
    return _row(name, found, found)


def linear_on_groups(found: Iterable[Comparison]) -> list[Comparison]:
    """Keep the trackers that the theory of drift is about: linear recurrences on groups."""
    return [c for c in found if c.cell.kind.transition is not None and c.cell.task not in RESETS]


def _row(name: str, held: Sequence[Comparison], others: Sequence[Comparison]) -> Row:
    measured = np.array([log(c.measured / c.cell.length) for c in held])
    predicted = np.array([log(_observable(c.predicted / c.cell.length)) for c in held])
    constants = np.array([other_tasks(c.cell.task, others) for c in held])
    given = [predicted, np.full(len(held), log(FOUR)), constants]
    apart = np.stack(given, axis=1) - measured[:, None]
    return Row(name, apart, _spearman(predicted, measured))


def _observable(multiple: float) -> float:
    return min(max(multiple, SEEN), FAR)


def other_tasks(task: str, others: Iterable[Comparison]) -> float:
    """Mean of log(horizon / L) over the trackers of other tasks."""
    held = [log(c.measured / c.cell.length) for c in others if c.cell.task != task]
    return float(np.mean(held)) if held else log(FOUR)


def size(errors: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(errors**2)))


def _spearman(predicted: np.ndarray, measured: np.ndarray) -> float:
    if len(measured) < ENOUGH_RUNS or not np.ptp(predicted) or not np.ptp(measured):
        return float("nan")
    return float(np.corrcoef(rankdata(predicted), rankdata(measured))[0, 1])
