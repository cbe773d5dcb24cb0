"""A card on the terminal: the verdict first, then a table for each part."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from experiments.bench.cards import Card
from experiments.bench.report.grid import READING, Cell, Grid, grids
from experiments.bench.report.numbers import plain
from experiments.bench.report.verdict import verdict

_HEAD = 24  # columns of the terminal that heads of rows may take
_NAME = 16  # those of a name that is not broken
_WORDS = 16  # and those of a cell
_STYLES = {"ok": "green", "failed": "bold red", "skipped": "yellow"}
_STYLES |= {"possible": "green", "impossible": "red", "open": "yellow"}


def show(card: Card, console: Console) -> None:
    """Print a card; names are printed as they are, whatever markup they look like."""
    title = f"{card.model}: {card.preset}, width {card.width}, depth {card.depth}"
    console.print(Text(plain(title), style="bold"))
    for sentence in verdict(card):
        console.print(Text(sentence))
    for grid in grids(card, brief=True):
        console.print()
        console.print(Text(grid.title, style="bold underline"))
        for table in grid.split(_most(grid, console.width)):
            console.print(_table(table))
        for mark, note in grid.notes:
            console.print(Text(f"{mark}  {note}", style="dim"))
    console.print()
    console.print(Text(READING, style="dim"))


def _most(grid: Grid, width: int) -> int:
    """Count the models that fit beside one another; a cell that is wide may be broken."""
    labels = [grid.metric, *(row.head for row in grid.rows), *map(grid.label, grid.rows)]
    cells = [_cell(cell).plain.splitlines() for row in grid.rows for cell in row.cells]
    names = [model[:_NAME] for model in grid.models]
    widest = max(map(len, [*names, *(line for lines in cells for line in lines)]))
    room = width - min(max(map(len, labels)), _HEAD) - 2
    return max(room // (min(widest, _WORDS) + 2), 2)


def _table(grid: Grid) -> Table:
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(Text(grid.metric or "measured"), max_width=_HEAD, overflow="fold")
    for place, model in enumerate(grid.models):
        style = "cyan" if place == 0 else ""
        table.add_column(Text(model), justify="right", overflow="fold", style=style)
    for item, rows in grid.items():
        if len(rows) == 1:
            table.add_row(Text(grid.label(rows[0])), *map(_cell, rows[0].cells))
            continue
        table.add_row(Text(item, style="bold"))
        for row in rows:
            table.add_row(Text(f"  {row.head}"), *map(_cell, row.cells))
    return table


def _cell(cell: Cell) -> Text:
    """Value and runs, then the interval on a line of its own."""
    said = cell.shown
    style = "bold" if cell.best else _STYLES.get(said.value.split(" ")[0].rstrip(":,;"), "")
    text = Text(said.value, style=style)
    if cell.mark:
        text.append(f" {cell.mark}", style="dim italic")
    if said.count:
        text.append(f", {said.count}", style="dim")
    if said.interval:
        text.append(f"\n{said.interval}", style="dim")
    return text
