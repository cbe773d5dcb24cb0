"""Selection of table rows by the values of their fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

Row = TypeVar("Row")


def select(rows: Iterable[Row], **facts: object) -> list[Row]:
    """Keep the rows whose named fields have the given values."""
    return [row for row in rows if all(getattr(row, k) == v for k, v in facts.items())]
