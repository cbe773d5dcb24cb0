"""What a cell shows: tracked, tracked far beyond the trained length, or trained too little."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from experiments.report import published_depths
from experiments.report.curve import SOLVED_ABOVE, stood_still
from experiments.report.rows import select
from experiments.tracking.cells import Cell

FAR = 8
"""A task counts as measured possible at this multiple of the trained length."""
Outcome = Literal["solved", "cannot", "undertrained"]


def is_solved(cell: Cell) -> bool:
    """Whether at least two seeds of three pass at the trained lengths."""
    return 3 * sum(curve.passes for curve in cell.curves) >= 2 * len(cell.curves)


def far_accuracy(cell: Cell) -> float | None:
    """Median over seeds of the token accuracy at eight times the trained length."""
    length = FAR * cell.length
    return float(np.median(cell.accuracies(length))) if length in cell.tested else None


def is_measured_possible(cell: Cell) -> bool:
    """Whether that median is at least 0.9."""
    accuracy = far_accuracy(cell)
    return accuracy is not None and accuracy >= SOLVED_ABOVE


def outcome(cell: Cell, study: Sequence[Cell]) -> Outcome:
    """Say what a cell shows at its trained length; a failure counts only where training could tell.

    A cell that is not solved *cannot* be if four things hold, and else it is *undertrained*: every
    failing seed had at least as many steps as the slowest one that passed on this task and length;
    each stood still at a constant rate for three times the longest plateau that any run of its
    model left again (`experiments.curve.stood_still`); the same model solves another task; and no
    published run of it solved these words with as many layers. Cells of other frameworks are not
    looked at.

    Parameters
    ----------
    cell
        The cell to judge.
    study
        All cells.
    """
    if is_solved(cell):
        return "solved"
    failing = [curve for curve in cell.curves if not curve.passes]
    study = select(study, framework=cell.framework)
    same = select(study, task=cell.task, length=cell.length)
    slowest = max((k.first_pass for c in same for k in c.curves if k.passes), default=0)
    long_enough = min(curve.steps[-1] for curve in failing) >= slowest
    of_model = select(study, model=cell.model)
    still = stood_still(failing, [curve for c in of_model for curve in c.curves])
    learns = any(is_solved(c) for c in of_model)
    tells = long_enough and still and learns and not _is_contradicted(cell)
    return "cannot" if tells else "undertrained"


def _is_contradicted(cell: Cell) -> bool:
    """Whether a published run of the model solved these words."""
    depth = cell.records[0].run.depth
    return cell.task == "A5" and published_depths.is_solved(cell.model, cell.length, depth)
