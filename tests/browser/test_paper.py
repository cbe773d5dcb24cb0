"""A card's tables and figures in a paper: compiled by LaTeX, within its columns, readable."""

from __future__ import annotations

import re
import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import made_cards
import pytest

from experiments.bench.cards import Card
from experiments.bench.report import figure
from experiments.bench.report.latex import latex
from experiments.bench.report.pen import SMALLEST

CARDS: dict[str, Callable[[], Card]] = {
    "three": made_cards.card,
    "twelve": lambda: made_cards.card(baselines=made_cards.TWELVE),
    "odd": lambda: made_cards.card(made_cards.ODD[0], made_cards.ODD[1:]),
    "alone": lambda: made_cards.card(baselines=()),
}
LAYOUTS = {
    "article": "",  # 410 pt of text
    "conference": r"\setlength{\textwidth}{6.75in}\setlength{\columnwidth}{3.25in}"
    r"\setlength{\oddsidemargin}{-0.1in}",
}
DOCUMENT = r"""\documentclass[twocolumn]{article}
\usepackage{booktabs}
\usepackage{graphicx}
%s
\begin{document}
Some words of a paper.
\input{card}
%s
\end{document}
"""
FIGURES = r"""\begin{figure}\includegraphics{card_column}\end{figure}
\begin{figure*}\includegraphics{card}\end{figure*}"""


def compiled(folder: Path, text: str) -> str:
    """Compile a text and return the log."""
    if shutil.which("pdflatex") is None:
        pytest.fail(
            "got no pdflatex, expected one: apt-get install texlive-latex-base "
            "texlive-latex-recommended"
        )
    (folder / "paper.tex").write_text(text, encoding="utf-8")
    command = ("pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex")
    run = subprocess.run(command, cwd=folder, capture_output=True, timeout=300, check=False)
    log = (folder / "paper.log").read_text(encoding="latin-1")
    assert run.returncode == 0, log[-2000:]
    return log


def faults(log: str) -> list[str]:
    """Boxes more than 5 pt too wide, floats that fit no page, and what is not defined."""
    wide = re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\)[^\n]*", log)
    others = re.findall(r"(?:Float too large|LaTeX Warning: (?!Label)|undefined)[^\n]*", log)
    return [f"{width} pt too wide" for width in wide if float(width) > 5] + others


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", CARDS)
def test_tables_compile_within_the_columns(tmp_path, name, layout):
    (tmp_path / "card.tex").write_text(latex(CARDS[name]()), encoding="utf-8")
    assert faults(compiled(tmp_path, DOCUMENT % (LAYOUTS[layout], ""))) == []


def test_the_check_for_faults_sees_them(tmp_path):
    (tmp_path / "card.tex").write_text(r"\noindent\rule{9in}{1pt}", encoding="utf-8")
    assert len(faults(compiled(tmp_path, DOCUMENT % ("", "")))) == 1


def sizes(pdf: bytes) -> set[float]:
    """Sizes of the letters in a PDF, by its text operators."""
    found = set()
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            content = zlib.decompress(stream)
        except zlib.error:
            continue
        found |= {float(size) for size in re.findall(rb"/F\d+ ([\d.]+) Tf", content)}
    return found


def test_figures_have_the_width_of_a_column_and_letters_to_read(tmp_path):
    card = CARDS["twelve"]()
    (tmp_path / "card.tex").write_text("", encoding="utf-8")
    figure.draw(card, tmp_path)
    for name in figure.NAMES.values():
        found = sizes((tmp_path / f"{name}.pdf").read_bytes())
        assert found
        assert min(found) >= SMALLEST - 0.5
    assert faults(compiled(tmp_path, DOCUMENT % (LAYOUTS["conference"], FIGURES))) == []
