"""What the norm decides as the learning rate or the number of steps changes, on ListOps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.lra.cells import Cell
from experiments.lra.differences import FACTORS, Difference, at_levels
from experiments.lra.judges import LIST_OPS
from experiments.lra.ladders import OF_RATES, OF_STEPS, Table, ladders
from experiments.report import style
from experiments.report.rows import select

PLACES = {"pre": "before the mixer", "post": "after the residual"}


def draw(found: Sequence[Cell], folder: Path) -> list[Path]:
    """Draw `lra_rates`: layer - batch with its interval, by rate and by steps, for either place.

    A panel is drawn where there are records of several rates, or several numbers of steps.
    """
    list_ops = select(found, short=LIST_OPS)
    parts = [
        (ladder, [getattr(table[0], field) for table in ladder], name)
        for of, field, name in (
            (OF_RATES, "rate", "learning rate"),
            (OF_STEPS, "num_steps", "steps"),
        )
        if (ladder := next(iter(ladders(list_ops, of)), []))
    ]
    if not parts:
        return []
    with style.paper():
        figure = Figure(figsize=(0.4 + 2.3 * len(parts), 2.6), layout="constrained")
        panels = figure.subplots(1, len(parts), sharey=True, squeeze=False)[0]
        for panel, part in zip(panels, parts, strict=True):
            _panel(panel, *part)
        gap = "\n" if style.is_narrow() else " "
        panels[0].set_ylabel(f"layer - batch,{gap}points of test accuracy")
        handles = [_handle(place, label) for place, label in PLACES.items()]
        style.legend(figure, handles, ncols=2)
        return style.save(figure, folder, "lra_rates")


def _panel(panel: Axes, ladder: Sequence[Table], places: Sequence[float], name: str) -> None:
    panel.axhline(0, color="0.4", linestyle=":", linewidth=0.8)
    shown: list[Difference] = []
    for place in PLACES:
        here = [
            (at, difference)
            for at, table in zip(places, ladder, strict=True)
            for difference in at_levels(table, "norm", "position")
            if difference.where == place and difference.num_seeds > 1
        ]
        if here:
            means = [difference.mean for _, difference in here]
            halves = [difference.mean - difference.interval[0] for _, difference in here]
            look = _handle(place, "")
            panel.errorbar(
                [at for at, _ in here],
                means,
                halves,
                color=look.get_color(),
                marker=look.get_marker(),
                capsize=2,
            )
            shown += [difference for _, difference in here]
    counts = sorted({difference.num_seeds for difference in shown})
    frameworks = dict.fromkeys(cell.framework for table in ladder for cell in table)
    seeds = f"\nn = {', '.join(map(str, counts))} seeds" if counts else "\none seed"
    panel.set_title(", ".join(frameworks) + seeds)
    panel.set_xlabel(name)
    panel.set_xscale("log")
    panel.set_xticks([*places], [f"{at:,g}" for at in places])
    panel.minorticks_off()


def _handle(place: str, label: str) -> Line2D:
    number = FACTORS["position"].index(place)
    colour, marker = style.PALETTE[number], style.MARKERS[number]
    return Line2D([], [], color=colour, marker=marker, label=label)
