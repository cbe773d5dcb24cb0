"""What a matplotlib figure shows, as plain data: panels of curves with ranges, and grids of fields.

The studies draw their figures for paper. Their pages show the same artists, read from the figure
before it is written, so that a number on a page is the number in the figure.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import PolyCollection
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.spines import Spine
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator

from experiments.report.arrange import placed
from experiments.site.naming import Names, is_joined, look
from experiments.site.words import plain_math

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform

_WORD = re.compile(r"[^\W\d_]{2}")
MOST_POINTS = 200
"""Points of a curve on a page; of longer ones every second, third, ... point is kept."""


_ROUNDING = 1e-6


@dataclass(frozen=True)
class Place:
    """A point of a curve.

    Parameters
    ----------
    x, y
        Its numbers; no y where it is a range alone.
    low, high
        The range around it, where it has one.
    said
        What it says in place of y, for a mark whose height means nothing.
    """

    x: float
    y: float | None
    low: float | None = None
    high: float | None = None
    said: str = ""


@dataclass(frozen=True)
class Curve:
    """Points of one name, and how far aside they are drawn, in shares of the panel."""

    name: str
    color: str
    broken: bool
    joined: bool
    places: tuple[Place, ...]
    offset: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Bound:
    """A line across a panel at a value of x (upright) or y, or a strip between two values."""

    name: str
    upright: bool
    at: float
    until: float | None = None


@dataclass(frozen=True)
class Panel:
    """Curves over one pair of axes."""

    title: str
    x_label: str
    y_label: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    x_log: bool
    y_log: bool
    curves: tuple[Curve, ...]
    bounds: tuple[Bound, ...]
    notes: tuple[str, ...]
    lacking: tuple[str, ...]
    categories: tuple[tuple[float, str], ...] = ()
    """Places along x that stand for something in words, where the axis has no numbers."""


@dataclass(frozen=True)
class Grid:
    """A field for each row and column: a number between 0 and 1, and what is written there."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    texts: tuple[tuple[str, ...], ...]


def read(figure: Figure) -> list[Panel | Grid]:
    """Read all panels of a figure, from left to right and from top to bottom."""
    names = Names(figure)
    found: list[Panel | Grid] = []
    for axes, title, x_label, y_label in _labelled(figure):
        if any(isinstance(child, AxesImage) for child in axes.get_children()):
            found.append(_grid(axes, title))
        else:
            found.append(_panel(axes, names, title, x_label, y_label))
    titles = Counter(shown.title for shown in found)
    return [
        replace(p, title=", ".join(filter(None, [p.title, p.y_label])))
        if isinstance(p, Panel) and (titles[p.title] > 1 or not p.title)
        else p
        for p in found
    ]


def _labelled(figure: Figure) -> list[tuple[Axes, str, str, str]]:
    """Axes that are drawn, with title and labels, those of their row or column included."""
    shown = [axes for axes in figure.axes if axes.axison and not hasattr(axes, "_colorbar")]
    grids = {spec.get_gridspec() for axes in shown if (spec := axes.get_subplotspec())}
    gridded = len(grids) == 1 and all(axes.get_subplotspec() for axes in shown)
    shared = {p.axes: p for row in placed(figure) for p in row if p} if gridded else {}
    found = []
    for axes in shown:
        own = _title(axes), axes.get_xlabel(), axes.get_ylabel()
        other = shared.get(axes)
        labels = (other.title or own[0], other.xlabel, other.ylabel) if other else own
        found.append((axes, *map(plain_math, labels)))
    return found


def _title(axes: Axes) -> str:
    titles = (axes.get_title(loc=place) for place in ("center", "left", "right"))
    return next((title for title in titles if title), "")


