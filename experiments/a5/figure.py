"""Figure 2: blocks needed to track A5 as words grow, computed from records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.a5 import (
    letter_times_figure,
    letter_times_table,
    letters_figure,
    models,
    representable_cells,
)
from experiments.a5.minimum_depth import (
    Cell,
    cell_of,
    cells,
    longest,
    minimum_depths,
    outcome,
    shortest,
)
from experiments.a5.models import NAMES, PUBLISHED_FORM
from experiments.a5.representable_cells import stacks
from experiments.a5.words import LONGER_FACTORS
from experiments.record import Record
from experiments.report import style
from experiments.report.curve import SOLVED_ABOVE
from experiments.report.rows import Load, joined, select
from experiments.report.variants import require_one_setting

LINE_OF_TEXT = 0.04
"""Height of a small label, in units of accuracy."""
BY_HAND: dict[str, Any] = {"color": "0.2", "linestyle": "", "marker": "_", "markersize": 9}
"""Look of the stacks whose weights are set by hand."""
# Presets of each half that are shown beside any other.
EXTRA = {
    "sequence_models": ("controls", "long", "plateaus", "one-block"),
    "linear_cde": ("controls", "published"),
}
_EXTRAS = tuple(dict.fromkeys(name for names in EXTRA.values() for name in names))
BESIDE = ("ablation", "whole", *_EXTRAS)
"""Presets that are shown beside the default one, which is loaded in their place."""


def draw(load: Load, preset: str | None, folder: Path) -> list[Path]:
    """Draw `a5`: minimum depth, accuracy at depth 1, and longer words; then letters."""
    found = records(load, preset)
    require_one_setting(found, cell_of)
    study = cells(found)
    a5 = select(study, group="A5")
    with style.paper():
        figure = Figure(figsize=(7.0, 2.9), layout="constrained")
        depth, accuracy, longer = figure.subplots(1, 3)
        by_hand = representable_depths(load, preset)
        _depths(depth, a5, study)
        _set_by_hand(depth, by_hand)
        one_block = select(a5, depth=1)
        _accuracies(accuracy, one_block)
        _longer(longer, longest(one_block))
        handles = [_handle(model) for model in NAMES if select(a5, model=model)]
        handles.append(Line2D([], [], color="0.4", linestyle=":", label="published"))
        handles.append(
            Line2D([], [], color="0.4", marker="x", linestyle="", label="trained too little")
        )
        if by_hand:
            handles.append(Line2D([], [], **BY_HAND, label="set by hand (S4, Mamba)"))
        style.legend(figure, handles, ncols=4)
        paths = style.save(figure, folder, "a5")
    paths += letters_figure.draw(found, folder)
    return paths + letter_times_figure.draw(letter_times_table.records(load, preset), folder)


def representable_depths(load: Load, preset: str | None) -> dict[int, int]:
    """Fewest blocks with which every model is exact, set by hand, by length."""
    found = representable_cells.records(load, preset)
    require_one_setting(found, representable_cells.cell_of)
    of_models = representable_cells.depths(select(stacks(found), group="A5")).values()
    lengths = set.intersection(*map(set, of_models)) if of_models else set()
    return {n: max(of_model[n] for of_model in of_models) for n in sorted(lengths)}


def records(load: Load, preset: str | None) -> list[Record]:
    """Load both halves, with the presets that are shown beside any other where they are there."""
    main = None if preset in BESIDE else preset
    presets = (main,) if preset == "smoke" else (main, *_EXTRAS)
    parts = [
        (name, file)
        for name in presets
        for file, extra in EXTRA.items()
        if name is main or name in extra
    ]
    return [record for record in joined(load, parts) if record.finished]


def _handle(model: str) -> Line2D:
    look: dict[str, Any] = {**models.look(model)}
    return Line2D([], [], **look, label=NAMES[model])


def _depths(panel: Axes, a5: Sequence[Cell], study: Sequence[Cell]) -> None:
    depths = minimum_depths(a5)
    lengths = sorted({length for found in depths.values() for length in found})
    for number, model in enumerate(NAMES):
        aside = style.aside(panel, up=1.5 * (number - 2))  # lines that would lie on each other
        look: dict[str, Any] = models.look(model)
        colour = look["color"]
        published = {n: d for n, d in models.depths(model).items() if d and n in lengths}
        if model != PUBLISHED_FORM:
            panel.plot(*_points(published), ":", color=colour, transform=aside)
        ours = {n: d for n, d in sorted(depths.get(model, {}).items()) if d}
        panel.plot(*_points(ours), **look, transform=aside)
        for cell in longest(select(a5, model=model)):
            if outcome(cell, study) == "undertrained" and depths[model][cell.length] is None:
                panel.plot([cell.length], [cell.depth], "x", color=colour, transform=aside)
    panel.set(xlabel="length", ylabel="fewest blocks", title="Tracking A5: blocks needed")
    panel.set_xticks(lengths)


def _set_by_hand(panel: Axes, found: dict[int, int]) -> None:
    """Draw the fewest blocks of the construction, at the lengths of the trained models.

    The axis has room for lines that were moved away from each other.
    """
    shown = {length: depth for length, depth in found.items() if length in panel.get_xticks()}
    panel.plot([*shown], [*shown.values()], **BY_HAND)
    deepest = max((4, *shown.values()))
    panel.set_yticks(range(1, deepest + 1))
    panel.set_ylim(0.7, deepest + 0.3)


def _points(depths: dict[int, int]) -> tuple[list[int], list[int]]:
    return [*depths], [*depths.values()]


def _accuracies(panel: Axes, one_block: Sequence[Cell]) -> None:
    """Draw the shortest training of each length as a line, longer ones hollow, with their steps."""
    for model in NAMES:
        rows = shortest(select(one_block, model=model))
        if rows:
            values = [cell.accuracies for cell in rows]
            style.band(panel, [cell.length for cell in rows], values, **models.look(model))
    first = shortest(one_block)
    _longer_trainings(panel, [c for c in one_block if c.model in NAMES and c not in first])
    panel.axhline(SOLVED_ABOVE, color="0.4", linestyle="--", linewidth=0.8)
    panel.set_xticks(sorted({cell.length for cell in one_block}))
    panel.set(xlabel="length", ylabel="token accuracy", title="One block", ylim=(0, 1.03))


def _longer_trainings(panel: Axes, cells: Sequence[Cell]) -> None:
    """Draw hollow marks, each with its steps beside it, in its colour and clear of the others."""
    lowest: dict[int, float] = {}
    for cell in sorted(cells, key=lambda cell: -cell.accuracies.mean()):
        height = float(cell.accuracies.mean())
        look: dict[str, Any] = {
            **models.look(cell.model),
            "linestyle": "",
            "markerfacecolor": "white",
        }
        panel.plot([cell.length], [height], **look)
        lowest[cell.length] = min(height, lowest.get(cell.length, 2.0) - LINE_OF_TEXT)
        place = (cell.length + 0.5, lowest[cell.length])
        text = f"{cell.budget / 1000:g}k"
        panel.text(*place, text, fontsize=5, va="center", color=look["color"])


def _longer(panel: Axes, one_block: Sequence[Cell]) -> None:
    """Draw token accuracy on longer words, from the longest training length of each model."""
    for model in NAMES:
        rows = [cell for cell in select(one_block, model=model) if cell.is_solved]
        if rows:
            factors, values = _generalisation(rows[-1])
            style.band(panel, factors, values, **models.look(model))
    panel.set(
        xlabel="length / training length",
        ylabel="token accuracy",
        title="Longest words solved, extended",
        xticks=(1, *LONGER_FACTORS),
        ylim=(0, 1.03),
    )


def _generalisation(cell: Cell) -> tuple[list[float], list[np.ndarray]]:
    values = {1.0: cell.accuracies}
    for length in sorted({int(n) for r in cell.records for n in r.notes.get("longer", {})}):
        held = [r.notes["longer"][str(length)]["token_accuracy"] for r in cell.records if r.notes]
        values[length / cell.length] = np.array(held)
    return list(values), list(values.values())
