"""What the benchmarks measured of a model: contenders beside ours, from their committed records."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from experiments.report.rows import grouped
from experiments.site.words import number, plain
from experiments.store import stored
from experiments.study import ROOT

RECORDS = ROOT.parent / "benchmarks" / "records"

Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """A table of one benchmark: what was measured, on which machine, and in which file."""

    title: str
    machine: str
    file: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def of(titles: Sequence[str]) -> list[Table]:
    """Find the tables whose titles begin with one of these."""
    chosen = tuple(titles)
    return [table for table in _tables() if chosen and _fits(table.title, chosen)]


def _fits(title: str, chosen: Sequence[str]) -> bool:
    return any(
        title == name
        or title.startswith((f"{name} ", f"{name},"))
        or (len(name) > 5 and title.startswith(name))
        for name in chosen
    )


@functools.cache
def _tables() -> list[Table]:
    found: list[Table] = []
    for path in sorted(RECORDS.glob("*.json")):
        held = stored.read_json(path)
        rows = [row for row in held["rows"] if isinstance(row, dict)]
        made = [
            *_compared([row for row in rows if "table" in row and "seconds" in row]),
            *_devices([row for row in rows if "title" in row and "ms" in row]),
            *_layers([row for row in rows if "layer" in row and "seconds" in row]),
        ]
        machine = plain(str(held.get("machine", "")).partition(", Linux")[0])
        found += [Table(plain(title), machine, path.name, head, rows) for title, head, rows in made]
    return found


_Made = list[tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]]]


def _compared(rows: list[Row]) -> _Made:
    """Contenders beside ours, the first: median seconds, and how many times as long as ours."""
    head = ("contender", "ms", "time / ours", "extra MiB")
    return [
        (
            title,
            head,
            tuple(
                (
                    plain(row["label"]),
                    number(1000 * median(row["seconds"])),
                    number(median(row["seconds"]) / median(held[0]["seconds"])),
                    number(row["extra"] / 2**20),
                )
                for row in held
            ),
        )
        for title, held in grouped(rows, lambda row: row["table"]).items()
    ]


def _devices(rows: list[Row]) -> _Made:
    head = ("contender", "ms")
    return [
        (title, head, tuple((plain(r["contender"]), number(median(r["ms"]))) for r in held))
        for title, held in grouped(rows, lambda row: row["title"]).items()
    ]


def _layers(rows: list[Row]) -> _Made:
    """One layer, token by token and on whole sequences of growing length."""
    head = ("length", "framework", "forward or step", "ms")
    return [
        (
            f"{layer}, one layer at inference",
            head,
            tuple(
                (f"{r['length']:,}", r["framework"], r["mode"], number(1000 * median(r["seconds"])))
                for r in held
            ),
        )
        for layer, held in grouped(rows, lambda row: row["layer"]).items()
    ]
