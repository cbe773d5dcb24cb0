"""Panels of curves brought to places on a page: axes, ticks, and points with their numbers said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from experiments.bench.report.chart import Panel
from experiments.bench.report.numbers import MINUS, number

WIDTH, HEIGHT = 420, 250
LEFT, RIGHT, TOP, BOTTOM = 52, 408, 12, 206
"""Size of a plot and edges of what is drawn in it, in units of the page."""

_MOST_TICKS = 7


@dataclass(frozen=True)
class Tick:
    """A place on an axis and what is written there."""

    at: float
    text: str


@dataclass(frozen=True)
class Point:
    """A point's place, and its two numbers in words."""

    x: float
    y: float
    x_text: str
    y_text: str


@dataclass(frozen=True)
class Drawn:
    """A model's points, and the number of the pen that draws it."""

    model: str
    pen: int
    points: tuple[Point, ...]

    @property
    def path(self) -> str:
        """Points as the attribute of a polyline."""
        return " ".join(f"{p.x:.1f},{p.y:.1f}" for p in self.points)


@dataclass(frozen=True)
class Plot:
    """A panel, ready to be drawn."""

    panel: Panel
    series: tuple[Drawn, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]

    @property
    def places(self) -> list[Point]:
        """One point for every x at which any model has one, from left to right."""
        found = {point.x_text: point for drawn in self.series for point in drawn.points}
        return sorted(found.values(), key=lambda point: point.x)

    def at(self, place: Point) -> list[str]:
        """Say the values of all models at an x; nothing where a model has none."""
        said = [{p.x_text: p.y_text for p in drawn.points} for drawn in self.series]
        return [texts.get(place.x_text, "") for texts in said]


@dataclass(frozen=True)
class _Axis:
    """Linear or logarithmic map of numbers to places."""

    low: float
    high: float
    start: float
    end: float
    log: bool

    def __call__(self, value: float) -> float:
        low, high, value = (log10(v) if self.log else v for v in (self.low, self.high, value))
        share = (value - low) / (high - low)
        return round(self.start + share * (self.end - self.start), 1)


def plot(panel: Panel, pens: dict[str, int]) -> Plot:
    """Place a panel; `pens` numbers the models, the same in all panels."""
    xs, ys = ([point[k] for point in panel.points] for k in (0, 1))
    x_axis = _axis(xs, LEFT + 8, RIGHT - 8, log=panel.x_log)
    if panel.y_label == "accuracy":
        ys = [*ys, 0.0, 1.0]
    y_axis = _axis(ys, BOTTOM, TOP, log=panel.y_log)
    series = tuple(
        Drawn(name, pens[name], tuple(_point(x_axis, y_axis, *point) for point in points))
        for name, points in panel.series
    )
    places = sorted(set(xs)) if len(set(xs)) <= _MOST_TICKS else _ticks(x_axis)
    return Plot(panel, series, _said(x_axis, places), _said(y_axis, _ticks(y_axis)))


def _point(x_axis: _Axis, y_axis: _Axis, x: float, y: float) -> Point:
    return Point(x_axis(x), y_axis(y), number(x, whole=x.is_integer()), number(y))


def _axis(values: Sequence[float], start: float, end: float, *, log: bool) -> _Axis:
    low, high = min(values), max(values)
    if low == high:
        low, high = (low / 2, high * 2) if log else (low - 0.5, high + 0.5)
    return _Axis(low, high, start, end, log)


def _ticks(axis: _Axis) -> list[float]:
    """Round numbers inside an axis: powers of ten, or steps of 1, 2 or 5."""
    if axis.log:
        first, last = ceil(log10(axis.low) - 1e-9), floor(log10(axis.high) + 1e-9)
        powers = range(first, last + 1, max(1, -(-(last - first) // _MOST_TICKS)))
        held = [10.0**power for power in powers]
        return held if len(held) > 1 else [axis.low, axis.high]
    rough = (axis.high - axis.low) / 4
    power = 10.0 ** floor(log10(rough))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough * 0.999)
    first, last = ceil(axis.low / step - 1e-9), floor(axis.high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def _said(axis: _Axis, places: Sequence[float]) -> tuple[Tick, ...]:
    return tuple(Tick(axis(v), f"{v:,.4g}".replace("-", MINUS)) for v in places)
