"""What the figures of a card show, as plain data: one map of success, and panels of curves.

A card's curves become panels, one for each item and metric, a line for each model. Figures on paper
and on the page are drawn from the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from experiments.bench.cards import Card, Line, lines
from experiments.bench.report.numbers import is_share, plain

Points = tuple[tuple[float, float], ...]

SIGNS = {"possible": "+", "impossible": "\N{MINUS SIGN}", "open": "?"}
"""What theory says, in a sign."""
SIGNS_SAID = "theory: + can, \N{MINUS SIGN} cannot, ? open"
WIDE = 50
"""Ratio of values from which their logarithms are shown."""
_AXES = {
    "tracking": ("length", "accuracy"),
    "recall": ("length", "accuracy"),
    "memory": ("age", "relative memory"),
    "rates": ("learning rate", "accuracy"),
}


@dataclass(frozen=True)
class Map:
    """Share of runs that learn each task, a row for each model; None where it was not measured."""

    title: str
    tasks: tuple[str, ...]
    models: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    signs: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Panel:
    """Curves of models over one axis.

    Parameters
    ----------
    part, title
        Part of the card, and what is drawn.
    x_label, y_label
        What the axes say.
    series
        Names of models and their points, sorted by x, in the order of the card's models.
    """

    part: str
    title: str
    x_label: str
    y_label: str
    series: tuple[tuple[str, Points], ...]

    @property
    def points(self) -> list[tuple[float, float]]:
        """All points of all models."""
        return [point for _, points in self.series for point in points]

    @property
    def x_log(self) -> bool:
        """Whether x spans more than a factor of eight, from above zero."""
        return spans([x for x, _ in self.points], 8)

    @property
    def y_log(self) -> bool:
        """Whether y spans more than a factor of fifty, from above zero."""
        return self.y_label != "accuracy" and spans([y for _, y in self.points], WIDE)

    @property
    def spread(self) -> float:
        """Distance of the best and the worst model where the axis ends."""
        ends = [points[-1][1] for _, points in self.series]
        return max(ends) - min(ends)


def success(card: Card) -> Map | None:
    """Map which tasks were learnt, with what theory says; None if tracking was not measured."""
    chosen: dict[str, Line] = {}
    for line in lines(card, "tracking"):
        if any(is_share(m) for m in line.cells.values()):
            chosen.setdefault(line.item, line)
    if not chosen:
        return None
    models = [m for m in card.models if any(m in line.cells for line in chosen.values())]
    values = tuple(tuple(_value(line, model) for line in chosen.values()) for model in models)
    said = _predictions(card)
    signs = tuple(tuple(said.get((task, model), "") for task in chosen) for model in models)
    title = "Runs that learn the task, %"
    return Map(title, tuple(map(plain, chosen)), tuple(map(plain, models)), values, signs)


def panels(card: Card) -> list[Panel]:
    """Panels of curves, in the order of the card."""
    return [
        _panel(card, part, line)
        for part in card.parts
        for line in lines(card, part)
        if _curves(line)
    ]


def _panel(card: Card, part: str, line: Line) -> Panel:
    """Name the axes by the part if it is known, else by the metric, which is the title then."""
    stem = re.sub(r", at [\d,]+ (positions|tokens|steps)$", "", line.metric)
    y, _, x = stem.partition(" by ") if " by " in stem else stem.partition(" against ")
    x_label, y_label = _AXES.get(part, (x or "length", y))
    when = re.search(r", (trained|untrained)$", line.metric)
    title = f"{line.item}{when[0] if when else ''}" if part in _AXES else y
    curves = _curves(line)
    series = tuple((plain(m), curves[m]) for m in card.models if m in curves)
    return Panel(part, plain(title), plain(x_label), plain(y_label), series)


def _curves(line: Line) -> dict[str, Points]:
    found = {
        name: tuple(sorted(point for point in m.curve if all(map(isfinite, point))))
        for name, m in line.cells.items()
    }
    return {name: points for name, points in found.items() if points}


def _value(line: Line, model: str) -> float | None:
    found = line.cells.get(model)
    return float(found.value) if found and isinstance(found.value, float | int) else None


def _predictions(card: Card) -> dict[tuple[str, str], str]:
    said = {}
    for m in card.of("theory"):
        word = str(m.value).split(" ")[0].strip(",;:.")
        if word in SIGNS:
            said[m.item, m.model] = SIGNS[word]
    return said


def spans(values: Sequence[float], factor: float) -> bool:
    """Whether positive values differ by more than a factor."""
    return min(values) > 0 and max(values) / min(values) > factor
