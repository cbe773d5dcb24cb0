"""Selection and grouping of table rows by the values of their fields."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from experiments.record import Record

Row = TypeVar("Row")
Key = TypeVar("Key", bound=Hashable)

Load = Callable[..., list[Record]]
"""Function that gives a study the records of a preset, and of one of its files."""


def joined(load: Load, parts: Iterable[tuple[str | None, str]]) -> list[Record]:
    """Load pairs of preset and file, in their order; a run of several of them comes once."""
    found = (record for preset, file in parts for record in load(preset, file))
    return list({record.path: record for record in found}.values())


def select(rows: Iterable[Row], **facts: object) -> list[Row]:
    """Keep the rows whose named fields have the given values."""
    return [row for row in rows if all(getattr(row, k) == v for k, v in facts.items())]


def grouped(rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, list[Row]]:
    """Group rows by key; keys and rows keep their order of first appearance."""
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups
