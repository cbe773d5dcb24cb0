"""Integrals by weights set by hand, as a section of the toy study's table."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.claim import verdict_table
from experiments.record import Record
from experiments.report import origins
from experiments.report.markdown import markdown
from experiments.report.rows import grouped
from experiments.toy.representable_cells import IntegralRow, integral_rows
from experiments.toy.representable_claims import CLAIMS

_LABEL = {2: "S12", 3: "S123"}


def section(records: Sequence[Record]) -> list[str]:
    """Markdown parts; none without records."""
    if not records:
        return []
    return [
        "## What the bare S6 can integrate, set by hand",
        "RMSE / RMSE of predicting zero of one layer and of two, without activation, whose weights "
        "are set by hand. *Exact*: up to rounding. *Limit*: the error falls in proportion to a "
        "small parameter of the weights; the value is that of its best choice. *None known* is no "
        "proof that there is none. Paths begin at zero.",
        _design(integral_rows(records)),
        "## Where the integrals set by hand come from",
        origins.table(records),
        "## Claims on integrals set by hand",
        verdict_table(CLAIMS, records),
    ]


def _design(rows: Sequence[IntegralRow]) -> str:
    columns = sorted({(row.channels, row.length, row.depth) for row in rows})
    lines = []
    for name, held in grouped(rows, lambda row: row.name).items():
        cells = {(row.channels, row.length, row.depth): _cell(row) for row in held}
        lines.append([name, *(cells.get(column, "") for column in columns)])
    header = [f"{_LABEL[d]}, length {n}, depth {depth}" for d, n, depth in columns]
    return markdown(["fed, read out, C", *header], lines)


def _cell(row: IntegralRow) -> str:
    return row.kind if row.best is None else f"{row.kind}, {row.best:.0e}"