def _panel(axes: Axes, names: Names, title: str, x_label: str, y_label: str) -> Panel:
    curves: list[Curve] = []
    bounds, notes, lacking = [], [], []
    for child in axes.get_children():
        if _is_furniture(child, axes):
            continue
        if isinstance(child, Line2D) and _is_data(child, axes):
            curves.append(_curve(child, axes, names))
        elif (bound := _bound(child, axes, names)) is not None:
            bounds.append(bound)
        elif isinstance(child, PolyCollection):
            _add_range(curves, child, names)
        elif isinstance(child, Text):
            notes.append(plain_math(child.get_text()))
        else:
            lacking.append(type(child).__name__)
    return Panel(
        title,
        x_label,
        y_label,
        axes.get_xlim(),
        axes.get_ylim(),
        axes.get_xscale() == "log",
        axes.get_yscale() == "log",
        _merged([curve for curve in curves if curve.places]),
        tuple(dict.fromkeys(bounds)),
        tuple(dict.fromkeys(note for note in notes if note)),
        tuple(lacking),
        _categories(axes),
    )


def _categories(axes: Axes) -> tuple[tuple[float, str], ...]:
    """Words that the ticks along x were given, with their places; none where they are numbers."""
    if not isinstance(axes.xaxis.get_major_locator(), FixedLocator):
        return ()
    lines = [label.get_text().split("\n") for label in axes.get_xticklabels()]
    texts = ["\n".join(map(plain_math, own)) for own in lines]
    if not any(_WORD.search(text) for text in texts):
        return ()
    return tuple(zip(map(float, axes.get_xticks()), texts, strict=True))


def _is_furniture(child: Artist, axes: Axes) -> bool:
    """Whether an artist belongs to every panel: frame, axes, titles, legend."""
    titles = isinstance(child, Text) and child not in axes.texts
    frame = isinstance(child, Axis | Spine | Legend) or child is axes.patch
    return titles or frame or not child.get_visible()


def _of_data(transform: Transform, axes: Axes) -> tuple[bool, bool]:
    """Whether a transform takes data along x and along y; it may put them aside."""
    corners = list(zip(axes.get_xlim(), axes.get_ylim(), strict=True))
    own, data = (
        np.diff(each.transform(corners), axis=0)[0] for each in (transform, axes.transData)
    )
    along, upwards = np.isclose(own, data, rtol=1e-6)
    return bool(along), bool(upwards)


def _is_data(line: Line2D, axes: Axes) -> bool:
    """Whether both coordinates of a line are data, or it is marks with data along x."""
    along, upwards = _of_data(line.get_transform(), axes)
    return along and (upwards or not is_joined(line))


def _aside(line: Line2D, axes: Axes) -> tuple[float, float]:
    """Tell how far from its data a line is drawn, in shares of the panel."""
    corner = [axes.get_xlim()[0], axes.get_ylim()[0]]
    right, up = line.get_transform().transform(corner) - axes.transData.transform(corner)
    upwards = _of_data(line.get_transform(), axes)[1]
    return float(right / axes.bbox.width), float(up / axes.bbox.height) if upwards else 0.0


def _curve(line: Line2D, axes: Axes, names: Names) -> Curve:
    x, y = (np.asarray(values, dtype=float) for values in (line.get_xdata(), line.get_ydata()))
    points = [
        Place(float(a), float(b)) for a, b in zip(x, y, strict=True) if isfinite(a) and isfinite(b)
    ]
    if not _of_data(line.get_transform(), axes)[1]:
        points = [replace(p, y=_height(axes, p.y or 0.0), said="yes") for p in points]
    seen = look(line)
    broken = seen.line not in ("-", "None")
    return Curve(
        names.of(line), seen.color, broken, is_joined(line), _thinned(points), _aside(line, axes)
    )


def _height(axes: Axes, share: float) -> float:
    """Turn a share of the panel's height into a value of y."""
    pixels = axes.transAxes.transform((0.0, share))
    return float(axes.transData.inverted().transform(pixels)[1])


