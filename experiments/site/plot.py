"""Panels of a study's figure brought to places on a page, drawn as those of a card are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.bench.report import plot as drawing
from experiments.bench.report.chart import Panel as Labelled
from experiments.bench.report.plot import Axis, Drawn, Plot, Point, Rule
from experiments.report import style
from experiments.site.figure import Bound, Curve, Grid, Panel, Place
from experiments.site.words import number

_GREY, _MORE = 6, 7
# The page's pens have the paper's colours, in another order, brightened where the page is dark.
_PENS = dict(zip((c.lower() for c in style.PALETTE), (1, 0, 2, 3, 4, 5, _GREY), strict=True))


@dataclass(frozen=True)
class Key:
    """A line of a legend."""

    name: str
    pen: int
    broken: bool
    joined: bool


@dataclass(frozen=True)
class Drawing:
    """A figure on a page: its plots and grids in order, and their legends.

    There is one legend for all plots, or one for each where a name has several pens.
    """

    name: str
    plots: tuple[Plot, ...] = ()
    grids: tuple[Grid, ...] = ()
    legends: tuple[tuple[Key, ...], ...] = ()
    notes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    lacking: tuple[str, ...] = ()


def drawn(name: str, shown: Sequence[Panel | Grid]) -> Drawing:
    """Place all panels of a figure; those without a curve are left out."""
    panels = [panel for panel in shown if isinstance(panel, Panel) and panel.curves]
    plots = tuple(map(plot, panels))
    notes = tuple((panel.title, told) for panel in panels if (told := _told(panel)))
    return Drawing(
        name,
        plots,
        tuple(panel for panel in shown if isinstance(panel, Grid)),
        _legends(panels),
        notes,
        tuple(dict.fromkeys(kind for panel in panels for kind in panel.lacking)),
    )


def _legends(panels: Sequence[Panel]) -> tuple[tuple[Key, ...], ...]:
    own = tuple(tuple(dict.fromkeys(map(_key, filter(_named, p.curves)))) for p in panels)
    shared = tuple(dict.fromkeys(key for keys in own for key in keys))
    pens = {(key.name, key.pen) for key in shared}
    return own if len(pens) > len({name for name, _ in pens}) else (shared,)


def _named(curve: Curve) -> bool:
    return bool(curve.name)


def _key(curve: Curve) -> Key:
    return Key(curve.name, pen(curve.color), curve.broken, curve.joined)


def plot(panel: Panel) -> Plot:
    """Place one panel."""
    xs, ys = (
        Axis(*ends, *edges, log)
        for ends, edges, log in (
            (panel.x_range, (drawing.LEFT, drawing.RIGHT), panel.x_log),
            (panel.y_range, (drawing.BOTTOM, drawing.TOP), panel.y_log),
        )
    )
    said = _names(panel.curves)
    words = {x: text.replace("\n", ", ") for x, text in panel.categories}
    series = tuple(
        _drawn(curve, name, xs, ys, words) for curve, name in zip(panel.curves, said, strict=True)
    )
    labels = Labelled("", panel.title, panel.x_label, panel.y_label, ())
    rules = tuple(_rule(bound, xs if bound.upright else ys) for bound in panel.bounds)
    named = tuple(drawing.Tick(xs(x), text) for x, text in panel.categories)
    across, up = (drawing.said(axis, drawing.ticks(_upwards(axis))) for axis in (xs, ys))
    return Plot(labels, series, named or across, up, rules=tuple(rule for rule in rules if rule))


def pen(color: str) -> int:
    """Give the number of the page's pen that stands for a colour of the paper."""
    red, green, blue = (color[k : k + 2] for k in (1, 3, 5))
    return _PENS.get(color.lower(), _GREY if red == green == blue else _MORE)


def _names(curves: Sequence[Curve]) -> list[str]:
    """Name the curves of a panel, no two alike."""
    names = [curve.name or f"curve {number}" for number, curve in enumerate(curves, start=1)]
    kinds = ["marks" if not c.joined else "dashed" if c.broken else "" for c in curves]
    found: list[str] = []
    for name, kind in zip(names, kinds, strict=True):
        said = f"{name}, {kind}" if names.count(name) > 1 and kind else name
        found.append(said if said not in found else f"{said} ({found.count(said) + 1})")
    return found


def _drawn(curve: Curve, name: str, xs: Axis, ys: Axis, words: Mapping[float, str]) -> Drawn:
    xs, ys = (_moved(axis, share) for axis, share in zip((xs, ys), curve.offset, strict=True))
    points = tuple(_point(place, xs, ys, words) for place in curve.places if _fits(place, xs, ys))
    ranged = [p for p in curve.places if p.low is not None and _above(p.x, xs)]
    band = [(xs(p.x), ys(_held(p.high, ys))) for p in ranged]
    band += [(xs(p.x), ys(_held(p.low, ys))) for p in reversed(ranged)]
    return Drawn(
        name,
        pen(curve.color),
        points,
        broken=curve.broken,
        joined=curve.joined,
        dotted=any(place.y is not None for place in curve.places),
        band=" ".join(f"{x:.1f},{y:.1f}" for x, y in band) if len(ranged) > 1 else "",
    )


def _moved(axis: Axis, share: float) -> Axis:
    by = share * (axis.end - axis.start)
    return replace(axis, start=axis.start + by, end=axis.end + by)


def _point(place: Place, xs: Axis, ys: Axis, words: Mapping[float, str]) -> Point:
    """Place a point and say its numbers; a range without one in it stands at its upper end.

    Where x has `words`, those of the nearest place stand for its number.
    """
    ends = [end for end in (place.low, place.high) if end is not None]
    said = f"[{', '.join(map(number, ends))}]" if ends and ends[0] < ends[-1] else ""
    if place.y is None:
        at, text = ys(_held(place.high, ys)), said or number(ends[0])
    else:
        at, text = ys(place.y), place.said or f"{number(place.y)} {said}".rstrip()
    if words:
        where = words[min(words, key=lambda x: abs(x - place.x))]
    else:
        where = number(place.x, whole=float(place.x).is_integer())
    return Point(xs(place.x), at, where, text)


def _fits(place: Place, xs: Axis, ys: Axis) -> bool:
    """Whether a point has a place: a logarithmic axis has none for zero."""
    value = place.y if place.y is not None else place.high
    return _above(place.x, xs) and value is not None and _above(value, ys)


def _above(value: float, axis: Axis) -> bool:
    return value > 0 or not axis.log


def _held(value: float | None, axis: Axis) -> float:
    """Bring an end of a range above zero where the axis is logarithmic."""
    least = min(axis.low, axis.high)
    return least if value is None or (axis.log and value <= 0) else value


def _upwards(axis: Axis) -> Axis:
    low, high = sorted((axis.low, axis.high))
    return Axis(low, high, axis.start, axis.end, axis.log)


def _rule(bound: Bound, axis: Axis) -> Rule | None:
    ends = [bound.at] if bound.until is None else [bound.at, bound.until]
    if not all(_above(end, axis) for end in ends):
        return None
    return Rule(bound.name, bound.upright, *(axis(end) for end in ends))


def _told(panel: Panel) -> tuple[str, ...]:
    """Say the lines across a panel, and what is written in it."""
    said = []
    for bound in panel.bounds:
        label = panel.x_label if bound.upright else panel.y_label
        ends = number(bound.at) + (f" to {number(bound.until)}" if bound.until is not None else "")
        said.append(f"{bound.name or 'line'}: {label or 'value'} {ends}")
    return (*dict.fromkeys(said), *panel.notes)
