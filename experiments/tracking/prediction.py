"""What theory says of a cell."""

from __future__ import annotations

from dataclasses import replace

from experiments.tracking.cells import Cell
from seqtheory.expressivity import Verdict, predict


def predicted(cell: Cell) -> Verdict:
    """Verdict of theory on the cell's task and transition class, one layer or as many as it has.

    Raises
    ------
    ValueError
        If the class is nonlinear: the theory here is of linear recurrences.
    """
    transition = cell.kind.transition
    if transition is None:
        raise ValueError(f"{cell.model}: expected a linear recurrence, theory says nothing of it")
    run = cell.records[0].run
    return predict(run.task, replace(transition, layers=run.depth))
