"""Prediction beside measurement, and accuracy position by position beyond the trained length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.record import Record
from experiments.report import style
from experiments.report.rows import Load, joined, select
from experiments.report.variants import require_one_setting
from experiments.tracking.cells import Cell, cell_of, cells, names
from experiments.tracking.horizon_figure import draw_horizons
from experiments.tracking.judgement import FAR, far_accuracy
from experiments.tracking.prediction import predicted

SIGNS = {"possible": "+", "impossible": "\N{MINUS SIGN}", "open": "?"}
CURVES = (
    ("parity", ("mamba", "mamba_signed", "delta_net", "delta_net_signed")),
    ("counting mod 3", ("mamba_signed", "complex_diagonal", "delta_net_signed", "delta_product")),
    ("A5", ("complex_diagonal", "block_diagonal", "low_rank", "dense", "rnn")),
)
"""Tasks that are drawn position by position, and the classes that are drawn on each."""
LINES = {"torch": "-", "JAX": "--"}


def draw(load: Load, preset: str | None, folder: Path) -> list[Path]:
    """Draw `tracking.png`, `tracking_lengths.png` and `tracking_horizon.png`, and PDFs of them."""
    found = records(load, preset)
    require_one_setting(found, cell_of)
    study = cells(found)
    return [
        *_draw_grid(study, folder),
        *_draw_lengths(study, folder),
        *draw_horizons(study, folder),
    ]


def records(load: Load, preset: str | None) -> list[Record]:
    """Load both halves of a preset; beside `quick`, what is there of `prediction` and `rows`."""
    presets = (preset,) if preset in ("smoke", "paper") else (preset, "prediction", "rows")
    parts = [
        (name, file)
        for name in presets
        for file in ("sequence_models", "linear_cde")
        if (name, file) != ("rows", "linear_cde")  # PD-SSM is torch's alone
    ]
    return [record for record in joined(load, parts) if record.finished]


def _draw_grid(study: Sequence[Cell], folder: Path) -> list[Path]:
    """Draw a row for each class and a column for each task; in one column of a page, upright."""
    tasks = list(dict.fromkeys((c.task, c.length) for c in study))
    classes, narrow = names(study), style.is_narrow()
    values = np.full((len(classes), len(tasks)), np.nan)
    with style.paper():
        width, above = (style.COLUMN, 1.6) if narrow else (style.WIDTH, 0.6)
        figure = Figure(figsize=(width, above + 0.24 * len(classes)))
        panel = figure.subplots()
        panel.grid(visible=False)
        for cell in study:
            row, column = classes.index(cell.name), tasks.index((cell.task, cell.length))
            if (accuracy := far_accuracy(cell)) is not None:
                values[row, column] = accuracy
                _write(panel, (column, row), cell, accuracy)
        image = panel.imshow(values, vmin=0, vmax=1, cmap="cividis", aspect="auto")
        panel.set_yticks(range(len(classes)), classes)
        panel.tick_params(length=0)
        signs = f"Theory (+ possible, {SIGNS['impossible']} impossible, ? open)"
        measured = f"accuracy at {FAR} times the trained length"
        if narrow:
            said = [f"{task}, {length}" for task, length in tasks]
            panel.set_xticks(range(len(tasks)), said, rotation=90)
            figure.suptitle(f"{signs}\nand {measured},\nmedian of seeds", fontsize="medium")
        else:
            said = [f"{task}\n{length}".replace(" ", "\n", 1) for task, length in tasks]
            panel.set_xticks(range(len(tasks)), said)
            panel.set_title(f"{signs} and {measured}")
            figure.colorbar(image, ax=panel, label="token accuracy, median of seeds")
        return style.save(figure, folder, "tracking")


def _write(panel: Axes, place: tuple[int, int], cell: Cell, accuracy: float) -> None:
    """Write prediction and accuracy into a field of the grid."""
    sign = "" if cell.kind.transition is None else SIGNS[predicted(cell).status]
    colour = "white" if accuracy < 0.5 else "black"
    gap, size = ("", 5.0) if style.is_narrow() else (" ", None)
    text = f"{sign}{gap}{accuracy:.2f}"
    panel.text(*place, text, ha="center", va="center", color=colour, fontsize=size)


def _draw_lengths(study: Sequence[Cell], folder: Path) -> list[Path]:
    with style.paper():
        figure = Figure(figsize=(style.WIDTH, 3.4), layout="constrained")
        for panel, (task, models) in zip(figure.subplots(1, len(CURVES)), CURVES, strict=True):
            _lengths(panel, study, task, models)
        return style.save(figure, folder, "tracking_lengths")


def _lengths(panel: Axes, study: Sequence[Cell], task: str, models: Sequence[str]) -> None:
    """Draw accuracy at each position of the longest sequences: median, least and most of seeds."""
    drawn = [c for c in select(study, task=task) if c.tested and c.model in models]
    for number, model in enumerate(models):
        for place, cell in enumerate(_longest(select(drawn, model=model))):
            label = "_" if place else cell.name  # JAX beside torch has the same colour
            line = {"color": style.PALETTE[number], "linestyle": LINES[cell.framework]}
            _length(panel, cell, label=label, **line)
    title = f"{task} (dashed: JAX)" if select(drawn, framework="JAX") else task
    panel.set(xlabel="position", ylabel="accuracy", title=title, xscale="log", ylim=(0, 1.03))
    if panel.get_legend_handles_labels()[0]:
        panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.28))


def _longest(found: Sequence[Cell]) -> list[Cell]:
    """Cell of the longest training in each framework, torch first."""
    halves = [select(found, framework=framework) for framework in LINES]
    return [max(half, key=lambda cell: cell.length) for half in halves if half]


def _length(panel: Axes, cell: Cell, *, color: str, linestyle: str, label: str) -> None:
    places = cell.accuracies(cell.tested[-1], "position_accuracy")
    positions = np.arange(1, places.shape[1] + 1)
    median, low, high = (reduce(places, axis=0) for reduce in (np.median, np.min, np.max))
    panel.plot(positions, median, color=color, linestyle=linestyle, label=label)
    panel.fill_between(positions, low, high, color=color, alpha=0.2, linewidth=0)
    panel.axvline(cell.length, color="0.4", linestyle=":", linewidth=0.8)