def _thinned(points: list[Place]) -> tuple[Place, ...]:
    return tuple(points[:: -(-len(points) // MOST_POINTS) or 1])


def _add_range(curves: list[Curve], band: PolyCollection, names: Names) -> None:
    """Give a range to the last curve of its colour and its places; else it is a curve itself."""
    ends: dict[float, tuple[float, float]] = {}
    for path in band.get_paths():
        for x, y in np.asarray(path.vertices, dtype=float):
            if isfinite(x) and isfinite(y):
                low, high = ends.get(float(x), (float(y), float(y)))
                ends[float(x)] = min(low, float(y)), max(high, float(y))
    color = look(band).color
    for k in reversed(range(len(curves))):
        if not names.of_areas(band) and _is_around(curves[k], color, ends):
            ranged = tuple(Place(p.x, p.y, *ends[p.x]) for p in curves[k].places)
            curves[k] = replace(curves[k], places=ranged)
            return
    places = _thinned([Place(x, None, *ends[x]) for x in sorted(ends)])
    curves.append(Curve(names.of(band), color, False, False, places))


def _is_around(curve: Curve, color: str, ends: dict[float, tuple[float, float]]) -> bool:
    """Whether a range belongs to a line: of its colour, at its places, and around it."""
    if not curve.joined or curve.color != color:
        return False
    return all(
        place.y is not None
        and place.low is None
        and place.x in ends
        and ends[place.x][0] - _ROUNDING * abs(place.y) <= place.y
        and place.y <= ends[place.x][1] + _ROUNDING * abs(place.y)
        for place in curve.places
    )


def _merged(curves: list[Curve]) -> tuple[Curve, ...]:
    """Put the points of equal names together where no line joins them."""
    found: dict[tuple[str, bool], Curve] = {}
    kept: list[Curve] = []
    for curve in curves:
        key = curve.name, all(p.y is None for p in curve.places)
        if not curve.joined and key in found:
            place = kept.index(found[key])
            curve = replace(kept[place], places=(*kept[place].places, *curve.places))
            kept[place] = curve
        else:
            kept.append(curve)
        if not curve.joined:
            found[key] = curve
    return tuple(kept)


def _bound(child: Artist, axes: Axes, names: Names) -> Bound | None:
    """Read a line or a strip that has data along one axis alone; None of anything else."""
    if not isinstance(child, Line2D | Rectangle):
        return None
    is_line = isinstance(child, Line2D)
    transform = child.get_transform() if is_line else child.get_data_transform()
    stands, lies = _of_data(transform, axes)
    if stands == lies:
        return None
    if isinstance(child, Line2D):
        values = child.get_xdata() if stands else child.get_ydata()
        return Bound(names.of(child), stands, float(np.asarray(values)[0]))
    at, size = (child.get_x(), child.get_width()) if stands else (child.get_y(), child.get_height())
    return Bound(names.of(child), stands, float(at), float(at + size))


def _grid(axes: Axes, title: str) -> Grid:
    (image,) = (child for child in axes.get_children() if isinstance(child, AxesImage))
    held = np.ma.filled(np.ma.asarray(image.get_array(), dtype=float), np.nan)
    written = {
        (round(text.get_position()[1]), round(text.get_position()[0])): plain_math(text.get_text())
        for text in axes.texts
    }
    rows, columns = (range(size) for size in held.shape)
    least, most = image.get_clim()
    return Grid(
        title,
        tuple(_ticks(axes.get_yticklabels(), len(rows))),
        tuple(_ticks(axes.get_xticklabels(), len(columns))),
        tuple(
            tuple(
                (float(value) - least) / (most - least) if isfinite(value) else None
                for value in row
            )
            for row in held
        ),
        tuple(tuple(written.get((row, column), "") for column in columns) for row in rows),
    )


def _ticks(labels: list[Text], count: int) -> list[str]:
    """Names along a grid; their numbers where it has none."""
    said = [plain_math(label.get_text()) for label in labels]
    return said if len(said) == count else [str(k + 1) for k in range(count)]
