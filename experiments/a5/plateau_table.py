"""Last plateaus of failing runs beside the longest that their model left: how near *cannot* is."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.a5.minimum_depth import Cell, outcome
from experiments.report.curve import PATIENCE, longest_left
from experiments.report.markdown import markdown
from experiments.report.rows import select


def section(study: Sequence[Cell]) -> list[str]:
    """Markdown parts; none without a failing run whose rate was constant."""
    rows = [_row(cell, study) for cell in study if not cell.is_solved and _failing(cell)]
    if not rows:
        return []
    header = ["model", "group", "length", "depth", "last plateau", "longest left", "shows"]
    return [
        "## Plateaus of the failing runs",
        "Steps since the accuracy last rose by 0.02, of each failing run whose rate was constant, "
        "and the longest such time after which any run of the model, at any length and rate, went "
        f"on to rise. *cannot* needs {PATIENCE} times as many, and no run to the contrary.",
        markdown(header, rows),
    ]


def _row(cell: Cell, study: Sequence[Cell]) -> list[str]:
    of_model = select(study, model=cell.model)
    left = longest_left(curve for each in of_model for curve in each.curves)
    return [
        cell.name,
        cell.group,
        str(cell.length),
        str(cell.depth),
        ", ".join(f"{steps:,}" for steps in _failing(cell)),
        "none" if left is None else f"{left:,}",
        outcome(cell, study),
    ]


def _failing(cell: Cell) -> list[int]:
    """Give the last plateau of each failing run of a constant rate."""
    return [
        curve.plateaus[-1]
        for curve in cell.curves
        if curve.constant_rate and not curve.passes and not curve.diverged
    ]
