"""Error against width on one training set, and the error of infinite width as a level."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from experiments.record import Record
from experiments.report import style
from experiments.toy.kernel_measurement import LimitCell, limit_cells

PANELS = {2: "$S^{12}$ of 2-D paths", 3: "$S^{123}$ of 3-D paths"}
# The same colour and marker for the same model as in the figure without the limit.
NUMBERS = {"dense": 0, "dense, no forcing": 1, "diagonal": 2, "diagonal, no forcing": 3}


def draw(records: Sequence[Record], folder: Path) -> list[Path]:
    """Draw `toy_limit.png` and `.pdf`; nothing without finished records."""
    cells = limit_cells(records)
    if not cells:
        return []
    with style.paper():
        figure = Figure(figsize=(7.0, 3.4), layout="constrained")
        axes = figure.subplots(1, 2, sharey=True)
        for panel, channels in zip(axes, PANELS, strict=True):
            _panel(panel, channels, [cell for cell in cells if cell.channels == channels])
        axes[0].set_ylabel("RMSE / RMSE of predicting zero")
        entries = [panel.get_legend_handles_labels() for panel in axes]
        named = {label: handle for pair in entries for handle, label in zip(*pair, strict=True)}
        figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=4)
        return style.save(figure, folder, "toy_limit")


def _panel(panel: Axes, channels: int, cells: Sequence[LimitCell]) -> None:
    for cell in cells:
        number = NUMBERS[cell.name]
        colour, marker = style.PALETTE[number], style.MARKERS[number]
        line = {"color": colour, "marker": marker, "label": cell.name}
        style.band(panel, list(cell.ratios), list(cell.ratios.values()), **line)
        label = f"{cell.name}, infinite width"
        panel.axhline(cell.limit, color=colour, linestyle="--", linewidth=1.0, label=label)
    paths = f", {cells[0].num_train:,} training paths" if cells else ""
    panel.axhline(1.0, color="0.4", linestyle=":", label="predicting zero")
    panel.set(title=PANELS[channels] + paths, xlabel="width", yscale="log")
    panel.set_xscale("log", base=2)
    panel.xaxis.set_major_formatter("{x:.0f}")
    panel.yaxis.set_minor_formatter(NullFormatter())
