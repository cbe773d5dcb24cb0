"""Figure of the bench: success on tracking by model and task, then curves or where they end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from experiments.bench.assembly import side_by_side
from experiments.bench.report.chart import success
from experiments.bench.report.figure import figure
from experiments.bench.report.survey_figure import MOST_CURVES, survey
from experiments.report import style

if TYPE_CHECKING:
    from experiments.report.rows import Load


def draw(load: Load, preset: str | None, folder: Path) -> list[Path]:
    """Draw all models with records beside each other, as a card does; return the paths."""
    found = side_by_side(load(preset, "measurements"), preset)
    many = len(found.models) > MOST_CURVES and success(found) is not None
    with style.page(style.Page(width=style.WIDTH)), style.paper():
        return style.save((survey if many else figure)(found, style.WIDTH), folder, "bench")
