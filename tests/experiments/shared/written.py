"""What a figure writes beyond its own edges."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text


def written_outside(figure: Figure) -> Iterator[str]:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer, box = canvas.get_renderer(), figure.bbox
    for text in texts(figure):
        extent = text.get_window_extent(renderer)
        if extent.x0 < -1 or extent.y0 < -1 or extent.x1 > box.x1 + 1 or extent.y1 > box.y1 + 1:
            yield text.get_text()


def texts(figure: Figure) -> Iterator[Text]:
    """All texts that are drawn: not those of ticks beyond the ends of an axis."""
    axes = {panel: (panel.xaxis, panel.yaxis) for panel in figure.axes}
    ticked = {id(t) for held in axes.values() for axis in held for t in labels(axis)}
    shown = [axis for panel, held in axes.items() if panel.axison for axis in held]
    drawn = {id(t) for axis in shown for t in labels(axis, seen=True)}
    for text in figure.findobj(Text):
        hidden = id(text) in ticked and id(text) not in drawn
        if text.get_visible() and text.get_text() and not hidden:
            yield text


def labels(axis: Axis, *, seen: bool = False) -> list[Text]:
    low, high = sorted(axis.get_view_interval())
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    kept = [tick for tick in ticks if not seen or low <= tick.get_loc() <= high]
    return [label for tick in kept for label in (tick.label1, tick.label2)]
