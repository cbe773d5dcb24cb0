"""The perturbation figure: error against the size of a perturbation, curves of growing width.

One figure for each horizon, one row for each memory, one column for each parameterisation. Where
curves of one reading cross up to the grey line, more width hurts and approximation is not stable;
each panel names the readings in which they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from experiments.memory import functions, map_figure, trained_curves, trained_figure
from experiments.memory.curves import READINGS, Family, cell_of, families, map_facts
from experiments.memory.theory import HEAVY, UP_TO
from experiments.report import style
from experiments.report.rows import Load, select
from experiments.report.variants import require_one_setting

TITLES = {
    "exponential": "memory $0.9^t$",
    "polynomial": f"memory $(1 + t)^{{-{HEAVY.power:g}}}$",
}
SHORT = {"shift": "shift", "vertices": "worst case", "gaussian": "draws"}
# A larger error is that of a memory that explodes; by how much says nothing more.
CEILING = 1e2


def draw(load: Load, preset: str | None, folder: Path) -> list[Path]:
    """Draw `memory_<steps>_steps` for each horizon, and `memory_parameterisations`.

    Where networks were trained, also what `trained_figure` and `functions` draw.
    """
    records = load(preset, "theory")
    trained, measured = load(preset, "recurrent_models"), load(preset, "memory_functions")
    for held, cell in (
        (records, cell_of),
        (trained, trained_curves.cell_of),
        (measured, functions.cell_of),
    ):
        require_one_setting((record for record in held if record.finished), cell)
    found = families(records)
    paths = []
    for horizon in sorted({family.horizon for family in found}):
        paths += _perturbation(select(found, horizon=horizon), horizon, folder)
    paths += map_figure.draw(map_facts(records), folder)
    paths += trained_figure.draw(trained, folder)
    return paths + functions.draw(measured, folder)


def _perturbation(found: Sequence[Family], horizon: int, folder: Path) -> list[Path]:
    maps = list(dict.fromkeys(family.map for family in found))
    kernels = [name for name in TITLES if select(found, kernel=name)]
    widths = sorted({width for family in found for width in family.curves.widths})
    with style.paper():
        size = (0.7 + 1.6 * len(maps), 0.8 + 1.6 * len(kernels))
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(len(kernels), len(maps), sharex=True, sharey="row", squeeze=False)
        for row, kernel in zip(axes, kernels, strict=True):
            held = select(found, kernel=kernel)
            for panel, name in zip(row, maps, strict=True):
                _panel(panel, select(held, map=name), widths)
            row[0].set_ylabel(f"{TITLES[kernel]}\nerror $E_m(\\beta)$")
            row[0].set_ylim(*_limits(held))
        for panel, name in zip(axes[0], maps, strict=True):
            panel.set_title(name)
        for panel in axes[-1]:
            panel.set_xlabel(r"perturbation $\beta$")
        handles = _legend(found, widths)
        style.legend(figure, handles, ncols=len(handles))
        return style.save(figure, folder, f"memory_{horizon}_steps")


def _panel(panel: Axes, found: Sequence[Family], widths: Sequence[int]) -> None:
    for number, width in enumerate(widths):
        look = {"color": style.PALETTE[number], "zorder": 3}
        for family in select(found, reading="shift"):
            panel.plot(*_curve(family, width), marker=style.MARKERS[number], **look)
        for family in select(found, reading="vertices"):
            panel.plot(*_curve(family, width), linestyle="--", linewidth=0.9, **look)
        draws = [_curve(family, width) for family in select(found, reading="gaussian")]
        if draws and len(draws[0][0]):
            errors = np.array([errors for _, errors in draws])
            band = (errors.min(axis=0), errors.max(axis=0))
            panel.fill_between(draws[0][0], *band, color=look["color"], alpha=0.25, linewidth=0)
    panel.axvline(UP_TO, color="0.5", linewidth=0.8)
    panel.set(xscale="log", yscale="log")
    place = {"x": 0.04, "y": 0.97, "va": "top", "fontsize": 5 if style.is_narrow() else 6}
    panel.text(s=_verdict(found), transform=panel.transAxes, **place)


def _verdict(found: Sequence[Family]) -> str:
    """Name the readings in which curves cross; of draws, the share of sets."""
    lines = []
    for reading, name in SHORT.items():
        rows = select(found, reading=reading)
        crossing = [row for row in rows if not row.curves.is_stable]
        share = f", {len(crossing)} of {len(rows)}" if len(rows) > 1 else ""
        if crossing:
            lines.append(f"{name}{share}")
    return "\n".join(["crosses:", *lines]) if lines else "no crossing"


def _limits(found: Sequence[Family]) -> tuple[float, float]:
    errors = np.concatenate([family.curves.errors[:, 1:].ravel() for family in found])
    # Room above the curves for the verdict.
    return 0.5 * float(errors.min()), min(30.0 * float(errors.max()), CEILING)


def _curve(family: Family, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Sizes above zero and the errors there; empty where the family lacks the width."""
    curves = family.curves
    if width not in curves.widths:
        return np.empty(0), np.empty(0)
    above = curves.betas > 0
    return curves.betas[above], curves.errors[curves.widths.index(width), above]


def _legend(found: Sequence[Family], widths: Sequence[int]) -> list[Line2D | Patch]:
    looks = {
        "shift": Line2D([], [], color="0.2", label=READINGS["shift"]),
        "vertices": Line2D([], [], color="0.2", linestyle="--", label=READINGS["vertices"]),
        "gaussian": Patch(color="0.2", alpha=0.25, label=f"{READINGS['gaussian']}, range of sets"),
    }
    curves = [
        Line2D([], [], color=style.PALETTE[i], marker=style.MARKERS[i], label=f"$m={width}$")
        for i, width in enumerate(widths)
    ]
    return [*curves, *(look for name, look in looks.items() if select(found, reading=name))]
