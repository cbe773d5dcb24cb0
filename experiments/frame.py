"""Records as a flat table: one row per run, all with equal columns."""

from __future__ import annotations

import csv
import importlib
import io
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from experiments.exit_code import ConfigError
from experiments.fields import leaves
from experiments.record import encode
from seqtheory.plain import described

if TYPE_CHECKING:
    from experiments.record import Record

Row = dict[str, Any]
Format = Literal["csv", "parquet"]
Library = Literal["pandas", "polars"]
FACTS = ("study", "hash", "status", "seconds")
"""Columns before the settings: study, hash, status and wall time of the run."""
_PARTS = ("", "metrics", "notes", "provenance")
_LEFT_OUT = ("source", "origin", "sessions", "study", "seed", "wall_seconds")
"""Parts of a provenance that are no columns: digests of every file, and what other columns say."""
_SCALARS = (bool, int, float, str)
_LARGEST = 2**63


class Rows(list[Row]):
    """Rows with equal columns: a list of dictionaries that can become a data frame."""

    def to_frame(self, library: Library = "pandas") -> Any:
        """Make a data frame.

        Parameters
        ----------
        library
            ``pandas`` or ``polars``, which must be installed.

        Returns
        -------
        pandas.DataFrame or polars.DataFrame
            One row per run. Columns of one type keep it, integers beside floats become floats, and
            in other columns, such as those of lists, what is no text is JSON.

        Raises
        ------
        ConfigError
            If `library` is neither of the two.
        ImportError
            If it is not installed; the message says how to install it.
        """
        if library not in ("pandas", "polars"):
            raise ConfigError(f"to_frame: got {library!r}, expected 'pandas' or 'polars'")
        return _imported(library, library).DataFrame(columns(self))


def table(records: Iterable[Record], *, provenance: bool = False) -> Rows:
    """Turn records into rows with equal columns.

    Parameters
    ----------
    records
        The records.
    provenance
        Whether commit, versions, hardware and times are columns too.
    """
    rows = [_row(held, provenance=provenance) for held in records]
    names: dict[str, None] = {}
    for row in sorted(rows, key=lambda row: row["study"]):
        names |= dict.fromkeys(row)
    order = [*FACTS, *(name for part in _PARTS for name in names if _part(name) == part)]
    return Rows({name: row.get(name) for name in order} for row in rows)


def logged(records: Iterable[Record]) -> Rows:
    """Turn records into one row for each logged line: hash of the run, then what was logged."""
    rows = [{"hash": held.hash, **dict(leaves(line))} for held in records for line in held.metrics]
    names = dict.fromkeys(name for row in rows for name in row)
    return Rows({name: row.get(name) for name in names} for row in rows)


def written(rows: Sequence[Row], form: Format) -> bytes:
    """Write rows as CSV or Parquet; in CSV, values other than numbers and texts are JSON.

    Raises
    ------
    ImportError
        If pyarrow, of the extra ``parquet``, is missing for Parquet.
    """
    if form == "parquet":
        return _parquet(rows)
    buffer = _Lines()
    writer = csv.DictWriter(buffer, list(rows[0]))
    writer.writeheader()
    writer.writerows([{name: _flat(value) for name, value in row.items()} for row in rows])
    return buffer.getvalue().encode()


class _Lines(io.StringIO):
    r"""Ends lines by ``\n``; the writer ends them by ``\r\n``, and so quotes a text with either."""

    def write(self, text: str, /) -> int:
        return super().write(text.removesuffix("\r\n") + "\n")


def _parquet(rows: Sequence[Row]) -> bytes:
    pyarrow = _imported("pyarrow", "parquet")
    parquet = _imported("pyarrow.parquet", "parquet")
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table(columns(rows)), buffer)
    return buffer.getvalue()


def columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Give every column by its name, its values None or of one type: bool, int, float or text."""
    return {name: _column([row[name] for row in rows]) for name in (rows[0] if rows else ())}


def _column(values: list[Any]) -> list[Any]:
    held = [value for value in values if value is not None]
    kinds = {type(value) for value in held}
    fits = all(-_LARGEST <= value < _LARGEST for value in held if type(value) is int)
    if fits and kinds == {int, float} and all(map(_is_float, held)):
        return [value if value is None else float(value) for value in values]
    if fits and len(kinds) < 2 and kinds <= {*_SCALARS}:
        return values
    return [v if v is None or isinstance(v, str) else _json(v) for v in values]


def _is_float(value: float) -> bool:
    """Whether a number is the same as a float; NaN is one."""
    return float(value) == value or value != value


def _imported(name: str, extra: str) -> Any:
    """Import an optional package; the error says which one, and how it is installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{name} is needed here and not installed: run `uv sync --package experiments "
            f"--extra {extra}`, or `pip install {name}`",
            name=error.name,
        ) from error


def _flat(value: Any) -> Any:
    """Return numbers, texts and None unchanged, and other values as JSON."""
    return value if value is None or isinstance(value, _SCALARS) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(encode(value), allow_nan=False)


def setting_names(rows: Sequence[Row]) -> list[str]:
    """Columns that hold settings."""
    names = rows[0] if rows else ()
    return [name for name in names if _part(name) == "" and name not in FACTS]


def _part(name: str) -> str | None:
    if name in FACTS:
        return None
    head = name.partition(".")[0]
    return head if head in _PARTS else ""


def _row(held: Record, *, provenance: bool) -> Row:
    last = held.metrics[-1] if held.metrics else {}
    made = leaves(_made(held.provenance), "provenance") if provenance else ()
    return {
        "study": held.study,
        "hash": held.hash,
        "status": held.status,
        "seconds": held.provenance.get("wall_seconds"),
        **{name: value for name, value in leaves(_settings(held)) if name != "type"},
        **dict(leaves(last, "metrics")),
        **dict(leaves(held.notes, "notes")),
        **dict(made),
    }


def _made(provenance: dict[str, Any]) -> dict[str, Any]:
    """Keep the facts about how a run was made, with the times of its first and last session."""
    facts = {name: value for name, value in provenance.items() if name not in _LEFT_OUT}
    if sessions := provenance.get("sessions"):
        facts |= {"start": sessions[0]["start"], "end": sessions[-1]["end"]}
    return facts


def _settings(held: Record) -> dict[str, Any]:
    """Give a run's settings, as its record has them where its study of that version is not here."""
    try:
        return described(held.run)
    except ConfigError:
        return held.description["run"]
