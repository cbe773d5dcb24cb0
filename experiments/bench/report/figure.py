"""The figure of a card, for one column of a paper and for two: success on tracking, then curves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from experiments.bench.card import Card
from experiments.bench.report.chart import SIGNS_SAID, Map, Panel, panels, success
from experiments.bench.report.numbers import MINUS, plain
from experiments.report import style

NAMES = {style.WIDTH: "card", style.COLUMN: "card_column"}
"""Width of each figure and the name of its files."""
MOST = {style.WIDTH: 9, style.COLUMN: 3}
"""Panels of curves in each figure: one of each part first, then the others in order."""
SMALLEST = 6.0
"""Least size of letters, in points."""

# Inches. Everything is placed by hand, so that the same card gives the same bytes.
_ROW, _NAME = 0.17, 0.15  # height of a row of the map, and of a name in the legend
_PANEL = 1.45  # height of a panel with its margins
_MAP_TOP, _MAP_BOTTOM, _GAP = 0.3, 0.46, 0.08
_STROKE = 0.26  # length of a model's line beside its name
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.56, 0.1, 0.22, 0.4  # margins of a panel
_LONGEST = 24  # letters of a name
_TITLE = 36
_MARKED = 12  # points of a curve up to which each has a marker
_DASHES = ("-", "--", ":", "-.")


@dataclass(frozen=True)
class Pen:
    """Colour, marker and dashes of a model, the same in every panel."""

    color: str
    marker: str
    linestyle: str
    linewidth: float
    zorder: float

    def line(self) -> dict[str, Any]:
        """Return the settings of a line."""
        return self.__dict__ | {"markersize": 3.0}


def draw(card: Card, folder: Path) -> list[Path]:
    """Draw `card.pdf` and `card.png` for two columns, and the same for one; return the paths."""
    paths = []
    for width, name in NAMES.items():
        with style.page(style.Page(width=width)), style.paper():
            paths += style.save(figure(card, width), folder, name)
    return paths


def figure(card: Card, width: float) -> Figure:
    """Lay out a figure of a width: the map of success, names of the models, panels of curves."""
    shown, curves = success(card), chosen(panels(card), MOST[width])
    pens = dict(zip(map(plain, card.models), _pens(len(card.models)), strict=True))
    columns = 3 if width > style.COLUMN else 1
    map_height = _MAP_TOP + _MAP_BOTTOM + _ROW * len(shown.models) if shown else 0.0
    named = shown is not None and len(shown.models) == len(pens)  # the map's rows are the legend
    names = 0.0 if named or not curves else _NAME * -(-len(pens) // columns) + _GAP
    top = map_height + names
    height = max(top + _PANEL * -(-len(curves) // columns), 1.0)
    drawn = Figure(figsize=(width, height))
    drawn.set_layout_engine("none")
    if shown:
        _map(drawn, shown, pens, lines=bool(curves))
    if names:
        _legend(drawn, pens, columns=columns, middle=top - names / 2)
    for number, panel in enumerate(curves):
        row, column = divmod(number, columns)
        left, edge = column * width / columns + _LEFT, (column + 1) * width / columns - _RIGHT
        upper = top + row * _PANEL + _TOP
        axes = _axes(drawn, left, upper, edge - left, _PANEL - _TOP - _BOTTOM)
        _panel(axes, panel, pens)
    return drawn


def chosen(found: Sequence[Panel], most: int) -> list[Panel]:
    """Choose panels: of each part the one that tells models apart best, then others in order."""
    first: dict[str, Panel] = {}
    for panel in found:
        if panel.part not in first or panel.spread > first[panel.part].spread:
            first[panel.part] = panel
    leading = list(first.values())[:most]
    rest = [panel for panel in found if panel not in leading][: most - len(leading)]
    return [panel for panel in found if panel in leading or panel in rest]


def label(text: str, longest: int = _LONGEST) -> str:
    """Bring a text to what the font has and a figure has room for, with no mathematics in it."""
    font = get_font(findfont("DejaVu Sans"))
    known = "".join(s if font.get_char_index(ord(s)) else "\N{REPLACEMENT CHARACTER}" for s in text)
    short = known if len(known) <= longest else known[: longest - 1].rstrip() + "…"
    return short.replace("$", r"\$")


def _pens(count: int) -> list[Pen]:
    """Return a pen for each model; the card's own is thick and red."""
    own, others = style.PALETTE[1], [c for c in style.PALETTE if c != style.PALETTE[1]]
    pens = [Pen(own, style.MARKERS[0], "-", 1.8, 4.0)]
    for k in range(count - 1):
        mark = style.MARKERS[1 + k % (len(style.MARKERS) - 1)]
        dash = _DASHES[(k // len(others)) % len(_DASHES)]
        pens.append(Pen(others[k % len(others)], mark, dash, 1.0, 3.0))
    return pens


def _axes(drawn: Figure, left: float, upper: float, width: float, height: float) -> Axes:
    """Add axes at a place in inches from the upper left corner."""
    whole, tall = drawn.get_size_inches()
    return drawn.add_axes((left / whole, 1 - (upper + height) / tall, width / whole, height / tall))


def _breadth(text: str, *, bold: bool = False) -> float:
    """Breadth of a name at an axis, in inches."""
    font = FontProperties(size=rcParams["ytick.labelsize"], weight="bold" if bold else "normal")
    return TextPath((0, 0), text.replace(r"\$", "S"), prop=font).get_extents().width / 72


def _map(drawn: Figure, shown: Map, pens: dict[str, Pen], *, lines: bool) -> None:
    """Draw the map; where curves follow, each model's line stands behind its name."""
    width, height = drawn.get_size_inches()
    models = [label(model, 20) for model in shown.models]
    stroke = _STROKE + _GAP if lines else 0.0
    left = 0.1 + stroke + max(_breadth(name, bold=not k) for k, name in enumerate(models))
    for row, model in enumerate(shown.models if lines else ()):
        y = 1 - (_MAP_TOP + _ROW * (row + 0.5)) / height
        places = [(left - _GAP / 2 - _STROKE * share) / width for share in (1, 0.5, 0)]
        line = Line2D(places, [y] * 3, transform=drawn.transFigure, markevery=[1])
        line.set(**pens[model].line())
        drawn.add_artist(line)
    panel = _axes(drawn, left, _MAP_TOP, width - left - _GAP, _ROW * len(models))
    values = np.array([[np.nan if v is None else v for v in row] for row in shown.values])
    panel.imshow(values, vmin=0, vmax=1, cmap="cividis", aspect="auto")
    panel.grid(visible=False)
    for place, value in np.ndenumerate(values):
        row, column = int(place[0]), int(place[1])
        said = "" if np.isnan(value) else f"{100 * value:.0f}"
        colour = "black" if np.isnan(value) or value > 0.5 else "white"
        text = f"{shown.signs[row][column]} {said}".strip()
        panel.text(
            column, row, text, ha="center", va="center", color=colour, fontsize=SMALLEST + 0.5
        )
    if width > style.COLUMN:
        tasks = [re.sub("(?<=-)| ", "\n", label(task, 18), count=1) for task in shown.tasks]
        panel.set_xticks(range(len(tasks)), tasks)
    else:
        slanted = {"rotation": 35, "ha": "right", "rotation_mode": "anchor", "fontsize": SMALLEST}
        panel.set_xticks(range(len(shown.tasks)), [label(t, 16) for t in shown.tasks], **slanted)
    panel.set_yticks(range(len(models)), models)
    panel.get_yticklabels()[0].set_fontweight("bold")
    panel.tick_params(length=0)
    panel.tick_params(axis="y", pad=2 + 72 * stroke)
    for spine in panel.spines.values():
        spine.set_visible(False)
    signs = any(sign for row in shown.signs for sign in row)
    panel.set_title(f"{shown.title}\n{SIGNS_SAID}" if signs else shown.title, fontsize=7)


def _legend(drawn: Figure, pens: dict[str, Pen], *, columns: int, middle: float) -> None:
    """Name the models around a height in inches from the top."""
    handles = [Line2D([], [], **pen.line()) for pen in pens.values()]
    names = [f" {label(name)}" for name in pens]  # a name that begins with _ would not be shown
    drawn.legend(
        handles,
        names,
        loc="center",
        bbox_to_anchor=(0.5, 1 - middle / drawn.get_size_inches()[1]),
        ncols=columns,
        handlelength=2.6,
        labelspacing=0.3,
        borderaxespad=0,
        borderpad=0,
    )


def _panel(axes: Axes, panel: Panel, pens: dict[str, Pen]) -> None:
    for name, points in panel.series:
        xs, ys = zip(*points, strict=True)
        (line,) = axes.plot(xs, ys, **pens[name].line())
        if len(xs) > _MARKED:
            line.set_marker("")
    axes.set_title(label(f"{panel.part.capitalize()}: {panel.title}", _TITLE))
    axes.set_xlabel(label(panel.x_label, _LONGEST))
    if panel.y_label != panel.title:
        axes.set_ylabel(label(panel.y_label, _LONGEST))
    _scales(axes, panel)


def _scales(axes: Axes, panel: Panel) -> None:
    places = sorted({x for x, _ in panel.points})
    if panel.x_log:
        axes.set_xscale("log")
    if len(places) <= 6:
        axes.xaxis.set_major_locator(FixedLocator(places))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_ticklabels([_plainly(x, 0) for x in places])
    elif panel.x_log:
        axes.xaxis.set_major_formatter(_plainly)
    axes.xaxis.set_minor_formatter(NullFormatter())
    if panel.y_log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_plainly)
        axes.yaxis.set_minor_formatter(NullFormatter())
    elif panel.y_label == "accuracy":
        axes.set_ylim(-0.02, 1.04)


def _plainly(value: float, _: float) -> str:
    """Write a tick without a power in small letters: 0.01, 1e-4."""
    text = f"{value:,g}" if value == 0 or abs(value) >= 1e-3 else f"{value:.0e}".replace("-0", "-")
    return text.replace("-", MINUS)
