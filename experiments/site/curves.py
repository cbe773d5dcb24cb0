"""Learning curves of one run, from its logged lines: losses, accuracies, and each other number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from experiments.report import style
from experiments.site.figure import MOST_POINTS, Curve, Panel, Place

MOST_PANELS = 8
_GROUPS = {"accuracy": "accuracy", "loss": "loss", "rmse": "loss"}
_SPAN = 50  # from which on an axis is logarithmic
_MOST = 1e300  # beyond it there is no room for a margin, and integers are no floats
_LEAST = 3  # numbers of a list that is drawn


def panels(
    lines: Sequence[Mapping[str, Any]], notes: Mapping[str, Any], most: int = MOST_POINTS
) -> list[Panel]:
    """Draw every logged number over the steps, and lists of the last line over their places.

    Of a curve of more than `most` points every second, third, ... is kept, and the last.
    """
    found: dict[str, list[tuple[str, list[tuple[float, float]]]]] = {}
    for name in dict.fromkeys(name for line in lines for name in line if name != "step"):
        points = [(float(line["step"]), line[name]) for line in lines if _is_number(line.get(name))]
        if len({x for x, _ in points}) > 1:
            group = next((group for end, group in _GROUPS.items() if end in name), name)
            found.setdefault(group, []).append((name, points))
    drawn = [_panel(group, "step", curves) for group, curves in found.items()]
    last = lines[-1] if lines else {}
    lists = {name: held for name, held in last.items() if _is_list(held)}
    by_place = [
        _panel(f"{name}, last line", "position", [(name, _counted(held))])
        for name, held in lists.items()
    ]
    return [_thinned(panel, most) for panel in (*drawn, *by_place, *_longer(notes))[:MOST_PANELS]]


def _longer(notes: Mapping[str, Any]) -> list[Panel]:
    """Accuracy position by position on sequences of each length that was tested."""
    longer = notes.get("longer")
    if not isinstance(longer, dict):
        return []
    curves = [
        (f"length {length}", _counted(facts["position_accuracy"]))
        for length, facts in longer.items()
        if isinstance(facts, dict) and _is_list(facts.get("position_accuracy"))
    ]
    return [_panel("accuracy by position", "position", curves)] if curves else []


def _panel(title: str, x_label: str, curves: list[tuple[str, list[tuple[float, float]]]]) -> Panel:
    xs, ys = ([point[k] for _, points in curves for point in points] for k in (0, 1))
    accuracy = title.endswith("accuracy") or "accuracy" in title
    log = not accuracy and min(ys) > 0 and max(ys) > _SPAN * min(ys)
    low, high = (0.0, 1.03) if accuracy and max(ys) <= 1 else _widened(min(ys), max(ys), log=log)
    return Panel(
        title.replace("_", " "),
        x_label,
        title.partition(",")[0].replace("_", " "),
        _widened(min(xs), max(xs), log=False),
        (low, high),
        False,
        log,
        tuple(
            Curve(name.replace("_", " "), style.PALETTE[k % 7], k >= 7, True, _places(points))
            for k, (name, points) in enumerate(curves)
        ),
        (),
        (),
        (),
    )


def _places(points: Sequence[tuple[float, float]]) -> tuple[Place, ...]:
    return tuple(Place(x, y) for x, y in points)


def _thinned(panel: Panel, most: int) -> Panel:
    """Keep every k-th point of long curves, and the last."""

    def kept(places: tuple[Place, ...]) -> tuple[Place, ...]:
        every = -(-len(places) // most) or 1
        return (*places[:-1:every], *places[-1:])

    curves = tuple(replace(curve, places=kept(curve.places)) for curve in panel.curves)
    return replace(panel, curves=curves)


def _widened(low: float, high: float, *, log: bool) -> tuple[float, float]:
    if log:
        share = (high / low) ** 0.05
        return low / share, high * share
    margin = 0.04 * (high - low) or 0.5
    return low - margin, high + margin


def _counted(held: Sequence[float]) -> list[tuple[float, float]]:
    return [(float(k), float(y)) for k, y in enumerate(held, start=1)]


def _is_number(held: object) -> bool:
    return isinstance(held, int | float) and not isinstance(held, bool) and abs(held) < _MOST


def _is_list(held: object) -> bool:
    return isinstance(held, list) and len(held) >= _LEAST and all(map(_is_number, held))
