"""A card in Markdown, as it reads on a page of a repository."""

from __future__ import annotations

import re

from experiments.bench.cards import Card
from experiments.bench.report import cite
from experiments.bench.report.grid import READING, Cell, Grid, grids
from experiments.bench.report.numbers import plain
from experiments.bench.report.verdict import verdict

_SIGNS = re.compile(r"[\\`*<>\[\]|~$#]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")


def markdown(card: Card) -> str:
    """Write a card: title, verdict, how to read it, a table for each part, facts, citation."""
    facts = [f"- {escaped(name)}: {_code(text)}" for name, text in card.facts]
    size = f"Preset {escaped(card.preset)}, width {card.width}, depth {card.depth}"
    parts = [
        f"# {escaped(card.model)} on the bench",
        f"{size}; baselines agree with it in {escaped(card.match)}.",
        *(escaped(sentence) for sentence in verdict(card)),
        READING,
        *(part for grid in grids(card) for part in _section(grid)),
        *(["## How this card was made", "\n".join(facts)] if facts else []),
        "## How to cite it",
        "\n".join(["```bibtex", *cite.own(card), "```"]),
    ]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Escape text, so that Markdown shows every character; underscores inside words need none."""
    return _SIGNS.sub(lambda found: "\\" + found[0], plain(text))


def _section(grid: Grid) -> list[str]:
    head = ["item", "measured", *map(escaped, grid.models)]
    align = ["---", "---", *["---:"] * len(grid.models)]
    body = [[escaped(row.item), escaped(row.head), *map(written, row.cells)] for row in grid.rows]
    table = "\n".join("| " + " | ".join(line) + " |" for line in (head, align, *body))
    notes = "\n".join(f"- <sup>{mark}</sup> {escaped(note)}" for mark, note in grid.notes)
    return [f"## {escaped(grid.title)}", table, *([notes] if notes else [])]


def written(cell: Cell) -> str:
    """Write a cell: bold where it is clearly the best, with the mark of its note."""
    said = escaped(cell.shown.text)
    said = f"**{said}**" if cell.best else said
    return f"{said} <sup>{cell.mark}</sup>" if cell.mark else said


def _code(text: str) -> str:
    """Quote a text as code, by more backticks than stand in it."""
    text = plain(text)
    ticks = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{space}{text}{space}{ticks}" if text else ""
