"""Figures for one column of a page: all that is written lies within them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from written import written_outside

from experiments.commands import contract
from experiments.commands.loader import Loader
from experiments.report import style
from experiments.report.arrange import rearranged
from experiments.selection import Selection
from experiments.study import ROOT

PAGE = style.Page(style.COLUMN, 7.0)
STUDIES = [
    *(("toy", None), ("toy", "structures"), ("a5", None), ("lra", None)),
    *(("memory", None), ("stability", None), ("tracking", None)),
]


@pytest.fixture
def outside(monkeypatch: Any) -> dict[str, list[str]]:
    """Instead of files: what each figure writes outside itself."""
    found: dict[str, list[str]] = {}

    def look(figure: Figure, folder: Path, name: str) -> list[Path]:
        style.fit(figure, style.COLUMN)
        found[name] = list(written_outside(figure))
        return []

    monkeypatch.setattr(style, "save", look)
    return found


@pytest.mark.parametrize(("study", "preset"), STUDIES)
def test_nothing_is_written_outside_a_figure_of_one_column(study, preset, outside, tmp_path):
    loader = Loader(
        ROOT / study, Selection(study=study, preset=preset, results=tmp_path), quiet=True
    )
    with style.page(PAGE):
        contract.member(ROOT / study, "figure", "draw")(loader, preset, tmp_path)
    assert outside
    assert not {name: held for name, held in outside.items() if held}


def line(label: str) -> Line2D:
    return Line2D([], [], label=label)


@pytest.mark.parametrize(("width", "expected"), [(None, 4), (7.5, 4), (3.25, 2), (1.5, 1)])
def test_a_legend_has_as_many_columns_as_fit(width, expected):
    handles = [line(f"a long label, number {number}") for number in range(4)]
    with style.page(style.Page(width)), style.paper():
        figure = Figure(figsize=(6.75, 3.0))
        style.legend(figure, handles, ncols=4)
    (legend,) = figure.legends
    FigureCanvasAgg(figure).draw()
    boxes = {round(text.get_window_extent().x0) for text in legend.get_texts()}
    assert len(boxes) == expected


def test_a_legend_is_no_wider_than_a_narrow_figure_that_stands_on_no_page():
    with style.paper():
        figure = Figure(figsize=(3.0, 2.6))
        style.legend(figure, [line(f"a label, number {number}") for number in range(5)], ncols=5)
    (legend,) = figure.legends
    FigureCanvasAgg(figure).draw()
    box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width


def grid(rows: int, columns: int) -> Figure:
    figure = Figure(figsize=(6.75, 3.0))
    panels = figure.subplots(rows, columns, sharex=True, sharey="row", squeeze=False)
    for place, panel in enumerate(panels[0]):
        panel.set_title(f"map {place}")
    for row, line_ in enumerate(panels):
        line_[0].set_ylabel(f"error {row}")
    for panel in panels[-1]:
        panel.set_xlabel("age")
    return figure


def placed(figure: Figure) -> dict[tuple[int, int], tuple[str, str, str]]:
    found = {}
    for panel in figure.axes:
        spec = panel.get_subplotspec()
        place = spec.rowspan.start, spec.colspan.start
        found[place] = panel.get_title(), panel.get_xlabel(), panel.get_ylabel()
    return found


def test_rows_become_columns_and_every_panel_has_its_labels():
    figure = grid(2, 3)
    assert rearranged(figure, 2) == 3
    assert placed(figure) == {
        (line, row): (f"map {line}", "age" if line == 2 else "", f"error {row}")
        for line in range(3)
        for row in range(2)
    }


def test_panels_of_one_row_fill_lines_and_share_labels_with_their_neighbour():
    figure = grid(1, 4)
    assert rearranged(figure, 2) == 2
    assert placed(figure) == {
        (0, 0): ("map 0", "", "error 0"),
        (0, 1): ("map 1", "", ""),
        (1, 0): ("map 2", "age", "error 0"),
        (1, 1): ("map 3", "age", ""),
    }
    assert figure.axes[2].yaxis.get_tick_params()["labelleft"]
    assert not figure.axes[3].yaxis.get_tick_params()["labelleft"]
