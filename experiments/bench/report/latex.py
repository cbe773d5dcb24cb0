r"""A card in LaTeX: tables that need ``\usepackage{booktabs}`` and nothing else.

They span both columns of a paper. Columns have widths in parts of ``\textwidth``, texts break
inside them, and long words break between letters, so no table is wider than the page; a table of
many models, or of many rows, becomes several.
"""

from __future__ import annotations

import re
from dataclasses import replace
from math import ceil

from experiments.bench.cards import Card
from experiments.bench.report.grid import Cell, Grid, Row, grids
from experiments.bench.report.numbers import plain
from experiments.bench.report.verdict import verdict
from experiments.report.latex import escaped

_MODELS = 5  # in one table
_LINES = 48  # of one table, as far as they can be foreseen
_NOTE = 100  # letters in a line of notes
_HEAD = 0.24  # of the text's width, for heads of rows
_PIECE = 8  # letters between places to break in a word that is longer than
_LONGEST = 12
_LETTER = 0.0105  # width of a letter over that of the text, generously
_READING = (
    r" Brackets: least and most of $n$ runs, or 95\,\% by Wilson for $k$ of $n$ runs; arrows: what "
    r"is better; bold: best, clear of all others."
)


def latex(card: Card) -> str:
    r"""Write a card as ``table*`` environments, to be read by ``\input``."""
    said = [f"{card.model} on the bench: {card.preset}, width {card.width}, depth {card.depth}"]
    head = [rf"% {escaped(plain(line))}" for line in [*said, *verdict(card)]]
    head += [
        r"% Needs \usepackage{booktabs}. Bold: the best, where its interval is clear of others.",
        r"% Figures: card_column.pdf is as wide as a column (3.25 in), card.pdf as two (6.75 in).",
    ]
    tables = [
        _table(card, part, continued=place > 0)
        for grid in grids(card, brief=True)
        for place, part in enumerate(_pages(grid))
    ]
    return "\n\n".join(["\n".join(head), *tables]) + "\n"


def _pages(grid: Grid) -> list[Grid]:
    """Split a table by models, then by rows."""
    return [page for part in grid.split(_MODELS) for page in _rows(part)]


def _rows(grid: Grid) -> list[Grid]:
    """Split a table by rows, so that its lines and those of its notes fit a page."""
    notes = dict(grid.notes)
    pages: list[list[Row]] = [[]]
    used, marks = 0.0, set[str]()
    for row in grid.rows:
        new = {cell.mark for cell in row.cells if cell.mark} - marks
        lines = _height(row, len(grid.models)) + sum(len(notes[m]) + 4 for m in new) / _NOTE
        if used + lines > _LINES and pages[-1]:
            pages.append([])
            used, marks = 0.0, set()
        pages[-1].append(row)
        used += lines
        marks |= new
    return [replace(grid, rows=tuple(rows), notes=_notes(grid, rows)) for rows in pages]


def _notes(grid: Grid, rows: list[Row]) -> tuple[tuple[str, str], ...]:
    used = {cell.mark for row in rows for cell in row.cells}
    return tuple(note for note in grid.notes if note[0] in used)


def _height(row: Row, models: int) -> float:
    """Lines of a row, by the number of letters; half a line is for the row of its item."""
    letters = _width(models) / _LETTER
    head = ceil(len(row.head) * _LETTER / _HEAD)
    cells = [
        ceil((len(c.shown.value) + len(c.shown.count)) / letters) + bool(c.shown.interval)
        for c in row.cells
    ]
    return max(head, *cells) + 0.5


def _width(models: int) -> float:
    """Width of a model's column: the rest of the text's, less what lies between columns."""
    return (1 - _HEAD) / models - 0.018


def _table(card: Card, grid: Grid, *, continued: bool) -> str:
    columns = rf"p{{{_HEAD - 0.01:.3f}\textwidth}}"
    columns += rf"*{{{len(grid.models)}}}{{p{{{_width(len(grid.models)):.3f}\textwidth}}}}"
    head = [_ragged(_broken(grid.metric)), *(_ragged(_broken(model)) for model in grid.models)]
    size = f"Preset {card.preset}, width {card.width}, depth {card.depth}."
    more = " (continued)" if continued else ""
    counted = any(cell.shown.interval or cell.shown.count for r in grid.rows for cell in r.cells)
    lines = [
        r"\begin{table*}",
        r"\centering\footnotesize",
        r"\setlength{\tabcolsep}{3pt}",
        rf"\caption{{{_broken(grid.title)}{more}. {_broken(size)}{_READING if counted else ''}}}",
        r"\vskip 4pt",
        rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
        r"\toprule",
        _line(head),
        r"\midrule",
        *_body(grid),
        r"\bottomrule",
        r"\end{tabular}",
        *_legend(grid),
        r"\end{table*}",
    ]
    return "\n".join(lines)


def _body(grid: Grid) -> list[str]:
    lines = []
    for place, (item, rows) in enumerate(grid.items()):
        if place and len(rows) > 1:
            lines.append(r"\addlinespace")
        if len(rows) == 1:
            lines.append(_row(grid.label(rows[0]), rows[0].cells))
            continue
        span = len(grid.models) + 1
        said = rf"\raggedright\emph{{{_broken(item)}}}"
        lines.append(
            rf"\multicolumn{{{span}}}{{@{{}}p{{0.98\textwidth}}@{{}}}}{{{said}}} \tabularnewline"
        )
        lines += [_row(row.head, row.cells) for row in rows]
    return lines


def _row(head: str, cells: tuple[Cell, ...]) -> str:
    return _line([_ragged(_broken(head)), *(_ragged(_cell(cell)) for cell in cells)])


def _cell(cell: Cell) -> str:
    """Value and runs, then the interval on a line of its own."""
    said = _broken(cell.shown.value)
    said = rf"\textbf{{{said}}}" if cell.best else said
    if cell.mark:
        said += rf"\textsuperscript{{{cell.mark}}}"
    if cell.shown.count:
        said += rf" {{\scriptsize {escaped(cell.shown.count)}}}"
    if cell.shown.interval:
        said += rf"\newline{{\scriptsize {escaped(cell.shown.interval)}}}"
    return said


def _legend(grid: Grid) -> list[str]:
    """Write the notes below a table, one behind the other."""
    if not grid.notes:
        return []
    notes = [rf"\textsuperscript{{{mark}}}~{_broken(note)}" for mark, note in grid.notes]
    text = "; ".join(notes) + "."
    return [r"\par\smallskip", rf"\parbox{{\textwidth}}{{\raggedright\scriptsize {text}}}"]


def _ragged(text: str) -> str:
    return rf"\raggedright\hspace{{0pt}}{text}" if text else ""


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \tabularnewline"


def _broken(text: str) -> str:
    """Escape a text, with places to break it in words that are longer than a column may bear."""
    words = [
        r"\hspace{0pt}".join(map(escaped, _pieces(word))) for word in re.split(r"\s+", plain(text))
    ]
    return " ".join(words)


def _pieces(word: str) -> list[str]:
    """Cut a long word behind its signs and before its capitals, and what is still long anywhere."""
    if len(word) <= _LONGEST:
        return [word]
    found = []
    for part in filter(None, re.split(r"(?<=[a-z])(?=[A-Z])|(?<=[\W_])", word)):
        step = _PIECE if len(part) > _LONGEST else len(part)
        found += [part[k : k + step] for k in range(0, len(part), step)]
    return found
