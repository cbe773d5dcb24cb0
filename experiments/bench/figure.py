"""Figure of the bench: success on tracking by model and task, then curves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from experiments.bench.assembly import side_by_side
from experiments.bench.report.figure import figure
from experiments.report import style

if TYPE_CHECKING:
    from experiments.report.rows import Load


def draw(load: Load, preset: str | None, folder: Path) -> list[Path]:
    """Draw all models with records beside each other, as a card does; return the paths."""
    found = side_by_side(load(preset, "measurements"), preset)
    with style.page(style.Page(width=style.WIDTH)), style.paper():
        return style.save(figure(found, style.WIDTH), folder, "bench")
