"""Predicted horizons against measured ones, one point per trained tracker."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.report import style
from experiments.tracking.baseline import FOUR, other_tasks, overall
from experiments.tracking.cells import Cell
from experiments.tracking.horizon import Comparison, comparisons, overflows


def draw_horizons(study: Sequence[Cell], folder: Path) -> list[Path]:
    """Draw `tracking_horizon.png` and the same as PDF; nothing without a tracker to compare.

    Lengths are in units of the trained length. A tracker whose prediction has no end, or whose
    classes were not apart, stands at the upper or lower edge. Hollow marks are trackers in JAX;
    dots those that overflow in single precision, at the length where they do. Beside the line of
    predictions that come true stand the two constants of the claim, each with its error.
    """
    found, ended = comparisons(study), overflows(study)
    if not found:
        return []
    measured, predicted = _in_trained_lengths(found)
    inside = [p for p in predicted if isfinite(p) and p > 0]
    low, high = min([*inside, *measured]) / 1.5, max([*inside, *measured]) * 1.5
    with style.paper():
        size = (style.COLUMN, 4.6) if style.is_narrow() else (style.WIDTH / 2 + 1.6, 3.2)
        figure = Figure(figsize=size, layout="constrained")
        panel = figure.subplots()
        _rivals(panel, [c for c in found if c.cell.framework == "torch"], (low, high))
        tasks = list(dict.fromkeys(c.cell.task for c in found))
        for task, framework in dict.fromkeys((c.cell.task, c.cell.framework) for c in found):
            chosen = [(c.cell.task, c.cell.framework) == (task, framework) for c in found]
            number, hollow = tasks.index(task), framework != "torch"
            turn = number // len(style.PALETTE)  # where colours begin again, markers do not
            panel.plot(
                measured[chosen],
                np.clip(predicted[chosen], low, high),
                linestyle="none",
                marker=style.MARKERS[(number + turn) % len(style.MARKERS)],
                color=style.PALETTE[number % len(style.PALETTE)],
                fillstyle="none" if hollow else "full",
                label=f"{task}, {framework}" if hollow else task,
            )
        at, said = _in_trained_lengths(ended)
        if ended:
            panel.plot(
                at, np.clip(said, low, high), ".", color="0.45", markersize=3, label="overflow"
            )
        panel.set(
            xscale="log",
            yscale="log",
            xlabel="measured horizon / trained length",
            ylabel="predicted / trained length",
            xlim=(measured.min() / 1.2, measured.max() * 1.2),
            ylim=(low / 1.05, high * 1.05),
        )
        panel.xaxis.set_minor_formatter("{x:g}")
        title = "error in the logarithm, torch"
        if style.is_narrow():
            panel.set_title(f"lines: {title}")
            style.shared_legend(figure, [panel], ncols=3)
        else:
            panel.legend(title=title, loc="center left", bbox_to_anchor=(1.0, 0.5))
        return style.save(figure, folder, "tracking_horizon")


def _rivals(panel: Axes, found: Sequence[Comparison], ends: tuple[float, float]) -> None:
    """Draw the line of exact predictions and the constants, with their errors over `found`."""
    if not found:
        panel.plot(ends, ends, color="0.4", linewidth=0.8)
        return
    errors = overall(found)
    panel.plot(ends, ends, color="0.4", label=f"exact; predictions: {errors.predicted:.2f}")
    panel.axhline(FOUR, color="0.4", linestyle="--", label=f"constant {FOUR}: {errors.four:.2f}")
    means = np.exp([other_tasks(task, found) for task in {c.cell.task for c in found}])
    text = f"mean of other tasks: {errors.constant:.2f}"
    panel.axhspan(means.min(), means.max(), color="0.85", linewidth=0, zorder=0, label=text)


def _in_trained_lengths(found: Sequence[Comparison]) -> tuple[np.ndarray, np.ndarray]:
    """Measured and predicted steps over the trained length."""
    lengths = np.array([c.cell.length for c in found])
    return (
        np.array([c.measured for c in found]) / lengths,
        np.array([c.predicted for c in found]) / lengths,
    )
