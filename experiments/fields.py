"""Fields of runs by their dotted names: listed, as options take them, and which tell runs apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def leaves(value: Any, name: str = "") -> list[tuple[str, Any]]:
    """List the innermost values of nested dictionaries, each with its dotted name."""
    if not isinstance(value, dict):
        return [(name, value)]
    prefix = f"{name}." if name else ""
    return [leaf for key, item in value.items() for leaf in leaves(item, f"{prefix}{key}")]


def option(name: str) -> str:
    """Name a field as ``--only`` takes it: a kind bears the name of its owner, ``kernel``."""
    return name.removesuffix(".type")


def telling(rows: Sequence[Mapping[str, Any]], names: Iterable[str]) -> list[str]:
    """Keep those of the fields that divide the rows further than the fields before them do.

    The work grows linearly with the number of rows. A row that lacks a field counts as None.
    """
    kept: list[str] = []
    marks = [0] * len(rows)
    groups = 1
    for name in names:
        finer = [(mark, repr(row.get(name))) for mark, row in zip(marks, rows, strict=True)]
        numbered = {mark: place for place, mark in enumerate(dict.fromkeys(finer))}
        if len(numbered) > groups:  # otherwise the fields kept so far decide it
            kept.append(name)
            marks, groups = [numbered[mark] for mark in finer], len(numbered)
    return kept
