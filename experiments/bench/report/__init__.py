"""The outputs of a card: the terminal, Markdown, LaTeX, figures, one page that opens offline.

All of them are made from a `Card` alone, and the same card gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path

from experiments.bench.cards import Card, to_json
from experiments.bench.report.terminal import show
from experiments.store import durable

__all__ = ["show", "write"]


def write(card: Card, folder: Path) -> list[Path]:
    """Write a card into a folder, in every format.

    Returns
    -------
    Paths of `card.json`, `card.md`, `card.tex` (input it; it needs booktabs), `card.html` (open it,
    no network needed), `card.pdf` and `card.png` (two columns of a paper), `card_column.pdf` and
    `card_column.png` (one), and `card.bib` with the papers of its models.
    """
    from experiments.bench.report.cite import bibtex
    from experiments.bench.report.figure import draw
    from experiments.bench.report.html import html
    from experiments.bench.report.latex import latex
    from experiments.bench.report.markdown import markdown

    durable.make_folder(folder)
    paths = []
    for ending, text in (
        ("json", to_json(card)),
        ("md", markdown(card)),
        ("tex", latex(card)),
        ("html", html(card)),
        ("bib", bibtex(card)),
    ):
        paths.append(folder / f"card.{ending}")
        durable.write_text(paths[-1], text)
    return [*paths, *draw(card, folder)]
