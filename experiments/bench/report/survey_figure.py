"""The figure of many models: success on tracking, and beside it the number that ends each curve.

A dozen curves in one panel can be followed, thirty cannot. Here a model is a row from end to end.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from experiments.bench.cards import Card
from experiments.bench.report import map_figure
from experiments.bench.report.chart import WIDE, Panel, panels, spans, success
from experiments.bench.report.figure import chosen
from experiments.bench.report.numbers import MINUS, number
from experiments.bench.report.pen import SMALLEST, axes_at, label

MOST_CURVES = 12
"""Models up to which curves are drawn."""
_COLUMNS = 9
_BREADTH = 0.4  # of a column, in inches
_NAMES = 0.85  # room below the columns for their names, in inches


def survey(card: Card, width: float) -> Figure:
    """Lay out the figure, of a width in inches; a card without tracking has no rows to show."""
    shown, found = success(card), chosen(panels(card), _COLUMNS)
    if shown is None:
        raise ValueError("a survey needs measurements of the part tracking, and there are none")
    tall = map_figure.height(shown) + _NAMES
    drawn = Figure(figsize=(width, tall))
    drawn.set_layout_engine("none")
    room = _BREADTH * len(found)
    map_figure.draw_map(drawn, shown, {}, lines=False, right=room + 2 * map_figure.GAP)
    if found:
        _draw_ends(drawn, found, shown.models, width - room - map_figure.GAP)
    return drawn


def ends(panel: Panel, models: Sequence[str]) -> list[float | None]:
    """Give the last number of each model's curve; over learning rates the highest accuracy."""
    series = dict(panel.series)
    pick = max if panel.x_label == "learning rate" else _last
    return [pick([y for _, y in series[m]]) if m in series else None for m in models]


def name(panel: Panel) -> str:
    """Say what the numbers of a column are, and where their curves end."""
    what = panel.title if panel.title == panel.y_label else f"{panel.part}: {panel.title}"
    if panel.x_label == "learning rate":
        return f"{what}, best"
    return f"{what}, {number(panel.points[-1][0], whole=True)}"


def _last(values: Sequence[float]) -> float:
    return values[-1]


def _draw_ends(drawn: Figure, found: Sequence[Panel], models: Sequence[str], left: float) -> None:
    size = (_BREADTH * len(found), map_figure.ROW * len(models))
    axes = axes_at(drawn, left, map_figure.TOP, *size)
    columns = [ends(panel, models) for panel in found]
    shades = np.array([_shades(c, p) for c, p in zip(columns, found, strict=True)]).T
    axes.imshow(shades, vmin=0, vmax=1, cmap="cividis", aspect="auto")
    for (row, column), shade in np.ndenumerate(shades):
        value = columns[int(column)][int(row)]
        said = "" if value is None else _short(value)
        colour = "black" if np.isnan(shade) or shade > 0.5 else "white"
        look = {"ha": "center", "va": "center", "fontsize": SMALLEST}
        axes.text(int(column), int(row), said, color=colour, **look)
    slanted = {"rotation": 35, "ha": "right", "rotation_mode": "anchor", "fontsize": SMALLEST}
    axes.set_xticks(range(len(found)), [label(name(p), 44) for p in found], **slanted)
    axes.set_yticks([])
    axes.set_title("Where curves end", fontsize=7)
    map_figure.bare(axes)


def _short(value: float) -> str:
    """Two digits, for which a column has room: 0.52, 5.7, 161; below a thousandth one: 2e-5."""
    if value and abs(value) < 1e-3:
        return f"{value:.0e}".replace("e-0", "e-").replace("-", MINUS)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2g}".replace("-", MINUS)


def _shades(values: Sequence[float | None], panel: Panel) -> np.ndarray:
    """Place the numbers of a column between its least and its greatest."""
    held = np.array([np.nan if value is None else value for value in values])
    wide = spans([value for value in values if value is not None], WIDE)
    scaled = np.log(held) if wide and panel.y_label != "accuracy" else held
    least, greatest = np.nanmin(scaled), np.nanmax(scaled)
    return (scaled - least) / (greatest - least) if greatest > least else 0 * scaled
