"""Errors of the trained factorial, beside weights set by hand and the floors of theory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.record import Record
from experiments.report import style
from experiments.report.variants import require_one_setting
from experiments.toy.axes import PANELS
from experiments.toy.factorial_cells import (
    FactorialCell,
    by_hand,
    by_task,
    cell_of,
    factorial_cells,
)
from experiments.toy.representable_cells import IntegralRow, integral_rows

BY_HAND = ("x", "+")
FLOOR: dict[str, Any] = {"color": "0.4", "linestyle": "none", "marker": "_", "markersize": 16}
COLUMNS = {False: "C fixed", True: "C from the input"}


def draw(records: Sequence[Record], hand: Sequence[Record], folder: Path) -> list[Path]:
    """Draw `toy_factorial.png` and `.pdf`; nothing without finished records."""
    require_one_setting((record for record in records if record.finished), cell_of)
    tasks = by_task(factorial_cells(records))
    if not tasks:
        return []
    rows = integral_rows(hand)
    with style.paper():
        figure = Figure(figsize=(7.0, 0.6 + 2.3 * len(tasks)), layout="constrained")
        grid = figure.subplots(len(tasks), 2, sharey=True, squeeze=False)
        for line, ((channels, length), cells) in zip(grid, tasks.items(), strict=True):
            for panel, (follows, label) in zip(line, COLUMNS.items(), strict=True):
                _panel(panel, [c for c in cells if c.input_dependent_C == follows], rows)
                panel.set_title(f"{PANELS[channels]}, length {length}, {label}")
            line[0].set_ylabel("RMSE / RMSE of predicting zero")
        style.shared_legend(figure, grid.flat, *_handles())
        return style.save(figure, folder, "toy_factorial")


def _panel(panel: Axes, cells: Sequence[FactorialCell], rows: Sequence[IntegralRow]) -> None:
    ways = list(dict.fromkeys((cell.fed, cell.readout) for cell in cells))
    for cell in cells:
        place, number = ways.index((cell.fed, cell.readout)), cell.depth - 1
        side, colour = number - 0.5, style.PALETTE[number]
        mark: dict[str, Any] = {"color": colour, "linestyle": "none"}
        trained = [place + 0.2 * side] * len(cell.final)
        panel.plot(trained, cell.final, marker=style.MARKERS[number], **mark)
        hand = by_hand(rows, cell)
        if hand is not None and hand.best is not None:
            panel.plot([place + 0.6 * side], [hand.best], marker=BY_HAND[number], **mark)
        if cell.floor is not None:
            panel.plot([place], [cell.floor], **FLOOR)
    panel.axhline(1.0, color="0.4", linestyle=":", linewidth=0.8)
    panel.set_xticks(range(len(ways)), [f"{fed}\n{readout}" for fed, readout in ways], fontsize=6)
    panel.set_ylim(-0.05, 1.15)


def _handles() -> list[Line2D]:
    handles = []
    for number, name in enumerate(("one layer", "two layers")):
        mark: dict[str, Any] = {"marker": style.MARKERS[number], "color": style.PALETTE[number]}
        mark["linestyle"] = "none"
        handles.append(Line2D([], [], label=f"{name}, trained", **mark))
        handles.append(
            Line2D([], [], label=f"{name}, set by hand", **{**mark, "marker": BY_HAND[number]})
        )
    handles.append(Line2D([], [], label="floor of one layer (theory)", **FLOOR))
    handles.append(Line2D([], [], color="0.4", linestyle=":", label="predicting zero"))
    return handles
