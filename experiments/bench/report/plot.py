"""Panels of curves brought to places on a page: axes, ticks, and points with their numbers said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor, log10

from experiments.bench.report.chart import Panel
from experiments.bench.report.numbers import MINUS, RAISED, number

WIDTH, HEIGHT = 420, 250
LEFT, RIGHT, TOP, BOTTOM = 52, 408, 12, 206
"""Size of a plot and edges of what is drawn in it, in units of the page."""

_MOST_TICKS = 7
_MOST_DOTS = 40
_ALMOST = 1 + 1e-9
_PENS = 8  # that differ in colour


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
class Rule:
    """A line across a plot, or a strip up to `until`: a bound, a published value."""

    text: str
    upright: bool
    at: float
    until: float | None = None


@dataclass(frozen=True)
class Drawn:
    """A model's points, and how they are drawn.

    Parameters
    ----------
    model
        Its name.
    pen
        Number of the pen, the same in all panels.
    points
        Its points, from left to right where they are joined.
    thick, broken, joined, dotted
        Whether the line is thick, whether it is dashed, whether there is a line at all, and whether
        points may have dots.
    band
        Outline of the range around the line, as the attribute of a polygon.
    """

    model: str
    pen: int
    points: tuple[Point, ...]
    thick: bool = False
    broken: bool = False
    joined: bool = True
    dotted: bool = True
    band: str = ""

    @property
    def path(self) -> str:
        """Points as the attribute of a polyline."""
        return " ".join(f"{p.x:.1f},{p.y:.1f}" for p in self.points)

    @property
    def marked(self) -> bool:
        """Whether each point has a dot of its own: there are few, or no line joins them."""
        return self.dotted and (not self.joined or len(self.points) <= _MOST_DOTS)

    @cached_property
    def said(self) -> dict[str, str]:
        """Values in words by their x in words; several at one x are listed."""
        found: dict[str, list[str]] = {}
        for point in self.points:
            found.setdefault(point.x_text, []).append(point.y_text)
        return {x: ", ".join(texts) for x, texts in found.items()}


@dataclass(frozen=True)
class Plot:
    """A panel, ready to be drawn."""

    panel: Panel
    series: tuple[Drawn, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    rules: tuple[Rule, ...] = ()

    @cached_property
    def places(self) -> list[Point]:
        """One point for every x at which any model has one, from left to right."""
        found = {point.x_text: point for drawn in self.series for point in drawn.points}
        return sorted(found.values(), key=lambda point: point.x)

    def at(self, place: Point) -> list[str]:
        """Say the values of all models at an x; nothing where a model has none."""
        return [drawn.said.get(place.x_text, "") for drawn in self.series]


@dataclass(frozen=True)
class Axis:
    """Linear or logarithmic map of numbers to places."""

    low: float
    high: float
    start: float
    end: float
    log: bool

    def __call__(self, value: float) -> float:
        """Place of a number."""
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
        Drawn(
            name,
            pens[name],
            tuple(placed(x_axis, y_axis, *point) for point in points),
            thick=pens[name] == 0,
            broken=pens[name] >= _PENS,
        )
        for name, points in panel.series
    )
    places = sorted(set(xs)) if len(set(xs)) <= _MOST_TICKS else ticks(x_axis)
    return Plot(panel, series, said(x_axis, places), said(y_axis, ticks(y_axis)))


def placed(x_axis: Axis, y_axis: Axis, x: float, y: float) -> Point:
    """Place a point and say its two numbers."""
    return Point(x_axis(x), y_axis(y), number(x, whole=x.is_integer()), number(y))


def _axis(values: Sequence[float], start: float, end: float, *, log: bool) -> Axis:
    low, high = min(values), max(values)
    if low == high:
        low, high = (low / 2, high * 2) if log else (low - 0.5, high + 0.5)
    return Axis(low, high, start, end, log)


def ticks(axis: Axis) -> list[float]:
    """Round numbers inside an axis: powers of ten, or steps of 1, 2 or 5."""
    if axis.log:
        first, last = ceil(log10(axis.low) - 1e-9), floor(log10(axis.high) + 1e-9)
        powers = range(first, last + 1, max(1, -(-(last - first) // _MOST_TICKS)))
        for steps in ((1,), (1, 3), (1, 2, 5)):
            every = [step * 10.0**power for power in (first - 1, *powers) for step in steps]
            held = [value for value in every if axis.low <= value * _ALMOST <= axis.high * 1.001]
            if len(held) > 1:
                return held
        return [axis.low, axis.high]
    rough = (axis.high - axis.low) / 4
    power = 10.0 ** floor(log10(rough))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough * 0.999)
    first, last = ceil(axis.low / step - 1e-9), floor(axis.high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def said(axis: Axis, places: Sequence[float]) -> tuple[Tick, ...]:
    """Write numbers along an axis, powers of ten that are small or large as such."""
    return tuple(Tick(axis(value), _tick(value)) for value in places)


def _tick(value: float) -> str:
    power = log10(abs(value)) if value else 0.0
    if abs(power - round(power)) < 1e-9 and not -4 < power < 5:
        return f"{MINUS if value < 0 else ''}10{str(round(power)).translate(RAISED)}"
    return f"{value:,.6g}".replace("-", MINUS)
