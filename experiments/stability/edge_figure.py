"""The edge of learning by optimiser, map and memory, with the prediction of theory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.record import Record
from experiments.report import style
from experiments.report.rows import grouped
from experiments.stability.edges import Edge, by_memory, edges, scales
from experiments.stability.sweep import MAPS

_END = {"color": "0.7", "linestyle": ":", "linewidth": 0.8}


def draw(records: Sequence[Record], folder: Path) -> list[Path]:
    """Draw `stability_optimisers`, a panel for each network and optimiser; nothing of no records.

    Lines are geometric means over seeds and bands their range; crosses are predictions, with one
    constant in each panel. A map at an end of the grid may bear more, or less, than is drawn.
    """
    panels = grouped(edges(records), lambda edge: (edge.network, edge.optimiser))
    if not panels:
        return []
    columns = max(len({o for n, o in panels if n == network}) for network, _ in panels)
    networks = list(dict.fromkeys(network for network, _ in panels))
    with style.paper():
        size = (max(3.6, 0.6 + 1.9 * columns), 0.9 + 2.1 * len(networks))
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(len(networks), columns, squeeze=False)
        for row, network in zip(axes, networks, strict=True):
            held = {o: found for (n, o), found in panels.items() if n == network}
            for panel, (optimiser, found) in zip(row, held.items(), strict=False):
                _panel(panel, found)
                panel.set_title(f"{network}, {optimiser}")
            for panel in row[len(held) :]:
                panel.set_axis_off()
            row[0].set_ylabel("largest rate that learns")
        shown = [n for n in MAPS if n in {e.map for found in panels.values() for e in found}]
        marks = Line2D([], [], color="0.4", marker="x", linestyle="", label="predicted")
        ends = Line2D([], [], label="ends of the grid", **_END)
        style.legend(figure, [*(_line(name) for name in shown), marks, ends], ncols=6)
        return style.save(figure, folder, "stability_optimisers")


def _panel(panel: Axes, found: Sequence[Edge]) -> None:
    scale = next(iter(scales(found).values()))
    rows = by_memory(found)
    places = np.arange(len(rows))
    for name in (n for n in MAPS if all(n in row for row in rows.values())):
        held = [row[name] for row in rows.values()]
        logs = [np.array(list(edge.logs.values())) for edge in held]
        color = str(_line(name).get_color())
        panel.plot(places, [10 ** log.mean() for log in logs], **_look(name))
        low, high = ([10 ** reduce(log) for log in logs] for reduce in (np.min, np.max))
        panel.fill_between(places, low, high, color=color, alpha=0.2, linewidth=0)
        shift = 0.05 * (MAPS.index(name) - 2.5)  # marks that would lie on each other
        predicted = [scale * edge.predicted for edge in held]
        panel.plot(places + shift, predicted, "x", color=color)
    for rate in (found[0].rates[0], found[0].rates[-1]):
        panel.axhline(rate, **_END)
    panel.set(yscale="log", xlabel="memory")
    panel.set_xticks(places, list(rows))


def _line(name: str) -> Line2D:
    return Line2D([], [], label=name, **_look(name))


def _look(name: str) -> dict[str, Any]:
    number = MAPS.index(name)
    return {"color": style.PALETTE[number], "marker": style.MARKERS[number]}
