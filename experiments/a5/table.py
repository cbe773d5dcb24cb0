"""Ours beside the published numbers of Figure 2, every cell, longer words, and the claims."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.a5 import (
    ablation_claims,
    letter_claims,
    letter_times_table,
    letters_table,
    plateau_table,
    representable_cells,
    representable_claims,
    representable_table,
    trials_table,
)
from experiments.a5.claims import CLAIMS
from experiments.a5.figure import records
from experiments.a5.minimum_depth import Cell, cells, deciding, longest, minimum_depths, outcome
from experiments.a5.models import depths
from experiments.claim import Judged, verdict_table
from experiments.record import Record
from experiments.report import origins
from experiments.report.curve import SOLVED_ABOVE
from experiments.report.interval import estimate, share
from experiments.report.markdown import markdown
from experiments.report.published_depths import DEEPEST
from experiments.report.rows import Load, select
from seqtheory.metrics import position_horizon

_ABOVE = float(np.nextafter(SOLVED_ABOVE, 1.0))  # an accuracy at the threshold is not above it


def table(load: Load, preset: str | None) -> str:
    """Markdown: minimum depths, accuracy of every cell, longer words, sources, claims."""
    found = records(load, preset)
    study = cells(found)
    parts = [
        "## Fewest blocks that track A5",
        "Ours / published; in brackets how many seeds passed. `>1, undertrained`: no depth that "
        "was run, 1 the deepest, solved these words in the steps that it had, which says nothing "
        "about more steps; `>1` alone stands where the rule of *cannot* holds. Published `>4`: no "
        "depth up to 4 did, in up to a million steps.",
        _depths(study),
        "## Every cell",
        "Best held-out token accuracy, and sequence accuracy with it. Solved: how many seeds "
        f"passed {SOLVED_ABOVE:g}. Steps: the most there could be, then those of each seed.",
        _cells(study),
        *plateau_table.section(study),
        *letters_table.section(found),
        "## Longer words",
        "Token accuracy of the trained models.",
        _longer(longest(study)),
        "## Where the numbers come from",
        origins.table(found),
        "## Claims",
        verdict_table(CLAIMS, found),
    ]
    parts += letters_table.ablation(ablation_records(load, preset))
    parts += trials_table.section(load("trials", "sequence_models") if preset != "smoke" else [])
    parts += letter_times_table.section(letter_times_table.records(load, preset))
    parts += representable_table.section(representable_cells.records(load, preset))
    return "\n\n".join(parts) + "\n"


def judged(load: Load, preset: str | None) -> list[Judged]:
    """Claims of the study, and the records that they are about."""
    return [
        Judged(CLAIMS, records(load, preset)),
        Judged(ablation_claims.CLAIMS, ablation_records(load, preset)),
        Judged(letter_claims.CLAIMS, letter_times_table.records(load, preset)),
        Judged(representable_claims.CLAIMS, representable_cells.records(load, preset)),
    ]


def ablation_records(load: Load, preset: str | None) -> list[Record]:
    """Load the records of the recipe and its variants; none beside the preset `smoke`."""
    return [] if preset == "smoke" else load("ablation", "sequence_models")


def _depths(study: Sequence[Cell]) -> str:
    least = minimum_depths(study)
    lengths = sorted({length for found in least.values() for length in found})
    rows = [
        [name, *(f"{_ours(study, name, n)} / {_published(study, name, n)}" for n in lengths)]
        for name in least
    ]
    return markdown(["model", *(f"length {n}" for n in lengths)], rows)


def _ours(study: Sequence[Cell], name: str, length: int) -> str:
    """Least depth that solved the words, or up to which depth none did and what that shows."""
    held = deciding(select(study, name=name, group="A5", length=length))
    if not held:
        return "not run"
    if solved := [cell for cell in held if cell.is_solved]:
        least = min(solved, key=lambda cell: cell.depth)
        return f"{least.depth} ({_passed(least)})"
    shown = {outcome(cell, study) for cell in held}
    deepest = max(held, key=lambda cell: cell.depth)
    why = ", undertrained" if "undertrained" in shown else ""
    return f">{deepest.depth}{why} ({_passed(deepest)})"


def _passed(cell: Cell) -> str:
    return share(cell.passed, cell.tried)


def _published(study: Sequence[Cell], name: str, length: int) -> str:
    published = depths(select(study, name=name)[0].model)
    if length not in published:
        return "none"
    return str(published[length] or f">{DEEPEST}")


def _cells(study: Sequence[Cell]) -> str:
    rows = [
        [
            cell.name,
            cell.group,
            str(cell.length),
            str(cell.depth),
            _passed(cell),
            estimate(cell.accuracies, 0, 1),
            estimate([_best_line(r)["sequence_accuracy"] for r in cell.records], 0, 1),
            f"{cell.budget:,}: " + ", ".join(f"{curve.steps[-1]:,}" for curve in cell.curves),
            outcome(cell, study),
        ]
        for cell in study
    ]
    header = [
        "model",
        "group",
        "length",
        "depth",
        "solved",
        "tokens",
        "sequences",
        "steps",
        "shows",
    ]
    return markdown(header, rows)


def _best_line(record: Record) -> dict[str, float]:
    lines = [line for line in record.metrics if "token_accuracy" in line]
    return max(lines, key=lambda line: line["token_accuracy"])


def _longer(study: Sequence[Cell]) -> str:
    rows = []
    for cell in study:
        lengths = sorted({int(n) for r in cell.records for n in r.notes.get("longer", {})})
        for length in lengths:
            held = [r.notes["longer"][str(length)] for r in cell.records if "longer" in r.notes]
            horizon = [position_horizon(facts["position_accuracy"], _ABOVE) for facts in held]
            rows.append(
                [
                    cell.name,
                    cell.group,
                    f"{cell.length} to {length}",
                    str(cell.depth),
                    estimate([facts["token_accuracy"] for facts in held], 0, 1),
                    estimate(horizon, 0, length),
                ]
            )
    header = ["model", "group", "length", "depth", "tokens", "horizon"]
    note = "The horizon is the first positions that are all above 0.9 accurate."
    return f"{markdown(header, rows)}\n\n{note}"
