"""Trained networks: error against the size of a perturbation, and the memory that was learnt.

One figure of each kind for each activation, kind of matrix and length; one row for each memory and
slowest rate at the start, one column for each parameterisation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.memory.theory import UP_TO
from experiments.memory.trained_curves import READINGS, Ladder, ladders
from experiments.record import Record
from experiments.report import style
from experiments.report.rows import grouped, select

Panel = Callable[[Axes, Sequence[Ladder], Sequence[int]], None]

DRAWS = "all inf"  # the published reading
# A larger error is that of a network that explodes; by how much says nothing more.
CEILING = 1e6


def draw(records: Sequence[Record], folder: Path) -> list[Path]:
    """Draw `memory_trained_<which>` and `memory_learnt_<which>`."""
    paths = []
    for which, found in grouped(ladders(records), _which).items():
        name, axes = f"memory_trained_{which}", (r"perturbation $\beta$", r"error $E_m(\beta)$")
        paths += _grid(found, _perturbed, axes, _readings(found), folder, name)
        one = select(found, reading=found[0].reading)
        target = Line2D([], [], color="0.6", linewidth=3, label="target memory")
        name, axes = f"memory_learnt_{which}", ("age $t + 1$", "memory function")
        paths += _grid(one, _learnt, axes, [target], folder, name)
    return paths


def _which(ladder: Ladder) -> str:
    matrix = [] if ladder.matrix == "diagonal" else ladder.matrix.split(", ")
    return "_".join([ladder.activation, *matrix, str(ladder.length), "steps"])


def _grid(
    found: Sequence[Ladder],
    draw_panel: Panel,
    labels: tuple[str, str],
    legend: Sequence[Line2D],
    folder: Path,
    name: str,
) -> list[Path]:
    maps = list(dict.fromkeys(ladder.map for ladder in found))
    rows = list(dict.fromkeys((ladder.kernel, ladder.min_rate) for ladder in found))
    widths = sorted({width for ladder in found for width in ladder.curves.widths})
    with style.paper():
        size = (max(0.7 + 1.6 * len(maps), 4.0), 0.8 + 1.6 * len(rows))
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(len(rows), len(maps), sharex=True, sharey="row", squeeze=False)
        for row, (kernel, start) in zip(axes, rows, strict=True):
            held = select(found, kernel=kernel, min_rate=start)
            for panel, chosen in zip(row, maps, strict=True):
                draw_panel(panel, select(held, map=chosen), widths)
                panel.set(xscale="log", yscale="log")
            memory = kernel.replace(", ", "\n", 1)  # in one line it is longer than a row is high
            row[0].set_ylabel(f"{memory}\nstart {start:g}\n{labels[1]}")
        for panel, chosen in zip(axes[0], maps, strict=True):
            panel.set_title(chosen)
        for panel in axes[-1]:
            panel.set_xlabel(labels[0])
        looks = [
            Line2D([], [], color=style.PALETTE[i], marker=style.MARKERS[i], label=f"$m={width}$")
            for i, width in enumerate(widths)
        ]
        handles = [*looks, *legend]
        style.legend(figure, handles, ncols=max(len(maps), 3))
        return style.save(figure, folder, name)


def _perturbed(panel: Axes, found: Sequence[Ladder], widths: Sequence[int]) -> None:
    """Draw mean and range over seeds under the shift, and the mean of the draws."""
    for number, width in enumerate(widths):
        colour, marker = style.PALETTE[number], style.MARKERS[number]
        for reading, dashes in (("shift", "-"), (DRAWS, "--")):
            betas, errors = _curves(select(found, reading=reading), width)
            if not len(betas):
                continue
            look = {"marker": marker} if reading == "shift" else {"linewidth": 0.9}
            samples = list(errors.T)
            style.band(panel, betas.tolist(), samples, color=colour, linestyle=dashes, **look)
    panel.axvline(UP_TO, color="0.5", linewidth=0.8)
    outcomes = [ladder.outcome for ladder in select(found, reading="shift")]
    if outcomes:
        words = dict.fromkeys(outcomes)
        text = "\n".join(f"{word}, {outcomes.count(word)} of {len(outcomes)}" for word in words)
        size = 5 if style.is_narrow() else 6
        panel.text(0.04, 0.97, text, va="top", fontsize=size, transform=panel.transAxes)


def _curves(rows: Sequence[Ladder], width: int) -> tuple[np.ndarray, np.ndarray]:
    """Sizes above zero and the errors there, (seed, beta); empty where no ladder has the width."""
    held = [row.curves for row in rows if width in row.curves.widths]
    if not held:
        return np.empty(0), np.empty((0, 0))
    above = held[0].betas > 0
    errors = [curves.errors[curves.widths.index(width), above] for curves in held]
    return held[0].betas[above], np.minimum(errors, CEILING)


def _learnt(panel: Axes, found: Sequence[Ladder], widths: Sequence[int]) -> None:
    """Draw the memory functions of the first seed, and what they were trained to be."""
    if not found:
        return
    ages = np.array(found[0].networks[0]["ages"])
    panel.plot(1 + ages, found[0].target(ages), color="0.6", linewidth=3)
    for network in found[0].networks:
        number = widths.index(network["width"])
        panel.plot(
            1 + ages,
            network["memory"],
            color=style.PALETTE[number],
            marker=style.MARKERS[number],
            markevery=(2 * number, 10),
        )
    panel.set_ylim(1e-6, 10)


def _readings(found: Sequence[Ladder]) -> list[Line2D]:
    held = {ladder.reading for ladder in found}
    looks = {
        "shift": Line2D([], [], color="0.2", label=READINGS["shift"]),
        DRAWS: Line2D([], [], color="0.2", linestyle="--", label=READINGS[DRAWS]),
    }
    return [look for name, look in looks.items() if name in held]
