"""Records as a flat table: one row per run, all with equal columns."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from seqtheory.plain import described

if TYPE_CHECKING:
    from experiments.record import Record

Row = dict[str, Any]
Format = Literal["csv", "parquet"]
FACTS = ("study", "hash", "status", "seconds")
"""Columns before the settings: study, hash, status and wall time of the run."""


def table(records: Iterable[Record]) -> list[Row]:
    """Turn records into rows with equal columns."""
    rows = [_row(held) for held in records]
    columns: dict[str, None] = {}
    for row in sorted(rows, key=lambda row: row["study"]):
        columns |= dict.fromkeys(row)
    order = [*FACTS, *(name for part in _PARTS for name in columns if _part(name) == part)]
    return [{name: row.get(name) for name in order} for row in rows]


_PARTS = ("", "metrics", "notes")


def written(rows: Sequence[Row], form: Format) -> bytes:
    """Write rows as CSV or Parquet; in CSV, values other than numbers and texts are JSON.

    Raises
    ------
    ImportError
        If pyarrow, of the extra ``parquet``, is missing for Parquet.
    """
    if form == "parquet":
        return _parquet(rows)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows([{name: _flat(value) for name, value in row.items()} for row in rows])
    return buffer.getvalue().encode()


def _parquet(rows: Sequence[Row]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        kinds = {float if type(v) is int else type(v) for v in values if v is not None}
        mixed = len(kinds) > 1 or bool(kinds & {tuple, list, dict})
        columns[name] = [_flat(value) for value in values] if mixed else values
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def _flat(value: Any) -> Any:
    """Return numbers, texts and None unchanged, and other values as JSON."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return json.dumps(value, default=str)


def setting_names(rows: Sequence[Row]) -> list[str]:
    """Columns that hold settings."""
    names = rows[0] if rows else ()
    return [name for name in names if _part(name) == "" and name not in FACTS]


def _part(name: str) -> str | None:
    if name in FACTS:
        return None
    head = name.partition(".")[0]
    return head if head in _PARTS else ""


def _row(held: Record) -> Row:
    last = held.metrics[-1] if held.metrics else {}
    return {
        "study": held.study,
        "hash": held.hash,
        "status": held.status,
        "seconds": held.provenance.get("wall_seconds"),
        **{name: value for name, value in leaves(described(held.run)) if name != "type"},
        **dict(leaves(last, "metrics")),
        **dict(leaves(held.notes, "notes")),
    }


def leaves(value: Any, name: str = "") -> list[tuple[str, Any]]:
    """List the innermost values of nested dictionaries, each with its dotted name."""
    if not isinstance(value, dict):
        return [(name, value)]
    prefix = f"{name}." if name else ""
    return [leaf for key, item in value.items() for leaf in leaves(item, f"{prefix}{key}")]
