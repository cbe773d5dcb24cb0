"""Cells of the A5 study and what they show: solved, cannot, or trained too little to tell.

A cell is one model at one depth, on words of one length of one group, trained from several seeds
for as many steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from experiments.guest import model_name
from experiments.record import Record
from experiments.report import published_depths
from experiments.report.curve import Curve, curve, stood_still
from experiments.report.rows import select

Outcome = Literal["solved", "cannot", "undertrained"]


@dataclass(frozen=True)
class Cell:
    """All seeds of one model at one depth and length; `budget` is the most steps they may take."""

    model: str
    group: str
    length: int
    depth: int
    budget: int
    curves: tuple[Curve, ...]
    records: tuple[Record, ...]

    @property
    def is_solved(self) -> bool:
        """Whether at least two seeds of three pass, and as large a share of any other number."""
        return 3 * sum(curve.passes for curve in self.curves) >= 2 * len(self.curves)

    @property
    def accuracies(self) -> np.ndarray:
        """Best held-out token accuracy of every seed."""
        return np.array([curve.best for curve in self.curves])


def cells(records: Iterable[Record]) -> list[Cell]:
    """Group finished records into cells, in order of model, group, length, depth and budget."""
    groups: dict[tuple[str, str, int, int, int], list[Record]] = {}
    for record in records:
        if record.finished and record.metrics:
            run = record.run
            key = (model_name(run), run.group, run.length, run.depth, run.training.num_steps)
            groups.setdefault(key, []).append(record)
    return [
        Cell(*key, tuple(curve(record) for record in held), tuple(held))
        for key, held in sorted(groups.items())
    ]


def longest(study: Sequence[Cell]) -> list[Cell]:
    """Of cells that differ in their budget alone, keep the one with the largest."""
    return _last(sorted(study, key=lambda cell: cell.budget))


def shortest(study: Sequence[Cell]) -> list[Cell]:
    """Of cells that differ in their budget alone, keep the one with the smallest."""
    return _last(sorted(study, key=lambda cell: -cell.budget))


def outcome(cell: Cell, others: Sequence[Cell]) -> Outcome:
    """Say what a cell shows, by the rule that a failure counts only where training could tell.

    A cell that does not solve its words *cannot* do it if four things hold, and else it is
    *undertrained*: every failing seed had at least as many steps as the slowest run that passed on
    such words; each stood still at a constant rate for three times the longest plateau that any run
    of its model left again (`experiments.curve.stood_still`); the same model solves length 3 at
    depth 1 or the words of another group; and no published run of it solved these words with as
    many blocks.

    Parameters
    ----------
    cell
        The cell to judge.
    others
        All cells of the study.
    """
    if cell.is_solved:
        return "solved"
    failing = [curve for curve in cell.curves if not curve.passes]
    long_enough = min(curve.steps[-1] for curve in failing) >= _slowest_pass(cell, others)
    of_model = [curve for other in select(others, model=cell.model) for curve in other.curves]
    contradicted = cell.group == "A5" and published_depths.is_solved(
        cell.model, cell.length, cell.depth
    )
    tells = long_enough and stood_still(failing, of_model) and not contradicted
    return "cannot" if tells and _learns_at_all(cell.model, others) else "undertrained"


def minimum_depths(study: Sequence[Cell], group: str = "A5") -> dict[str, dict[int, int | None]]:
    """Smallest depth that solves each length, by model; None where none that was run does."""
    found: dict[str, dict[int, int | None]] = {}
    for cell in study:
        if cell.group == group:
            lengths = found.setdefault(cell.model, {})
            best = lengths.setdefault(cell.length, None)
            if cell.is_solved and (best is None or cell.depth < best):
                lengths[cell.length] = cell.depth
    return found


def _last(ordered: Sequence[Cell]) -> list[Cell]:
    kept = {(cell.model, cell.group, cell.length, cell.depth): cell for cell in ordered}
    return [kept[key] for key in sorted(kept)]


def _slowest_pass(cell: Cell, others: Sequence[Cell]) -> int:
    """Count the steps of the slowest run that passed on words of the cell's group and length."""
    steps = [
        curve.steps[-1]
        for other in select(others, group=cell.group, length=cell.length)
        for curve in other.curves
        if curve.passes
    ]
    return max(steps, default=0)


def _learns_at_all(model: str, others: Sequence[Cell]) -> bool:
    same = [cell for cell in others if cell.model == model and cell.is_solved]
    return any(c.group != "A5" or (c.length == 3 and c.depth == 1) for c in same)
