"""Cells of the A5 study and what they show: solved, cannot, or trained too little to tell.

A cell is one model at one depth, on words of one length of one group, trained from several seeds
for as many steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.guest import model_name
from experiments.record import Record
from experiments.report import curve as curves
from experiments.report import published_depths
from experiments.report.curve import Curve, Outcome, curve
from experiments.report.rows import grouped, select
from experiments.report.variants import labelled, named


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
    variant: str = ""

    @property
    def name(self) -> str:
        """The model, and the settings in which it differs from other cells like it."""
        return labelled(self.model, self.variant)

    @property
    def is_solved(self) -> bool:
        """Whether at least two seeds of three pass, and as large a share of any other number."""
        return curves.is_solved(self.curves)

    @property
    def accuracies(self) -> np.ndarray:
        """Best held-out token accuracy of every seed."""
        return np.array([curve.best for curve in self.curves])


def cells(records: Iterable[Record]) -> list[Cell]:
    """Group finished records into cells, in order of model, group, length, depth and budget.

    Records that differ in further settings are cells of their own.
    """
    finished = named((r for r in records if r.finished and r.metrics), cell_of)
    groups = grouped(finished, lambda pair: (cell_of(pair[1]), pair[0]))
    found = sorted(groups.items(), key=lambda item: item[0][0])
    return [_cell(key, variant, [r for _, r in held]) for (key, variant), held in found]


def cell_of(record: Record) -> tuple[str, str, int, int, int]:
    """Model, group, length, depth and budget of a record."""
    run = record.run
    return model_name(run), run.group, run.length, run.depth, run.training.num_steps


def _cell(key: tuple[str, str, int, int, int], variant: str, held: Sequence[Record]) -> Cell:
    return Cell(*key, tuple(map(curve, held)), tuple(held), variant)


def longest(study: Sequence[Cell]) -> list[Cell]:
    """Of cells that differ in their budget alone, keep the one with the largest."""
    return _last(sorted(study, key=lambda cell: cell.budget))


def shortest(study: Sequence[Cell]) -> list[Cell]:
    """Of cells that differ in their budget alone, keep the one with the smallest."""
    return _last(sorted(study, key=lambda cell: -cell.budget))


def outcome(cell: Cell, others: Sequence[Cell]) -> Outcome:
    """Say what a cell shows (`experiments.report.curve.outcome`).

    A model learns at all if it solves length 3 at depth 1 or the words of another group.

    Parameters
    ----------
    cell
        The cell to judge.
    others
        All cells of the study.
    """
    of_task = select(others, group=cell.group, length=cell.length)
    of_model = select(others, model=cell.model)
    easy = (c for c in of_model if c.group != "A5" or (c.length == 3 and c.depth == 1))
    return curves.outcome(
        cell.curves,
        of_task=[curve for other in of_task for curve in other.curves],
        of_model=[curve for other in of_model for curve in other.curves],
        learns=any(c.is_solved for c in easy),
        contradicted=cell.group == "A5"
        and published_depths.is_solved(cell.model, cell.length, cell.depth),
    )


def minimum_depths(study: Sequence[Cell], group: str = "A5") -> dict[str, dict[int, int | None]]:
    """Smallest depth that solves each length, by name; None where none that was run does."""
    found: dict[str, dict[int, int | None]] = {}
    for cell in study:
        if cell.group == group:
            lengths = found.setdefault(cell.name, {})
            best = lengths.setdefault(cell.length, None)
            if cell.is_solved and (best is None or cell.depth < best):
                lengths[cell.length] = cell.depth
    return found


def _last(ordered: Sequence[Cell]) -> list[Cell]:
    kept = {(cell.name, cell.group, cell.length, cell.depth): cell for cell in ordered}
    return [kept[key] for key in sorted(kept)]
