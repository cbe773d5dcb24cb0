"""Error against width on one training set, and the error of infinite width as a level."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.record import Record
from experiments.report import style
from experiments.toy.axes import PANELS, axes_of_widths
from experiments.toy.kernel_measurement import LimitCell, limit_cells

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
        style.shared_legend(figure, axes)
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
    axes_of_widths(panel, PANELS[channels] + paths, "width")
