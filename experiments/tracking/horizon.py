"""Predicted horizons and overflows beside measured ones, run by run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf

from experiments.record import DONE, Record
from experiments.tracking.cells import Cell
from experiments.tracking.tracking_run import SEEN

FACTOR = 2
"""A predicted horizon is right within this factor."""
OVERFLOW_FACTOR = 1.1
"""A predicted overflow is right within this factor: it says where, not about where."""


@dataclass(frozen=True)
class Comparison:
    """One trained tracker.

    Attributes
    ----------
    cell
        Where it belongs.
    predicted
        Steps, from twice the trained length; infinite without an end.
    measured
        Steps up to which nine of ten answers are right, beyond those that the prediction saw.
    factor
        Within which it is right.
    """

    cell: Cell
    predicted: float
    measured: int
    factor: float = FACTOR

    @property
    def ratio(self) -> float:
        """Predicted over measured."""
        return self.predicted / self.measured

    @property
    def is_right(self) -> bool:
        """Whether they agree within the factor."""
        return is_near(self.ratio, self.factor)


def is_near(ratio: float, factor: float = FACTOR) -> bool:
    """Whether predicted over measured is within a factor."""
    return 1 / factor <= ratio <= factor


def comparisons(study: Iterable[Cell]) -> list[Comparison]:
    """List the trackers that fail beyond what the prediction saw, and within the tested lengths.

    A tracker that has failed within twice the trained length leaves nothing to predict, and one
    that has not failed at the greatest tested length nothing to compare with.
    """
    return [
        Comparison(cell, _steps(record.notes["prediction"]), record.notes["horizon"])
        for cell, record in _done(study)
        if SEEN * cell.length < record.notes["horizon"] < cell.tested[-1]
    ]


def overflows(study: Iterable[Cell]) -> list[Comparison]:
    """List the trackers that single precision ends before double precision, if it does, does."""
    found = []
    for cell, record in _done(study):
        single, steps = record.notes["single_horizon"], record.notes["prediction"].get("overflow")
        if SEEN * cell.length < single < 0.9 * record.notes["horizon"]:
            predicted = inf if steps is None else steps
            found.append(Comparison(cell, predicted, single, OVERFLOW_FACTOR))
    return found


def _done(study: Iterable[Cell]) -> Iterator[tuple[Cell, Record]]:
    for cell in study:
        for record in cell.records:
            if record.status == DONE and cell.tested:
                yield cell, record


def _steps(prediction: dict[str, object]) -> float:
    """Give the predicted steps: none where the classes are not apart, no end without drift."""
    if prediction["verdict"] == "no drift":
        return inf
    steps = prediction["steps"] if prediction["verdict"] == "drifts" else 0.0
    return float(steps) if isinstance(steps, (int, float)) else inf
