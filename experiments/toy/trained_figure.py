"""Figure 1 in full: trained sequence models beside random linear CDEs, error against steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.record import Record
from experiments.report import style
from experiments.report.rows import select
from experiments.toy.measurement import largest_sample, measurements
from experiments.toy.trained import NAMES, Cell, cells

PANELS = {2: "Area: $S^{12}$ of 2-D paths", 3: "Volume: $S^{123}$ of 3-D paths"}
# (depth, nonlinear) as a dash pattern; the colour is the model's.
DASHES = {(1, False): ":", (2, False): "--", (2, True): "-"}


def draw(trained: Sequence[Record], random: Sequence[Record], folder: Path) -> list[Path]:
    """Draw `toy_trained.png` and `.pdf` from records of both halves of the study."""
    rows = cells(trained)
    with style.paper():
        figure = Figure(figsize=(7.0, 3.4), layout="constrained")
        axes = figure.subplots(1, 2, sharey=True)
        for panel, channels in zip(axes, PANELS, strict=True):
            _panel(panel, channels, [row for row in rows if row.channels == channels], random)
        axes[0].set_ylabel("RMSE / RMSE of predicting zero")
        style.shared_legend(figure, axes)
        return style.save(figure, folder, "toy_trained")


def _panel(panel: Axes, channels: int, rows: Sequence[Cell], random: Sequence[Record]) -> None:
    models = list(dict.fromkeys([*NAMES, *(row.model for row in rows)]))
    for row in rows:
        number = models.index(row.model)
        colour, dashes = style.PALETTE[number], DASHES.get((row.depth, row.nonlinear), "-.")
        style.band(
            panel,
            row.steps.tolist(),
            list(row.ratios.T),
            color=colour,
            linestyle=dashes,
            label=row.name,
        )
    panel.axhline(1.0, color="0.4", linewidth=0.8, label="predicting zero")
    facts = {"channels": channels, "structure": "dense", "forcing": True, "width": 256}
    dense = largest_sample(
        row for row in select(measurements(random), **facts) if row.method != "adaptive"
    )
    if dense:
        mean = float(np.mean([row.ratio for row in dense]))
        panel.axhline(mean, color="black", linewidth=1.2, label="random linear CDE, width 256")
    panel.set(title=PANELS[channels], xlabel="training steps", yscale="log")
