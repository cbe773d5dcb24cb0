"""Predicted horizons beside measured ones, run by run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from experiments.record import DONE
from experiments.tracking.cells import Cell
from experiments.tracking.tasks import described
from experiments.tracking.tracking_run import SEEN

FACTOR = 2
"""A prediction is right within this factor."""


@dataclass(frozen=True)
class Comparison:
    """One trained tracker.

    Attributes
    ----------
    cell
        Where it belongs.
    predicted
        Steps, from margin and drift at twice the trained length; infinite without drift.
    measured
        Steps up to which nine of ten answers are right, beyond those that the prediction saw.
    """

    cell: Cell
    predicted: float
    measured: int

    @property
    def ratio(self) -> float:
        """Predicted over measured."""
        return self.predicted / self.measured

    @property
    def is_right(self) -> bool:
        """Whether they agree within the factor."""
        return is_near(self.ratio)


def is_near(ratio: float) -> bool:
    """Whether predicted over measured is within the factor."""
    return 1 / FACTOR <= ratio <= FACTOR


def comparisons(study: Iterable[Cell]) -> list[Comparison]:
    """List the trackers that fail beyond what the prediction saw, and within the tested lengths.

    A tracker that has failed within twice the trained length leaves nothing to predict, and one
    that has not failed at the greatest tested length nothing to compare with. Scores of two classes
    show no drift (`seqtheory.diagnostics.predict_horizon`), so tasks with two are left out.
    """
    found = []
    for cell in study:
        if described(cell.records[0].run["task"]).num_classes < 3:
            continue
        for record in cell.records:
            if record.status != DONE or not cell.tested:
                continue
            measured, predicted = record.notes["horizon"], record.notes.get("prediction")
            if predicted and SEEN * cell.length < measured < cell.tested[-1]:
                found.append(Comparison(cell, _steps(predicted), measured))
    return found


def _steps(prediction: dict[str, object]) -> float:
    """Give the predicted steps: none where the classes are not apart, no end without drift."""
    if prediction["verdict"] == "no drift":
        return inf
    steps = prediction["steps"] if prediction["verdict"] == "drifts" else 0.0
    return float(steps) if isinstance(steps, (int, float)) else inf
