"""S4's tables as the replication drew them, without an empty cell: norm, place and framework."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.lra import not_run
from experiments.lra.cells import Cell, Part, scale
from experiments.lra.differences import FACTORS, tables
from experiments.lra.published_values import ACCURACY, FIRST_S4
from experiments.lra.settings import FIRST, LATER, SHORT, short
from experiments.lra.tasks import short_name
from experiments.lra.training_run import NORMS, POSITIONS, LongRangeRun
from experiments.report.interval import estimate

Rows = tuple[list[str], list[list[str]]]
HEAD = ["framework", "norm", "place", "seeds", "train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
STANDS_FOR = {"drawn reviews": "IMDB", "drawn shapes": "CIFAR-10"}
"""Tasks that are drawn, by what they stand in for."""
_PUBLISHED = {
    short_name(type(FIRST[name].task).__name__): (FIRST[name], LATER[name]) for name in SHORT
}


def replications(found: Sequence[Cell]) -> list[tuple[str, Rows]]:
    """Title, header and rows of each table of S4, and of those tasks that have none yet.

    A cell without a record holds the command that makes it, and what that costs.
    """
    held = tables(found)
    if not held:
        return []
    tasks = {STANDS_FOR.get(one[0].short, one[0].short) for one in held}
    runs = [short(LongRangeRun, name) for name in SHORT]
    lacking = [run for run in runs if short_name(type(run.task).__name__) not in tasks]
    return [_table(one) for one in held] + [_empty(run) for run in lacking]


def seeds(cell: Cell) -> str:
    """Count the seeds of a cell, and those that diverged."""
    lost = f", {cell.diverged} diverged" if cell.diverged else ""
    return f"{len(cell.records)}{lost}"


def accuracy(cell: Cell, part: Part) -> str:
    """Write the mean accuracy of a cell with its interval and the number of seeds."""
    values = cell.accuracies(part)
    return estimate(values, 0, 100) if len(values) else "diverged"


def _table(one: Sequence[Cell]) -> tuple[str, Rows]:
    first = one[0]
    held = {(cell.framework, cell.norm, cell.position): cell for cell in one}
    rows = []
    for framework, norm, position in _grid():
        cell = held.get((framework, norm, position))
        if cell is not None:
            values = [seeds(cell), *(accuracy(cell, part) for part in PARTS)]
            rows.append([framework, norm, position, *values])
        elif (said := not_run.command(first, framework)) is not None:
            rows.append([framework, norm, position, "0", *_NOT_RUN, said])
    title = f"{first.task}: {first.scale}, at the rate {first.rate:g}."
    if first.short in STANDS_FOR:
        return f"{title} It stands in for {STANDS_FOR[first.short]}.", (HEAD, rows)
    return title + _beside(first.short), (HEAD, rows + _published(first.short))


def _empty(run: LongRangeRun) -> tuple[str, Rows]:
    """Table of a task that was not run at all, on data or on what stands in for them."""
    name = short_name(type(run.task).__name__)
    rows = [
        [framework, norm, position, "0", *_NOT_RUN, str(not_run.said(run, framework))]
        for framework, norm, position in _grid()
    ]
    title = f"{name}: {scale(run)}, at the rate {run.training.learning_rate:g}.{_beside(name)}"
    return title, (HEAD, rows + _published(name))


def _grid() -> list[tuple[str, str, str]]:
    frameworks = reversed(FACTORS["framework"])
    return [(framework, n, p) for framework in frameworks for n in NORMS for p in POSITIONS]


def _beside(name: str) -> str:
    if name not in FIRST_S4:
        return ""
    return (
        f" Published at full scale: {FIRST_S4[name]:.2f} (2021), {ACCURACY['s4'][name]:.2f} (2022)."
    )


def _published(name: str) -> list[list[str]]:
    """Rows of what the authors print, which is the test accuracy alone."""
    if name not in _PUBLISHED:
        return []
    first, later = _PUBLISHED[name]
    return [
        ["published, 2021", first.norm, first.position, *_ONLY_TEST, f"{FIRST_S4[name]:.2f}"],
        ["published, 2022", later.norm, later.position, *_ONLY_TEST, f"{ACCURACY['s4'][name]:.2f}"],
    ]


_ONLY_TEST = ("not printed",) * 3
_NOT_RUN = ("not run", "not run")
