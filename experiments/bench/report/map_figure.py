"""The map of success in a figure: tasks by models, with what theory says of each."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.bench.report.chart import SIGNS_SAID, Map
from experiments.bench.report.pen import SMALLEST, Pen, axes_at, breadth, label
from experiments.report import style

ROW, TOP, BOTTOM, GAP = 0.17, 0.3, 0.46, 0.08  # inches
_STROKE = 0.26  # length of a model's line behind its name, in inches
_NAME = 20  # letters of a name


def draw_map(
    drawn: Figure, shown: Map, pens: dict[str, Pen], *, lines: bool, right: float = GAP
) -> None:
    """Draw the map at the top of a figure.

    Parameters
    ----------
    drawn, shown
        The figure, of which the map takes the whole width, and what to draw.
    pens
        How each model is drawn in curves.
    lines
        Whether each model's line stands behind its name, so that the map is the legend of curves.
    right
        Inches that stay free to the right of the map.
    """
    width, _ = drawn.get_size_inches()
    models = [label(model, _NAME) for model in shown.models]
    stroke = _STROKE + GAP if lines else 0.0
    left = (
        0.1
        + stroke
        + max(breadth(name, "ytick.labelsize", bold=not k) for k, name in enumerate(models))
    )
    if lines:
        _draw_lines(drawn, [pens[model] for model in shown.models], left)
    panel = axes_at(drawn, left, TOP, width - left - right, ROW * len(models))
    _draw_values(panel, shown)
    _name_tasks(panel, shown.tasks, wide=width - right > style.COLUMN)
    panel.set_yticks(range(len(models)), models)
    panel.get_yticklabels()[0].set_fontweight("bold" if lines else "normal")
    panel.tick_params(axis="y", pad=2 + 72 * stroke)
    bare(panel)
    signs = any(sign for row in shown.signs for sign in row)
    panel.set_title(f"{shown.title}\n{SIGNS_SAID}" if signs else shown.title, fontsize=7)


def bare(panel: Axes) -> None:
    """Leave out grid, ticks and frame."""
    panel.grid(visible=False)
    panel.tick_params(length=0)
    for spine in panel.spines.values():
        spine.set_visible(False)


def height(shown: Map) -> float:
    """Height of the map with its title and the names of its tasks, in inches."""
    return TOP + BOTTOM + ROW * len(shown.models)


def _draw_lines(drawn: Figure, pens: list[Pen], left: float) -> None:
    width, tall = drawn.get_size_inches()
    places = [(left - GAP / 2 - _STROKE * share) / width for share in (1, 0.5, 0)]
    for row, pen in enumerate(pens):
        y = 1 - (TOP + ROW * (row + 0.5)) / tall
        line = Line2D(places, [y] * 3, transform=drawn.transFigure, markevery=[1])
        line.set(**pen.line())
        drawn.add_artist(line)


def _draw_values(panel: Axes, shown: Map) -> None:
    values = np.array([[np.nan if v is None else v for v in row] for row in shown.values])
    panel.imshow(values, vmin=0, vmax=1, cmap="cividis", aspect="auto")
    style_of = {"ha": "center", "va": "center", "fontsize": SMALLEST + 0.5}
    for place, value in np.ndenumerate(values):
        row, column = int(place[0]), int(place[1])
        said = "" if np.isnan(value) else f"{100 * value:.0f}"
        colour = "black" if np.isnan(value) or value > 0.5 else "white"
        text = f"{shown.signs[row][column]} {said}".strip()
        panel.text(column, row, text, color=colour, **style_of)


def _name_tasks(panel: Axes, tasks: Sequence[str], *, wide: bool) -> None:
    """Name the tasks: in two lines where there is room, else slanted."""
    if wide:
        names = [re.sub("(?<=-)| ", "\n", label(task, 18), count=1) for task in tasks]
        panel.set_xticks(range(len(tasks)), names)
    else:
        slanted = {"rotation": 35, "ha": "right", "rotation_mode": "anchor", "fontsize": SMALLEST}
        panel.set_xticks(range(len(tasks)), [label(task, 16) for task in tasks], **slanted)
