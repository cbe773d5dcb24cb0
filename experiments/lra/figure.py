"""Training curves of S4 and its peers; layer - batch by rate and steps; what S4 learnt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.typing import LineStyleType

from experiments.lra import figure_of_ladders
from experiments.lra.cells import Cell, cell_of, cells
from experiments.lra.differences import tables
from experiments.lra.judges import usual
from experiments.lra.records import records as records_of
from experiments.lra.table import named
from experiments.record import Record
from experiments.report import style
from experiments.report.interval import half_width
from experiments.report.rows import Load, select
from experiments.report.variants import require_one_setting
from seqtheory.hippo import normal_part

PLACES = (("layer", "pre"), ("layer", "post"), ("batch", "pre"), ("batch", "post"))
ENOUGH_FOR_BAND = 3
"""Two seeds have an interval thirteen times as wide as they lie apart, which hides a panel."""
DASHES: dict[str, LineStyleType] = {"torch": "-", "JAX": "--"}


def draw(load: Load, preset: str | None, folder: Path) -> list[Path]:
    """Draw `lra` (validation accuracy in training) and what there are records for.

    `lra_kernels` needs an S4 that was trained, `lra_rates` several learning rates or numbers of
    steps.
    """
    records = [record for record in records_of(load, preset) if record.finished]
    require_one_setting(records, cell_of)
    every = cells(records)
    found = [cell for cell in every if usual(cell)]
    paths = _curves(found, folder)
    held = next(iter(tables(found)), [])
    shown = [cell for cell in held if cell.framework == held[0].framework and cell.by_seed]
    paths += _learned(shown, folder) if shown else []
    return paths + figure_of_ladders.draw(every, folder)


def _curves(found: Sequence[Cell], folder: Path) -> list[Path]:
    """Draw S4 with every norm in every place, the models below it; a column for each task."""
    tasks = list(dict.fromkeys((cell.task, cell.short) for cell in found))
    names = named(found)
    with style.paper():
        size = (max(4.5, 0.8 + 2.2 * len(tasks)), 4.6)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(2, max(1, len(tasks)), squeeze=False)
        for column, (task, short) in zip(axes.T, tasks, strict=False):
            here = select(found, task=task)
            for cell in select(here, model="s4"):
                number, dashes = PLACES.index((cell.norm, cell.position)), DASHES[cell.framework]
                _band(column[0], cell, {**_look(number), "linestyle": dashes})
            for cell in _peers(here):
                _band(column[1], cell, _look(list(names).index(cell.model)))
            for panel in column:
                panel.axhline(_constant(here), color="0.4", linestyle=":", linewidth=0.8)
            column[0].set_title(f"{short}\n{_counted(select(here, model='s4'))}")
            column[1].set_title(_counted(_peers(here)))
            column[1].set_xlabel("step")
        gap = "\n" if style.is_narrow() else " "
        axes[0, 0].set_ylabel(f"S4: validation{gap}accuracy, %")
        axes[1, 0].set_ylabel(f"models: validation{gap}accuracy, %")
        handles = [
            *(_handle(number, f"{norm}, {place}") for number, (norm, place) in enumerate(PLACES)),
            *(Line2D([], [], color="0.4", linestyle=d, label=n) for n, d in DASHES.items()),
            Line2D([], [], color="0.4", linestyle=":", label="commonest class"),
        ]
        style.legend(figure, handles, ncols=4, loc="outside upper center")
        models = [_handle(n, name) for n, name in enumerate(names.values())]
        style.legend(figure, models, ncols=4)
        return style.save(figure, folder, "lra")


def _counted(shown: Sequence[Cell]) -> str:
    """Say how many seeds the cells of a panel have."""
    counts = sorted({len(cell.by_seed) for cell in shown})
    return f"n = {', '.join(map(str, counts))} seeds" if counts else ""


def _peers(here: Sequence[Cell]) -> list[Cell]:
    """Cells in torch that share norm, place and budget with a model other than S4."""
    torch = select(here, framework="torch")
    shared = {(c.norm, c.position, c.scale) for c in torch if c.model != "s4"}
    return [cell for cell in torch if (cell.norm, cell.position, cell.scale) in shared]


def _band(panel: Axes, cell: Cell, look: dict[str, Any]) -> None:
    """Draw the mean over seeds with Student's interval, or each of the seeds where they are few."""
    curves = [_curve(record) for record in cell.by_seed.values()]
    if not curves:
        return
    steps = sorted(set.intersection(*(set(curve) for curve in curves)))
    rows = np.array([[curve[step] for step in steps] for curve in curves])
    panel.plot(steps, rows.mean(axis=0), **{**look, "marker": ""})
    if len(rows) >= ENOUGH_FOR_BAND:
        half = np.array([half_width(column[None]) for column in rows.T])
        low, high = (np.clip(rows.mean(axis=0) + s * half, 0, 100) for s in (-1, 1))
        panel.fill_between(steps, low, high, color=look["color"], alpha=0.2, linewidth=0)
    else:
        panel.plot(steps, rows.T, color=look["color"], alpha=0.4, linewidth=0.5)


