"""All models of the bench in one table for each metric: a row for a model, a column for an item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from experiments.bench.assembly import side_by_side
from experiments.bench.report.grid import READING, Grid, Row, grids
from experiments.bench.report.markdown import escaped, written
from experiments.report import origins
from experiments.report.markdown import markdown
from experiments.report.rows import grouped

if TYPE_CHECKING:
    from experiments.report.rows import Load


def table(load: Load, preset: str | None) -> str:
    """Markdown: a section for each part, and where the numbers come from."""
    found = load(preset, "measurements")
    made = [READING.replace("; the best is bold only", ", and the best is bold only")]
    for grid in grids(side_by_side(found, preset)):
        made += [
            f"## {escaped(grid.title)}",
            *(_kept(grid) if grid.part == "contract" else _tables(grid)),
        ]
    made += ["## Where the numbers come from", origins.table(found)]
    return "\n\n".join(made) + "\n"


def _kept(grid: Grid) -> list[str]:
    """Give the contract in few words: points kept, and what was seen at the others."""
    rows = []
    for place, model in enumerate(grid.models):
        cells = {row.item: row.cells[place].measurement for row in grid.rows}
        said = {item: cell for item, cell in cells.items() if cell is not None}
        broken = [f"{item}: {m.note}" for item, m in said.items() if m.value == "failed"]
        skipped = [f"{item}: {m.note}" for item, m in said.items() if m.value == "skipped"]
        kept = sum(m.value == "ok" for m in said.values())
        if said:
            words = ["; ".join(texts) or "none" for texts in (broken, skipped)]
            rows.append([model, f"{kept} of {len(said)}", *words])
    return [markdown(["model", "kept", "broken", "not judged"], rows)]


def _tables(grid: Grid) -> list[str]:
    """One table for each metric, or one for all where each has a single item."""
    metrics = list(grouped(grid.rows, lambda row: row.head).items())
    if all(len(rows) == 1 for _, rows in metrics):
        made = [_models(grid, [rows[0] for _, rows in metrics], heads=True)]
    else:
        made = []
        for head, rows in metrics:
            made += [f"**{escaped(head)}**", _models(grid, rows, heads=False)]
    notes = [f"- <sup>{mark}</sup> {escaped(note)}" for mark, note in grid.notes]
    return [*made, *(["\n".join(notes)] if notes else [])]


def _models(grid: Grid, rows: Sequence[Row], *, heads: bool) -> str:
    columns = [escaped(row.head if heads else row.item) for row in rows]
    lines = []
    for place, model in enumerate(grid.models):
        cells = [row.cells[place] for row in rows]
        if any(cell.measurement is not None for cell in cells):
            lines.append([escaped(model), *(written(cell) for cell in cells)])
    return markdown(["model", *columns], lines)
