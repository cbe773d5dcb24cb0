"""The figure of a card, for one column of a paper and for two: success on tracking, then curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from experiments.bench.cards import Card
from experiments.bench.report import map_figure, pen
from experiments.bench.report.chart import Panel, panels, success
from experiments.bench.report.numbers import MINUS, plain
from experiments.bench.report.pen import LONGEST, Pen, axes_at, breadth, fitted, label
from experiments.report import style

NAMES = {style.WIDTH: "card", style.COLUMN: "card_column"}
"""Width of each figure and the name of its files."""
MOST = {style.WIDTH: 9, style.COLUMN: 3}
"""Panels of curves in each figure."""
FIRST = ("tracking", "cost", "memory")
"""Parts that have a panel in any case."""

# Inches. Everything is placed by hand, so that the same card gives the same bytes.
_NAME = 0.15  # height of a name in the legend
_PANEL = 1.45  # height of a panel with its margins
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.56, 0.1, 0.22, 0.4  # margins of a panel
_MARGIN = _LEFT - 0.1  # how far a title stands to the left of its panel
_TICK = 0.06  # between the names of two ticks
_MARKED = 12  # points of a curve up to which each has a marker


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
    pens = dict(zip(map(plain, card.models), pen.pens(len(card.models)), strict=True))
    columns = 3 if width > style.COLUMN else 1
    map_height = map_figure.height(shown) if shown else 0.0
    named = shown is not None and len(shown.models) == len(pens)  # the map's rows are the legend
    names = 0.0 if named or not curves else _NAME * -(-len(pens) // columns) + 0.08
    top = map_height + names
    height = max(top + _PANEL * -(-len(curves) // columns), 1.0)
    drawn = Figure(figsize=(width, height))
    drawn.set_layout_engine("none")
    if shown:
        map_figure.draw_map(drawn, shown, pens, lines=bool(curves))
    if names:
        _legend(drawn, pens, columns=columns, middle=top - names / 2)
    if not shown and not curves:
        drawn.text(0.5, 0.5, "neither tracking nor a curve was measured", ha="center")
    for number, panel in enumerate(curves):
        _panel(_place(drawn, number, columns, top), panel, pens)
    return drawn


def _place(drawn: Figure, number: int, columns: int, top: float) -> Axes:
    """Add the axes of a panel, by its number, below what stands at the top."""
    row, column = divmod(number, columns)
    share = drawn.get_size_inches()[0] / columns
    left, upper = column * share + _LEFT, top + row * _PANEL + _TOP
    return axes_at(drawn, left, upper, share - _LEFT - _RIGHT, _PANEL - _TOP - _BOTTOM)


def chosen(found: Sequence[Panel], most: int) -> list[Panel]:
    """Choose panels: of each part the one that says most, then others in order.

    Of accuracies that is the one in which models lie farthest apart, else the first; what was
    measured before training comes last.
    """
    best = [min((p for p in found if p.part == part), key=_worth) for part in _parts(found)]
    rest = [panel for panel in found if panel not in best]
    kept = [*best, *rest][:most]
    return [panel for panel in found if panel in kept]


def _worth(panel: Panel) -> tuple[bool, float]:
    return ", untrained" in panel.title, -panel.spread if panel.y_label == "accuracy" else 0.0


def _parts(found: Sequence[Panel]) -> list[str]:
    """Parts that have panels, those of `FIRST` before the others."""
    there = list(dict.fromkeys(panel.part for panel in found))
    return sorted(there, key=lambda part: FIRST.index(part) if part in FIRST else len(FIRST))


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
    width = _width(axes)
    title = fitted(f"{panel.part.capitalize()}: {panel.title}", width + _MARGIN + _RIGHT / 2)
    axes.set_title(title, loc="left", x=-_MARGIN / width)
    axes.set_xlabel(label(panel.x_label, LONGEST))
    if panel.y_label != panel.title:
        axes.set_ylabel(label(panel.y_label, LONGEST), fontsize=7)
    _scales(axes, panel)


def _width(axes: Axes) -> float:
    """Width of the axes in inches."""
    return axes.get_window_extent().width / axes.figure.dpi


def _apart(texts: Sequence[str], width: float) -> list[str]:
    """Leave out every other text where all of them would meet in this width."""
    meet = sum(breadth(text, "xtick.labelsize") for text in texts) + _TICK * len(texts) > width
    return [text if not meet or k % 2 == 0 else "" for k, text in enumerate(texts)]


def _scales(axes: Axes, panel: Panel) -> None:
    places = sorted({x for x, _ in panel.points})
    if panel.x_log:
        axes.set_xscale("log")
    if len(places) <= 6:
        axes.xaxis.set_major_locator(FixedLocator(places))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_ticklabels(_apart([_plainly(x, 0) for x in places], _width(axes)))
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
