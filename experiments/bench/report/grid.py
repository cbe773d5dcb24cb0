"""The table of a part, before it is written in any format: its columns, rows, cells and notes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from experiments.bench.cards import Card, Line, Measurement, best, lines
from experiments.bench.report.numbers import ARROWS, Shown, plain, shown

TITLES = {
    "contract": "Contract: what every other number rests on",
    "cost": "Cost",
    "theory": "Theory: what the class of its transitions can follow",
    "tracking": "Tracking of states",
    "recall": "Recall",
    "memory": "Memory",
    "signature": "Signature labels",
    "rates": "Learning rates in which it learns",
}
READING = (
    "A number stands with its interval in brackets (least and most of the runs, or 95 % by Wilson "
    "for k of n runs) and the number n of runs; arrows say whether more or less is better; the "
    "best is bold only where its interval lies clear of all others."
)
"""How to read every table of a card."""


@dataclass(frozen=True)
class Cell:
    """One place of a table: the text, whether it is clearly the best, and marks of its note."""

    shown: Shown
    best: bool = False
    mark: str = ""
    measurement: Measurement | None = None


@dataclass(frozen=True)
class Row:
    """What was measured, an arrow for what is better, and a cell for each model."""

    item: str
    metric: str
    arrow: str
    cells: tuple[Cell, ...]

    @property
    def head(self) -> str:
        """The metric with its arrow."""
        return f"{self.metric} {self.arrow}".rstrip()


@dataclass(frozen=True)
class Grid:
    """The table of one part: models that have anything in it, rows, and notes by their marks."""

    part: str
    models: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[tuple[str, str], ...]

    @property
    def title(self) -> str:
        """Heading of the part."""
        return TITLES.get(self.part, plain(self.part).capitalize())

    @property
    def metric(self) -> str:
        """The metric with its arrow if all rows share one, else nothing."""
        heads = {row.head for row in self.rows}
        return heads.pop() if len(heads) == 1 else ""

    def label(self, row: Row) -> str:
        """Name a row that is alone under its item; a metric that all rows share is not repeated."""
        return row.item if self.metric else f"{row.item}: {row.head}"

    def items(self) -> list[tuple[str, list[Row]]]:
        """Rows under their items, in order."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.item, []).append(row)
        return list(found.items())

    def split(self, most: int) -> list[Grid]:
        """Split a wide table into tables of at most so many models, the card's own in each.

        Raises
        ------
        ValueError
            If `most` is less than two and there is more than one model.
        """
        if len(self.models) <= most:
            return [self]
        if most < 2:
            raise ValueError(f"got {most} models a table, expected at least 2")
        others = range(1, len(self.models))
        tables = -(-len(others) // (most - 1))
        size, more = divmod(len(others), tables)
        starts = [k * size + min(k, more) for k in range(tables + 1)]
        chosen = [others[a:b] for a, b in pairwise(starts)]
        return [self._columns([0, *places]) for places in chosen]

    def _columns(self, places: list[int]) -> Grid:
        rows = tuple(replace(r, cells=tuple(r.cells[k] for k in places)) for r in self.rows)
        used = {cell.mark for row in rows for cell in row.cells}
        notes = tuple(note for note in self.notes if note[0] in used)
        return replace(self, models=tuple(self.models[k] for k in places), rows=rows, notes=notes)


def grids(card: Card, *, brief: bool = False) -> list[Grid]:
    """Tables of all parts of a card, in order; brief ones as `grid` says."""
    return [grid(card, part, brief=brief) for part in card.parts]


def grid(card: Card, part: str, *, brief: bool = False) -> Grid:
    """Lay out the table of a part: the card's model first, then the baselines that have a cell.

    Parameters
    ----------
    card, part
        What is laid out.
    brief
        Whether notes on findings that are "ok" are left out.
    """
    found = lines(card, part)
    there = {model for line in found for model in line.cells}
    models = [m for m in card.models if m in there or m == card.model]
    noted = [m for line in found for m in line.cells.values() if not (brief and m.value == "ok")]
    marks = _marks(m.note for m in noted if m.note)
    rows = tuple(_row(line, models, marks) for line in found)
    names = tuple(plain(model) for model in models)
    return Grid(part, names, rows, tuple((mark, plain(note)) for note, mark in marks.items()))


def _row(line: Line, models: list[str], marks: dict[str, str]) -> Row:
    winner = best(line.cells.values())
    cells = []
    for model in models:
        found = line.cells.get(model)
        mark = marks.get(found.note, "") if found else ""
        cells.append(Cell(shown(found), best=model == winner, mark=mark, measurement=found))
    better = next(iter(line.cells.values())).better
    return Row(plain(line.item), plain(line.metric), ARROWS[better], tuple(cells))


def _marks(notes: Iterable[str]) -> dict[str, str]:
    """Letters for notes, in the order in which a reader meets them: a, b, ..., z, aa, ab, ..."""
    return {note: _letters(k) for k, note in enumerate(dict.fromkeys(notes))}


def _letters(k: int) -> str:
    letter = chr(ord("a") + k % 26)
    return _letters(k // 26 - 1) + letter if k >= 26 else letter
