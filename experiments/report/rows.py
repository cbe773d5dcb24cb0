"""Rows of tables: selected, and put into groups, by the values of their fields."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from experiments.record import Record

Row = TypeVar("Row")
Key = TypeVar("Key", bound=Hashable)

Load = Callable[..., list[Record]]
"""What hands a study its records: from a preset, and where it has several files, one of them."""


def select(rows: Iterable[Row], **facts: object) -> list[Row]:
    """Keep the rows whose named fields have the given values."""
    return [row for row in rows if all(getattr(row, k) == v for k, v in facts.items())]


def grouped(rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, list[Row]]:
    """Put rows of one key together; keys and rows stay in the order in which they come."""
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups
