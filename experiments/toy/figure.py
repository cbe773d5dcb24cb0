"""Figure 1's linear-CDE half: error against width, beside the published level and the floors.

Everything is drawn as a ratio to the error of predicting zero on the same held-out paths, since
the scale of the labels depends on the largest one drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.record import Record
from experiments.report import style
from experiments.report.rows import Load, select
from experiments.report.variants import require_one_setting
from experiments.toy import (
    factorial_cells,
    factorial_figure,
    kernel_figure,
    kernel_measurement,
    representable_cells,
    structure_figure,
    trained_figure,
)
from experiments.toy import trained as trained_models
from experiments.toy.axes import PANELS, axes_of_widths
from experiments.toy.measurement import (
    Measurement,
    cell_of,
    largest_sample,
    measurements,
    ratio_by_width,
)
from experiments.toy.published_values import LINEAR_CDE
from experiments.toy.trained import cell_of as cell_of_trained

# What the fourth model in 2-D and the third in 3-D cannot go below as the number of increments
# grows: without forcing a diagonal equation sees only the endpoint; with it, it cannot order the
# last two letters of S123 (docs/chapters/random_features.md).
FLOORS = {2: (3, 2**-0.5), 3: (2, 2**-0.5)}
# (structure, forcing) in drawing order.
MODELS = {
    ("dense", True): "dense",
    ("dense", False): "dense, no forcing",
    ("diagonal", True): "diagonal",
    ("diagonal", False): "diagonal, no forcing",
}


def draw(load: Load, preset: str | None, folder: Path) -> list[Path]:
    """Draw random linear CDEs, and, where there are records, trained models and infinite width.

    Of the preset `structures` it is `toy_structures.png`.
    """
    if preset == "structures":
        return structure_figure.draw(load(preset), folder)
    random, trained = load(preset), trained_models.records(load, preset)
    limit = load(preset, "kernel_limit")
    for held, cell in (
        (random, cell_of),
        (trained, cell_of_trained),
        (limit, kernel_measurement.cell_of),
    ):
        require_one_setting((record for record in held if record.finished), cell)
    paths = _draw_random(load, random, folder) if random else []
    paths += trained_figure.draw(trained, random, folder) if trained else []
    paths += kernel_figure.draw(limit, folder)
    hand = representable_cells.records(load, preset)
    return paths + factorial_figure.draw(factorial_cells.records(load, preset), hand, folder)


def _draw_random(load: Load, records: Sequence[Record], folder: Path) -> list[Path]:
    rows = [row for row in measurements(records) if row.method != "adaptive"]
    controls = [row for row in measurements(load("controls")) if row.method != "adaptive"]
    with style.paper():
        figure = Figure(figsize=(7.0, 3.4), layout="constrained")
        axes = figure.subplots(1, 2)
        for panel, channels in zip(axes, PANELS, strict=True):
            _panel(panel, channels, select(rows, channels=channels), controls)
        axes[0].set_ylabel("RMSE / RMSE of predicting zero")
        floor = Line2D([], [], color="0.4", linestyle="-.", label="floor (theory)")
        style.shared_legend(figure, axes, floor)
        return style.save(figure, folder, "toy")


def _panel(
    panel: Axes, channels: int, rows: Sequence[Measurement], controls: Sequence[Measurement]
) -> None:
    for number, ((structure, forcing), label) in enumerate(MODELS.items()):
        facts = {"channels": channels, "structure": structure, "forcing": forcing}
        scaling = largest_sample(r for r in select(controls, **facts) if _is_sweep(controls, r))
        _curve(panel, scaling or largest_sample(select(rows, **facts)), label, number)
    _main_job(panel, largest_sample(select(rows, structure="dense", forcing=True, width=256)))
    number, floor = FLOORS[channels]
    panel.axhline(floor, color=style.PALETTE[number], linestyle="-.", linewidth=0.8)
    published = LINEAR_CDE[channels]
    panel.axhline(1.0, color="0.4", linestyle="--", label="predicting zero")
    panel.axhline(published.ratio, color="0.4", linestyle=":", label="published, width 256")
    axes_of_widths(panel, PANELS[channels], "width")


def _is_sweep(rows: Sequence[Measurement], row: Measurement) -> bool:
    """Whether `row` belongs to a run over several widths, not to the solver comparison."""
    return len({r.width for r in rows if r.num_paths == row.num_paths}) > 1


def _curve(panel: Axes, rows: Sequence[Measurement], label: str, number: int) -> None:
    ratios = ratio_by_width(rows)
    if not ratios:
        return
    line = {"color": style.PALETTE[number], "marker": style.MARKERS[number], "label": label}
    style.band(panel, list(ratios), list(ratios.values()), **line)


def _main_job(panel: Axes, rows: Sequence[Measurement]) -> None:
    """Draw the draws at width 256 and the level of their mean, as in the published figure."""
    if not rows:
        return
    ratios = [row.ratio for row in rows]
    label = f"dense, width 256, {rows[0].num_paths:,} paths"
    panel.axhline(float(np.mean(ratios)), color="black", linewidth=1.0, label=label)
    panel.plot([256] * len(ratios), ratios, "_", color="black", markersize=9, zorder=3)
