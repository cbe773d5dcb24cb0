"""Error of structured random linear CDEs against width, and against the parameters they take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.record import Record
from experiments.report import style
from experiments.report.variants import require_one_setting
from experiments.toy.axes import PANELS, axes_of_widths
from experiments.toy.measurement import Measurement, cell_of, family, measurements, ratios_by

FLOOR = 2**-0.5  # of forced diagonal equations in three dimensions


def draw(records: Sequence[Record], folder: Path) -> list[Path]:
    """Draw `toy_structures.png` from the records of the preset `structures`."""
    require_one_setting((record for record in records if record.finished), cell_of)
    rows = measurements(records)
    with style.paper():
        figure = Figure(figsize=(7.0, 3.4), layout="constrained")
        axes = figure.subplots(1, 2, sharey=True)
        _panel(axes[0], rows, lambda row: row.width, "width")
        _panel(axes[1], rows, lambda row: row.num_parameters, "parameters of one matrix")
        axes[0].set_ylabel("RMSE / RMSE of predicting zero")
        style.shared_legend(figure, axes)
        return style.save(figure, folder, "toy_structures")


def _panel(
    panel: Axes, rows: Sequence[Measurement], key: Callable[[Measurement], int], name: str
) -> None:
    for number, label in enumerate(dict.fromkeys(family(row) for row in rows)):
        ratios = ratios_by([row for row in rows if family(row) == label], key)
        line = {
            "color": style.PALETTE[number % len(style.PALETTE)],
            "marker": style.MARKERS[number % len(style.MARKERS)],
            "label": label,
        }
        style.band(panel, list(ratios), list(ratios.values()), **line)
    panel.axhline(FLOOR, color="0.4", linestyle="-.", linewidth=0.8, label="diagonal's floor")
    axes_of_widths(panel, PANELS[3], name)