def _curve(record: Record) -> dict[int, float]:
    return {line["step"]: 100 * line["token_accuracy"] for line in record.metrics}


def _constant(here: Sequence[Cell]) -> float:
    """Test accuracy of the commonest class, in percent."""
    return 100 * float(np.mean([r.notes["constant"] for cell in here for r in cell.records]))


def _learned(shown: Sequence[Cell], folder: Path) -> list[Path]:
    """Draw kernels of the first layer, eigenvalues of all below them; a column for each cell."""
    with style.paper():
        size = (max(3.0, 0.6 + 1.7 * len(shown)), 3.6)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(2, len(shown), squeeze=False)
        for column, cell in zip(axes.T, shown, strict=True):
            seed = min(cell.by_seed)
            tensors = cell.by_seed[seed].tensors("learned")
            _kernels(column[0], tensors["kernel.0"])
            _eigenvalues(column[1], tensors, cell.by_seed[seed].run.state_dim)
            column[0].set_title(f"{cell.norm}, {cell.position}\n({cell.framework}, seed {seed})")
        axes[0, 0].set_ylabel("kernel / its largest value")
        axes[1, 0].set_ylabel("Im eigenvalue")
        held = shown[0].by_seed[min(shown[0].by_seed)].tensors("learned")
        layers = sum(name.startswith("eigenvalues.") for name in held)
        handles = [_handle(n, f"layer {n + 1}", marker=".", linestyle="") for n in range(layers)]
        handles.append(Line2D([], [], color="black", marker="+", linestyle="", label="HiPPO-LegS"))
        style.legend(figure, handles, ncols=5)
        return style.save(figure, folder, "lra_kernels")


def _kernels(panel: Axes, kernels: np.ndarray) -> None:
    for number, kernel in enumerate(kernels):
        panel.plot(kernel / np.abs(kernel).max(), color=style.PALETTE[number], linewidth=0.8)
    panel.set_xlabel("lag")


def _eigenvalues(panel: Axes, tensors: dict[str, np.ndarray], state_dim: int) -> None:
    """Draw those of the normal part, one of each pair; training starts from HiPPO-LegS's."""
    for name, values in tensors.items():
        if name.startswith("eigenvalues."):
            colour = _look(int(name.removeprefix("eigenvalues.")))["color"]
            panel.plot(values[..., 0].ravel(), values[..., 1].ravel(), ".", color=colour)
    start = normal_part(state_dim)[0][: -(-state_dim // 2)]
    panel.plot(np.real(start), np.imag(start), "+", color="black", markersize=5)
    panel.set_xlabel("Re eigenvalue")


def _handle(number: int, label: str, **look: Any) -> Line2D:
    return Line2D([], [], label=label, **{**_look(number), "marker": "", **look})


def _look(number: int) -> dict[str, Any]:
    """Colours and markers begin anew, dashed, when they are used up."""
    colours = len(style.PALETTE)
    return {
        "color": style.PALETTE[number % colours],
        "marker": style.MARKERS[number % colours],
        "linestyle": "-" if number < colours else "-.",
    }
