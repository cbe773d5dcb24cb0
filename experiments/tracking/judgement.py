"""What a cell shows: tracked, tracked far beyond the trained length, or trained too little."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.report import curve as curves
from experiments.report import published_depths
from experiments.report.curve import SOLVED_ABOVE, Outcome
from experiments.report.rows import select
from experiments.tracking.cells import Cell

FAR = 8
"""A task counts as measured possible at this multiple of the trained length."""


def is_solved(cell: Cell) -> bool:
    """Whether at least two seeds of three pass at the trained lengths."""
    return curves.is_solved(cell.curves)


def far_accuracy(cell: Cell) -> float | None:
    """Median over seeds of the token accuracy at eight times the trained length."""
    length = FAR * cell.length
    return float(np.median(cell.accuracies(length))) if length in cell.tested else None


def is_measured_possible(cell: Cell) -> bool:
    """Whether that median is at least 0.9."""
    accuracy = far_accuracy(cell)
    return accuracy is not None and accuracy >= SOLVED_ABOVE


def outcome(cell: Cell, study: Sequence[Cell]) -> Outcome:
    """Say what a cell shows at its trained length (`experiments.report.curve.outcome`).

    A model learns at all if it solves any task. Cells of other frameworks are not looked at.

    Parameters
    ----------
    cell
        The cell to judge.
    study
        All cells.
    """
    study = select(study, framework=cell.framework)
    of_task = select(study, task=cell.task, length=cell.length)
    of_model = select(study, model=cell.model)
    return curves.outcome(
        cell.curves,
        of_task=[curve for other in of_task for curve in other.curves],
        of_model=[curve for other in of_model for curve in other.curves],
        learns=any(is_solved(other) for other in of_model),
        contradicted=_is_contradicted(cell),
    )


def _is_contradicted(cell: Cell) -> bool:
    """Whether a published run of the model solved these words."""
    depth = cell.records[0].run.depth
    return cell.task == "A5" and published_depths.is_solved(cell.model, cell.length, depth)
