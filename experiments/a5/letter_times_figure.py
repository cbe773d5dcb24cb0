"""Words until each letter against the number of beginnings, and the errors of two laws."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.a5.letter_claims import Cell, cell_of, cells, until
from experiments.a5.letter_laws import LAWS, Comparison, compared
from experiments.a5.letter_times import GROUPS
from experiments.a5.models import NAMES
from experiments.record import Record
from experiments.report import style
from experiments.report.variants import require_one_setting
from seqtheory.group import order_of


def draw(records: Sequence[Record], folder: Path) -> list[Path]:
    """Draw `a5_letter_times`: a panel for each model, and the errors; nothing without records."""
    held = cells(records)
    require_one_setting((record for found in held.values() for record in found), cell_of)
    models = list(dict.fromkeys(model for model, _, _ in held))
    if not models:
        return []
    with style.paper():
        figure = Figure(figsize=(1.9 * (len(models) + 1), 2.7), layout="constrained")
        panels = figure.subplots(1, len(models) + 1)
        for panel, model in zip(panels, models, strict=False):
            _times(panel, {cell: found for cell, found in held.items() if cell[0] == model})
            panel.set(title=NAMES.get(model, model), xlabel=r"beginnings $|G|^k$")
        panels[0].set(ylabel="words until letter k")
        _errors(panels[-1], compared(records))
        groups = [group for group in GROUPS if any(cell[2] == group for cell in held)]
        handles = [Line2D([], [], **_look(group), label=_written(group)) for group in groups]
        depths = sorted({depth for _, depth, _ in held})
        handles += [Line2D([], [], color="0.4", **_line(d), label=_blocks(d)) for d in depths]
        style.legend(figure, handles, ncols=4)
        return style.save(figure, folder, "a5_letter_times")


def _times(panel: Axes, held: dict[Cell, list[Record]]) -> None:
    """Draw the medians over seeds of one model, by group and depth, of letters that most know."""
    panel.set(xscale="log", yscale="log")
    for (_, depth, group), found in held.items():
        letters = range(2, found[0].run.length + 1)
        medians = {k: until(found, k) for k in letters}
        known = [k for k, (_, ever) in medians.items() if ever]
        places = [float(order_of(group)) ** k for k in known]
        panel.plot(places, [medians[k][0] for k in known], **_look(group), **_line(depth))


def _errors(panel: Axes, found: Comparison | None) -> None:
    """Draw the error of each law on groups left out, with its interval."""
    panel.set(title="Error on other groups", ylabel="decades")
    panel.set(xticks=range(len(LAWS)), xticklabels=list(LAWS), xlim=(-0.6, len(LAWS) - 0.4))
    for place, law in enumerate(LAWS if found is not None else ()):
        assert found is not None
        value, ends = found.error(law), np.array(found.error_interval(law))
        panel.plot([place, place], ends, color="0.5")
        panel.plot([place], [value], "o", color="0.2")
    panel.set_ylim(bottom=0)


def _look(group: str) -> dict[str, Any]:
    number = GROUPS.index(group) if group in GROUPS else len(GROUPS)
    return {"color": style.PALETTE[number], "marker": style.MARKERS[number]}


def _written(group: str) -> str:
    """Write the name of a group with subscripts, by which S4 is no model."""
    subscripts = re.sub(r"([A-Z])(\d+)", r"\1_{\2}", group)
    return "$" + subscripts.replace("_x_", r" \times ") + "$"


def _line(depth: int) -> dict[str, Any]:
    return {"linestyle": "-" if depth == 1 else "--"}


def _blocks(depth: int) -> str:
    return f"{depth} block{'s' if depth > 1 else ''}"
