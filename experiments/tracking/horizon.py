"""Predicted horizons and overflows beside measured ones, run by run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf

import numpy as np
from scipy.optimize import isotonic_regression

from experiments.record import DONE, Record
from experiments.report.curve import SOLVED_ABOVE
from experiments.tracking.cells import Cell, of_prediction
from experiments.tracking.tracking_run import SEEN
from seqtheory.metrics import position_horizon

FACTOR = 2
"""A predicted horizon counts as right if predicted / measured lies in [1 / FACTOR, FACTOR]."""
OVERFLOW_FACTOR = 1.1
"""A predicted overflow counts as right within this factor: a tenth of the steps."""


@dataclass(frozen=True)
class Comparison:
    """One trained tracker.

    Attributes
    ----------
    cell
        Where it belongs.
    predicted
        Steps up to the predicted failure; infinite where none is predicted. The prediction has
        seen sequences of twice the trained length.
    measured
        Steps up to which nine of ten answers are right at every position.
    factor
        The prediction counts as right if predicted / measured lies in [1 / factor, factor].
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
        """Whether predicted and measured steps agree within the factor."""
        return is_near(self.ratio, self.factor)


def is_near(ratio: float, factor: float = FACTOR) -> bool:
    """Whether predicted over measured is within a factor."""
    return 1 / factor <= ratio <= factor


def comparisons(study: Iterable[Cell]) -> list[Comparison]:
    """List the trackers whose failure or survival beyond what was seen judges their prediction.

    A tracker that has failed within twice the trained length leaves nothing to predict. One that
    has not failed at the greatest tested length is listed, with that length, where its prediction
    is refuted by it: an end before half of it.
    """
    found = []
    for cell, record in _done(study):
        measured, prediction = record.notes["horizon"], record.notes["prediction"]
        if measured <= SEEN * cell.length or prediction["verdict"] == "not made":
            continue
        predicted, last = _steps(prediction), cell.tested[-1]
        if measured < last or predicted * FACTOR < last:
            found.append(Comparison(cell, predicted, measured))
    return found


def overflows(study: Iterable[Cell]) -> list[Comparison]:
    """List the trackers that single precision ends, while double precision goes on."""
    found = []
    for cell, record in _done(study):
        single, steps = record.notes["single_horizon"], record.notes["prediction"].get("overflow")
        if SEEN * cell.length < single < 0.9 * record.notes["horizon"]:
            predicted = inf if steps is None else steps
            found.append(Comparison(cell, predicted, single, OVERFLOW_FACTOR))
    return found


def monotone_horizon(accuracies: np.ndarray) -> int:
    """Length up to which a fit that only falls is above the threshold at every position.

    The accuracy of one position, a mean over few sequences, may dip below the threshold by chance
    long before it falls: the first dip is early. Isotonic regression averages over such dips.

    Parameters
    ----------
    accuracies
        ``(position,)``, NaN where no target stands.
    """
    fitted, there = np.array(accuracies, np.float64), ~np.isnan(accuracies)
    fitted[there] = isotonic_regression(fitted[there], increasing=False).x
    return position_horizon(fitted, SOLVED_ABOVE)


def delays(study: Iterable[Cell]) -> list[float]:
    """Monotone over measured horizon of the trackers that fail beyond what was seen."""
    found = []
    for cell, record in _done(study):
        measured, last = record.notes["horizon"], cell.tested[-1]
        if SEEN * cell.length < measured < last:
            places = record.notes["longer"][str(last)]["position_accuracy"]
            found.append(monotone_horizon(np.array(places, np.float64)) / measured)
    return found


def _done(study: Iterable[Cell]) -> Iterator[tuple[Cell, Record]]:
    for cell in of_prediction(study):
        for record in cell.records:
            if record.status == DONE and cell.tested:
                yield cell, record


def _steps(prediction: dict[str, object]) -> float:
    """Give the predicted steps: none where the classes are not apart, no end without drift."""
    if prediction["verdict"] == "no drift":
        return inf
    steps = prediction["steps"] if prediction["verdict"] == "drifts" else 0.0
    return float(steps) if isinstance(steps, (int, float)) else inf
