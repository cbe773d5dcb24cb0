"""Figures: the loss a learning rate leads to, gradient over weight, and the edge of learning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from experiments.report import style
from experiments.report.rows import Load, select
from experiments.stability import edge_figure
from experiments.stability.edges import ladders
from experiments.stability.gradient_ratio import FAIR, comparable, ratios
from experiments.stability.sweep import MAPS, Cell, by_task, cells, maps_of, swept

SHOWN_RATES = 3
DIVERGED_AT = 30.0
"""Height at which a rate with a diverged seed is marked; losses are drawn up to here."""


def draw(load: Load, preset: str | None, folder: Path) -> list[Path]:
    """Draw `stability`, `gradient_over_weight` where all maps share a stable rate, and ladders."""
    sweeps = by_task(cells(swept(load, preset)))
    shared = {task: comparable(found) for task, found in sweeps.items()}
    shared = {task: rows for task, rows in shared.items() if rows}
    return [
        *(_losses(sweeps, folder) if sweeps else []),
        *(_ratios(shared, folder) if shared else []),
        *edge_figure.draw(ladders(load, preset), folder),
    ]


def _losses(sweeps: Mapping[str, Sequence[Cell]], folder: Path) -> list[Path]:
    with style.paper():
        size = (0.6 + 2.4 * max(2, len(sweeps)), 3.2)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(1, len(sweeps), sharey=True, squeeze=False)[0]
        for panel, (task, found) in zip(axes, sweeps.items(), strict=True):
            _panel(panel, found)
            panel.set_title(_lines(task))
        axes[0].set_ylabel("held-out loss / initial loss")
        lines = [
            Line2D([], [], color="0.4", linestyle="--", label="initial"),
            Line2D([], [], color="0.4", linestyle=":", label="constant prediction"),
            Line2D([], [], color="0.4", marker="x", linestyle="", label="a seed diverged"),
        ]
        shown = maps_of([cell for found in sweeps.values() for cell in found])
        style.legend(figure, [*_legend(shown), *lines], ncols=4)
        return style.save(figure, folder, "stability")


def _panel(panel: Axes, found: Sequence[Cell]) -> None:
    for name in maps_of(found):
        held = sorted(select(found, map=name), key=lambda cell: cell.rate)
        finite = [cell for cell in held if not cell.diverged]
        relative = [np.minimum(cell.final / cell.initial, DIVERGED_AT) for cell in finite]
        if finite:
            style.band(panel, [cell.rate for cell in finite], relative, **_look(name))
        lost = [cell.rate for cell in held if cell.diverged]
        top = style.across(panel, right=2.5 * (MAPS.index(name) - 2))  # marks side by side
        panel.plot(lost, [0.98] * len(lost), "x", color=_look(name)["color"], transform=top)
    constant = np.mean([np.mean(cell.constant / cell.initial) for cell in found])
    panel.axhline(1.0, color="0.4", linestyle="--", linewidth=0.8)
    panel.axhline(float(constant), color="0.4", linestyle=":", linewidth=0.8)
    panel.set(xscale="log", yscale="log", xlabel="learning rate")
    rates = sorted({cell.rate for cell in found})
    panel.set_xticks(rates, [f"{rate:g}" for rate in rates], rotation=45)
    panel.xaxis.set_minor_locator(NullLocator())


def _ratios(shared: Mapping[str, Mapping[float, Mapping[str, Cell]]], folder: Path) -> list[Path]:
    """One row for each task, one column for each of the largest rates that all maps share."""
    columns = min(SHOWN_RATES, max(map(len, shared.values())))
    with style.paper():
        size = (max(3.6, 0.6 + 2.1 * columns), 0.8 + 1.8 * len(shared))
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(len(shared), columns, squeeze=False)
        for row, (task, rows) in zip(axes, shared.items(), strict=True):
            for panel, (rate, held) in zip(row, rows.items(), strict=False):
                _history(panel, held)
                panel.set(xlabel="step", yscale="log")
                if style.is_narrow():
                    said = _lines(task).replace(" + ", "\n+ ")
                    panel.set_title(f"{said}\nlearning rate {rate:g}", fontsize="small")
                else:
                    panel.set_title(f"learning rate {rate:g}")
            for panel in row[len(rows) :]:
                panel.set_axis_off()
            above = "largest\n" if style.is_narrow() else f"{_lines(task)}\nlargest "
            row[0].set_ylabel(f"{above}|gradient| / |weight|")
        handles = _legend(FAIR)
        style.legend(figure, handles, ncols=len(handles))
        return style.save(figure, folder, "gradient_over_weight")


def _history(panel: Axes, held: Mapping[str, Cell]) -> None:
    for name, cell in held.items():
        measured = [ratios(record) for record in cell.records]
        samples = list(np.array([r.peaks for r in measured]).T)
        look = {**_look(name), "marker": ""}
        style.band(panel, measured[0].steps.tolist(), samples, **look)


def _lines(task: str) -> str:
    return task.replace(", ", ",\n", 1).replace(" (", "\n(")


def _legend(names: Sequence[str]) -> list[Line2D]:
    return [Line2D([], [], label=name, **_look(name)) for name in names]


def _look(name: str) -> dict[str, Any]:
    number = MAPS.index(name)
    return {"color": style.PALETTE[number], "marker": style.MARKERS[number]}
