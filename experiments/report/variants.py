"""Runs of one cell of a table that differ in more than their seed, told apart by their settings.

A study's cell is named by a few fields of its runs, and averages over seeds. Where ``--set`` gave
a field that is not among them several values, the cell becomes one for each value.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from experiments.claim import Claim, Judge, Verdict
from experiments.exit_code import ConfigError
from experiments.fields import leaves, option
from experiments.record import Record
from experiments.report.rows import grouped
from seqtheory.plain import described

CellOf = Callable[[Record], Hashable]
"""Function that gives the cell of a finished record."""

_MOST_SHOWN = 4


def variants(records: Sequence[Record], cell: CellOf) -> list[str]:
    """Name, of each record, the settings that tell it from others of its cell.

    Parameters
    ----------
    records
        Finished records.
    cell
        Gives the cell that a record would share with those of other seeds.

    Returns
    -------
    list of str
        "training.learning_rate 0.001", or the empty text for all records if runs of one cell differ
        in nothing but their seed. The names of all records have the same fields, so that rows of
        one setting bear one name in all cells.
    """
    settings = [dict(leaves(described(record.run))) for record in records]
    pairs = zip(records, settings, strict=True)
    groups = grouped(pairs, lambda pair: cell(pair[0])).values()
    fields = dict.fromkeys(name for group in groups for name in _differing([s for _, s in group]))
    return [
        ", ".join(f"{option(name)} {_said(held, name)}" for name in fields) for held in settings
    ]


def named(records: Iterable[Record], cell: CellOf) -> list[tuple[str, Record]]:
    """Pair every record with the name of its variant."""
    held = list(records)
    return list(zip(variants(held, cell), held, strict=True))


def labelled(name: str, variant: str) -> str:
    """Put the name of a variant, if there is one, behind another name."""
    return f"{name}, {variant}" if variant else name


def require_one_setting(records: Iterable[Record], cell: CellOf) -> None:
    """Raise unless runs of one cell differ in their seed alone.

    Raises
    ------
    ConfigError
        If they differ in other fields; the message names these and their values.
    """
    if said := _mixture(records, cell):
        raise ConfigError(said)


def of_one_setting(claims: Iterable[Claim], cell: CellOf) -> tuple[Claim, ...]:
    """Leave claims undecided, with the reason, where runs of one cell differ in their settings."""
    return tuple(replace(claim, judge=_guarded(claim.judge, cell)) for claim in claims)


def _guarded(judge: Judge, cell: CellOf) -> Judge:
    def guarded(records: Sequence[Record]) -> Verdict:
        said = _mixture((record for record in records if record.finished), cell)
        return Verdict("undecided", said) if said else judge(records)

    return guarded


def _mixture(records: Iterable[Record], cell: CellOf) -> str:
    """Say what runs of one cell differ in; empty if in their seed alone."""
    found = [name for name in dict.fromkeys(variants(list(records), cell)) if name]
    if not found:
        return ""
    more = "; ..." if len(found) > _MOST_SHOWN else ""
    return (
        f"runs of one cell differ in more than their seed: {'; '.join(found[:_MOST_SHOWN])}{more}; "
        "expected one value of each field; give one by --set or --only"
    )


def _differing(settings: Sequence[dict[str, Any]]) -> list[str]:
    """Fields other than the seed whose values are not all equal."""
    names = dict.fromkeys(name for held in settings for name in held if name != "seed")
    return [name for name in names if len({_said(held, name) for held in settings}) > 1]


def _said(settings: dict[str, Any], name: str) -> str:
    value = settings.get(name)
    return f"{value:g}" if isinstance(value, float) else str(value)
