"""Columns of a table of runs: the settings that tell its runs apart, and what came out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments import fields, frame
from experiments.site.words import sorting, value

if TYPE_CHECKING:
    from experiments.frame import Row
    from experiments.site.published import Entry

MOST_SETTINGS, MOST_METRICS, MOST_NOTES = 8, 5, 3
MOST_CHOICES = 14
"""Values of a column up to which it is offered as a filter."""
_NOT_TOLD = ("metrics.step", "metrics.learning_rate", "notes.steps")


@dataclass(frozen=True)
class Column:
    """A column: the field, what its head says, and its kind: fact, setting or number."""

    field: str
    head: str
    kind: str


@dataclass(frozen=True)
class Choice:
    """A filter: the place of its column, what it is called, and its values."""

    column: int
    head: str
    values: tuple[str, ...]


def columns(entries: Sequence[Entry]) -> list[Column]:
    """Choose the columns of a table of runs."""
    rows = [entry.row for entry in entries]
    names = telling(rows)
    ends = [_end(name) for name in names]
    settings = [
        Column(name, end if ends.count(end) == 1 else fields.option(name), "setting")
        for name, end in zip(names, ends, strict=True)
    ]
    numbers = [
        Column(name, name.partition(".")[2].replace("_", " "), "number") for name in _numbers(rows)
    ]
    status = [Column("status", "status", "setting")] if _varies(rows, "status") else []
    return [*status, *settings, *numbers, Column("seconds", "seconds", "number")]


def telling(rows: Sequence[Row]) -> list[str]:
    """Fields that tell the runs apart: each parts runs that those before it do not; seeds last."""
    names = [name for name in frame.setting_names(rows) if name != "seed" and _varies(rows, name)]
    names = [*sorted(names, key=_depth), *(["seed"] if _varies(rows, "seed") else [])]
    kept = fields.telling(rows, names)
    return kept[: MOST_SETTINGS - 1] + (["seed"] if "seed" in kept[MOST_SETTINGS - 1 :] else [])


def choices(entries: Sequence[Entry], shown: Sequence[Column]) -> list[Choice]:
    """Offer filters for columns of settings with few values; the preset is the first column."""
    found = []
    presets = sorted({entry.preset for entry in entries})
    if len(presets) > 1:
        found.append(Choice(1, "preset", tuple(presets)))
    for place, column in enumerate(shown, start=2):
        values = {value(entry.row.get(column.field)) for entry in entries}
        if column.kind == "setting" and 1 < len(values) <= MOST_CHOICES:
            keys = {value(e.row.get(column.field)): e.row.get(column.field) for e in entries}
            found.append(
                Choice(place, column.head, tuple(sorted(values, key=lambda v: _order(keys[v]))))
            )
    return found


def cell(entry: Entry, column: Column) -> tuple[str, str]:
    """Text of a cell, and what it is sorted by."""
    held = entry.row.get(column.field)
    return value(held), sorting(held)


def _numbers(rows: Sequence[Row]) -> list[str]:
    """Metrics, then notes, that are numbers; first those that most runs have."""
    found: list[str] = []
    for part, most in (("metrics", MOST_METRICS), ("notes", MOST_NOTES)):
        names = [n for n in (rows[0] if rows else ()) if n.startswith(f"{part}.")]
        names = [n for n in names if n.count(".") == 1 and n not in _NOT_TOLD and _varies(rows, n)]
        counts = {n: sum(_is_number(row[n]) for row in rows) for n in names}
        told = [n for n in names if counts[n] >= max(1, len(rows) // 20)]
        found += sorted(told, key=lambda n: -counts[n])[:most]
    return found


def _is_number(held: object) -> bool:
    return isinstance(held, int | float) and not isinstance(held, bool)


def _varies(rows: Sequence[Row], name: str) -> bool:
    return len({repr(row.get(name)) for row in rows}) > 1


def _end(name: str) -> str:
    """Last part of a field's name, which stands for it where no other ends alike."""
    return fields.option(name).rpartition(".")[2].replace("_", " ")


def _depth(name: str) -> int:
    """How deep a field lies; the class of a value stands with the value."""
    return fields.option(name).count(".")


def _order(held: object) -> tuple[bool, float, str]:
    return (False, held, "") if isinstance(held, int | float) else (True, 0.0, str(held))
