"""Letters known against words seen: how far each depth comes on fresh words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from experiments.a5.known_letters import fresh, known_letters, longest_words
from experiments.a5.minimum_depth import cell_of
from experiments.a5.models import NAMES
from experiments.record import Record
from experiments.report import style
from experiments.report.curve import curve
from experiments.report.rows import grouped
from experiments.report.variants import require_one_setting


def draw(records: Sequence[Record], folder: Path) -> list[Path]:
    """Draw `a5_letters`: a panel for each model, a line for each seed; nothing without records."""
    found = [r for r in fresh(records) if r.run.model in NAMES and r.run.group == "A5"]
    require_one_setting(found, cell_of)
    models = grouped(longest_words(found), lambda record: record.run.model)
    if not models:
        return []
    with style.paper():
        figure = Figure(figsize=(max(2.3 * len(models), 3.0), 2.6), layout="constrained")
        panels = figure.subplots(1, len(models), sharex=True, sharey=True, squeeze=False)[0]
        _scale(panels[0], [record for held in models.values() for record in held])
        for panel, (model, held) in zip(panels, models.items(), strict=True):
            _letters(panel, held)
            panel.set(title=NAMES[model], xlabel="words seen")
        panels[0].set(ylabel="letters known")
        depths = sorted({record.run.depth for held in models.values() for record in held})
        style.legend(figure, [*map(_handle, depths), *_ENDS], ncols=5)
        return style.save(figure, folder, "a5_letters")


_ENDS = (
    Line2D([], [], color="0.4", marker="o", linestyle="", label="solved"),
    Line2D([], [], color="0.4", marker="x", linestyle="", label="not solved"),
)


def _scale(panel: Axes, records: Sequence[Record]) -> None:
    """Set the limits of all panels."""
    seen = [words for record in records for words in known_letters(record).words if words]
    most = max(record.run.length for record in records)
    panel.set(xscale="log", xlim=(10 ** np.floor(np.log10(min(seen))), 1.25 * max(seen)))
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.set(ylim=(0.5, most + 0.5), yticks=range(1, most + 1))


def _letters(panel: Axes, records: Sequence[Record]) -> None:
    """Draw the lines of one model, those of each depth and seed a little aside."""
    for record in records:
        known, run = known_letters(record), record.run
        aside = style.aside(panel, up=2.0 * (run.depth - 2) + 0.6 * (run.seed - 1))
        colour = _look(run.depth)["color"]
        seen = known.words[1:], known.letters[1:]  # none were seen before the first
        panel.plot(*seen, color=colour, linewidth=0.9, drawstyle="steps-post", transform=aside)
        mark = "o" if curve(record).passes else "x"
        panel.plot(known.words[-1:], known.letters[-1:], mark, color=colour, transform=aside)


def _look(depth: int) -> dict[str, Any]:
    return {"color": style.PALETTE[(depth - 1) % len(style.PALETTE)]}


def _handle(depth: int) -> Line2D:
    return Line2D([], [], **_look(depth), label=f"{depth} block{'s' if depth > 1 else ''}")
