"""The replication's table, paired differences, all models on all tasks, sources and claims."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.claim import Judged, verdict_table
from experiments.lra.cells import Cell, cells
from experiments.lra.claims import CLAIMS
from experiments.lra.differences import (
    FACTORS,
    Difference,
    at_levels,
    differences,
    name_of,
    tables,
)
from experiments.lra.judges import decided_at
from experiments.lra.published_values import ACCURACY
from experiments.lra.records import records as records_of
from experiments.lra.replication import accuracy, replications, seeds
from experiments.record import Record
from experiments.report import origins
from experiments.report.latex import tabular
from experiments.report.markdown import markdown
from experiments.report.rows import Load, select

NAMES = {
    "s4": "S4",
    "s4d_lin": "S4D-Lin",
    "s4d_inv": "S4D-Inv",
    "s4d_legs": "S4D-LegS",
    "s5": "S5",
    "lru": "LRU",
    "mamba": "Mamba",
    "transformer": "Transformer",
}


def table(load: Load, preset: str | None) -> str:
    """Markdown: the answer, S4's table, differences, models, both in LaTeX, sources, claims."""
    records = records_of(load, preset)
    found = cells(records)
    replicated = replications(found)
    models = _models(found)
    parts = [
        "## Does the normalisation decide?",
        answer(records),
        "Every table of S4 by data, steps and rate, with layer - batch before the mixer and after "
        "the residual; intervals as under *Paired differences*. A framework that is not named was "
        "not run there.",
        markdown(*_by_budget(found)),
        "## S4: norm, place and framework",
        "Accuracy in percent at the best evaluation on the validation set, where the test set is "
        "measured once. Data that are drawn say so; no published number is of such data.",
        *(f"{title}\n\n{markdown(*rows)}" for title, rows in replicated),
        "## Paired differences",
        "Test accuracy in percentage points over pairs of runs with one seed, which saw their "
        "examples in one order: mean, 95 % interval, number of pairs. The interval is Student's; "
        "of a mean over combinations it is the wider one of two: that over the means of each seed, "
        "and that which pools the spread of the pairs around the mean of their combination.",
        markdown(*_differences(found)),
        "## All models",
        "Test accuracy, and the number of parameters. S4 stands here in the place and with the "
        "norm that the others have; published numbers are of full scale.",
        markdown(*models),
        "## LaTeX",
        *(f"```latex\n{tabular(*rows)}\n```" for _, rows in (*replicated, ("", models)) if rows[1]),
        "## Where the numbers come from",
        origins.table(records, diverged=True, devices=True),
        "## Claims",
        verdict_table(CLAIMS, records),
    ]
    return "\n\n".join(parts) + "\n"


def judged(load: Load, preset: str | None) -> list[Judged]:
    """Claims of the study, and the records that they are about."""
    return [Judged(CLAIMS, records_of(load, preset))]


def answer(records: Sequence[Record]) -> str:
    """Answer the replication's question, a paragraph for each whole table, from the records."""
    found = decided_at("norm", "position", records, lambda cell: True)
    if not found:
        return "Not run: no table has every cell in both frameworks with enough seeds."
    return "\n\n".join(
        f"On {cell.task}, {cell.scale}, at the rate {cell.rate:g}, layer - batch in points of test "
        f"accuracy over both frameworks: {'; '.join(map(_at_place, differences))}."
        for cell, differences in found
    )


def _at_place(difference: Difference) -> str:
    place = {"pre": "before the mixer", "post": "after the residual"}[difference.where]
    ahead = "layer ahead" if difference.mean > 0 else "batch ahead"
    return f"{place} {difference}, {ahead if difference.excludes_zero else 'undecided'}"


def _by_budget(found: Sequence[Cell]) -> tuple[list[str], list[list[str]]]:
    """One row per table of S4: what was learnt at which rate, and the norm's difference."""
    rows = []
    for one in sorted(tables(found), key=lambda one: (one[0].task, one[0].num_steps, one[0].rate)):
        at = {difference.where: difference for difference in at_levels(one, "norm", "position")}
        frameworks = dict.fromkeys(cell.framework for cell in one)
        rows.append(
            [
                one[0].task,
                f"{one[0].num_steps:,}",
                f"{one[0].rate:g}",
                ", ".join(frameworks),
                *(str(at[place]) if place in at else "no pairs" for place in FACTORS["position"]),
            ]
        )
    return ["data", "steps", "rate", "frameworks", "before", "after"], rows


def _differences(found: Sequence[Cell]) -> tuple[list[str], list[list[str]]]:
    rows = [
        [
            one[0].task,
            f"{one[0].num_steps:,} at {one[0].rate:g}",
            name_of(factor),
            difference.where,
            f"{difference.mean:+.2f}",
            _interval(difference),
            str(difference.values.size),
        ]
        for one in tables(found)
        for factor in FACTORS
        for difference in differences(one, factor)
    ]
    return ["task", "steps at rate", "difference", "at", "mean", "95 % interval", "pairs"], rows


def _interval(difference: Difference) -> str:
    low, high = difference.interval
    return f"{low:+.2f} to {high:+.2f}" if difference.num_seeds > 1 else "none"


def named(found: Sequence[Cell]) -> dict[str, str]:
    """Names of the models, by what runs call them, in the order of tables; guests come last."""
    return {**NAMES, **{cell.model: cell.model for cell in found if cell.model not in NAMES}}


def _models(found: Sequence[Cell]) -> tuple[list[str], list[list[str]]]:
    """One row per model on each task and budget, in the norm and place of the peers."""
    places = {(c.task, c.scale, c.norm, c.position) for c in found if c.model != "s4"}
    rows = []
    for task, scale, norm, position in sorted(places):
        facts = {"task": task, "scale": scale, "norm": norm, "position": position}
        for model, name in named(found).items():
            for cell in select(found, model=model, framework="torch", **facts):
                published = ACCURACY.get(model, {}).get(cell.short)
                rows.append(
                    [
                        f"{task}, {scale}",
                        name,
                        f"{cell.rate:g}",
                        _parameters(cell),
                        seeds(cell),
                        accuracy(cell, "train"),
                        accuracy(cell, "test"),
                        "-" if published is None else f"{published:.2f}",
                    ]
                )
    return ["task", "model", "rate", "parameters", "seeds", "train", "test", "published"], rows


def _parameters(cell: Cell) -> str:
    return f"{int(np.mean([record.notes['parameters'] for record in cell.records])):,}"
