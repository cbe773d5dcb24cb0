"""Cells of the A5 study and what they show: solved, cannot, or trained too little to tell.

A cell is one model at one depth, on words of one length of one group, trained from several seeds
for as many steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from experiments.a5.models import published_solves, shown_model
from experiments.record import Record
from experiments.report import curve as curves
from experiments.report.curve import Curve, Outcome, curve
from experiments.report.rows import grouped, select
from experiments.report.variants import labelled, named


@dataclass(frozen=True)
class Cell:
    """All seeds of one model at one depth and length; `budget` is the most steps they may take.

    `implied` has one entry for each seed that a search left out here: whether it passed.
    """

    model: str
    group: str
    length: int
    depth: int
    budget: int
    curves: tuple[Curve, ...]
    records: tuple[Record, ...]
    variant: str = ""
    implied: tuple[bool, ...] = ()

    @property
    def name(self) -> str:
        """The model, and the settings in which it differs from other cells like it."""
        return labelled(self.model, self.variant)

    @property
    def passed(self) -> int:
        """Seeds that pass, those that a search left out included."""
        return sum(curve.passes for curve in self.curves) + sum(self.implied)

    @property
    def tried(self) -> int:
        """Seeds that pass or fail, those that a search left out included."""
        return len(self.curves) + len(self.implied)

    @property
    def is_solved(self) -> bool:
        """Whether at least two seeds of three pass, and as large a share of any other number."""
        return 3 * self.passed >= 2 * self.tried

    @property
    def accuracies(self) -> np.ndarray:
        """Best held-out token accuracy of every seed."""
        return np.array([curve.best for curve in self.curves])


def cells(records: Iterable[Record]) -> list[Cell]:
    """Group finished records into cells, in order of model, group, length, depth and budget.

    Records that differ in further settings are cells of their own. A search over depths leaves out
    more blocks for a seed that passed with fewer, and longer words for a depth that failed: both
    count (`Cell.implied`) among the seeds of a cell that was run for others.
    """
    finished = named((r for r in records if r.finished and r.metrics), cell_of)
    groups = grouped(finished, lambda pair: (cell_of(pair[1]), pair[0]))
    found = sorted(groups.items(), key=lambda item: item[0][0])
    study = [_cell(key, variant, [r for _, r in held]) for (key, variant), held in found]
    return [replace(cell, implied=_implied(cell, study)) for cell in study]


def cell_of(record: Record) -> tuple[str, str, int, int, int]:
    """Model, group, length, depth and budget of a record."""
    run = record.run
    return shown_model(run), run.group, run.length, run.depth, run.training.num_steps


def _cell(key: tuple[str, str, int, int, int], variant: str, held: Sequence[Record]) -> Cell:
    return Cell(*key, tuple(map(curve, held)), tuple(held), variant)


def _implied(cell: Cell, study: Sequence[Cell]) -> tuple[bool, ...]:
    """Whether each seed without a run in this cell passed, by what the same search found."""
    search = select(study, name=cell.name, group=cell.group, budget=cell.budget)
    fewer = [c for c in select(search, length=cell.length) if c.depth < cell.depth]
    shorter = [c for c in select(search, depth=cell.depth) if c.length < cell.length]
    own = {curve.seed for curve in cell.curves}
    passed = {curve.seed for c in fewer for curve in c.curves if curve.passes} - own
    failed = {curve.seed for c in shorter for curve in c.curves if not curve.passes} - own
    return (True,) * len(passed) + (False,) * len(failed - passed)


def longest(study: Sequence[Cell]) -> list[Cell]:
    """Of cells that differ in their budget alone, keep the one with the largest."""
    return _last(sorted(study, key=lambda cell: cell.budget))


def shortest(study: Sequence[Cell]) -> list[Cell]:
    """Of cells that differ in their budget alone, keep the one with the smallest."""
    return _last(sorted(study, key=lambda cell: -cell.budget))


def deciding(study: Sequence[Cell]) -> list[Cell]:
    """Of cells that differ in their budget alone, keep a solved one, or else the largest budget."""
    return _last(sorted(study, key=lambda cell: (cell.is_solved, cell.budget)))


def outcome(cell: Cell, others: Sequence[Cell]) -> Outcome:
    """Say what a cell shows (`experiments.report.curve.outcome`).

    A model learns at all if it solves the words of another group, or shorter ones with as few
    blocks. It is contradicted by a published run that solved the words with as few blocks, and by
    runs here (`_contradicted`).

    Parameters
    ----------
    cell
        The cell to judge.
    others
        All cells of the study.
    """
    if cell.is_solved:
        return "solved"
    of_task = select(others, group=cell.group, length=cell.length)
    of_model = select(others, model=cell.model)
    if _contradicted(cell, of_model):
        return "undertrained"
    easy = (
        c
        for c in of_model
        if c.group != cell.group or (c.length < cell.length and c.depth <= cell.depth)
    )
    return curves.outcome(
        cell.curves,
        of_task=[curve for other in of_task for curve in other.curves],
        of_model=[curve for other in of_model for curve in other.curves],
        learns=any(c.is_solved for c in easy),
        contradicted=cell.group == "A5" and published_solves(cell.model, cell.length, cell.depth),
    )


def _contradicted(cell: Cell, of_model: Sequence[Cell]) -> bool:
    """Whether a run of the model, with as few blocks on words as long, left its last plateau.

    So did a seed that passes, of this cell or another, and a run that knows half a letter more than
    the failing seeds: their plateau has an end, which they did not see.
    """
    as_hard = [
        c
        for c in select(of_model, group=cell.group)
        if c.length >= cell.length and c.depth <= cell.depth
    ]
    lowest = min((curve.best for curve in cell.curves if not curve.passes), default=0.0)
    most = lowest + 0.5 / cell.length
    return any(curve.passes or curve.best > most for c in as_hard for curve in c.curves)


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
