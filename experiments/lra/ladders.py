"""Tables of S4 that differ in their learning rate alone, or in their number of steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.lra.cells import Cell, settings
from experiments.lra.differences import Difference, at_levels, tables
from experiments.report.rows import grouped

Table = Sequence[Cell]

OF_RATES = ("learning_rate",)
OF_STEPS = ("num_steps", "warmup_steps", "evaluate_every")
"""Fields of the training in which the tables of a ladder differ."""


def ladders(found: Sequence[Cell], fields: Sequence[str]) -> list[list[list[Cell]]]:
    """Group the tables of S4 that differ in these fields alone, in their order along the ladder.

    Of each table the frameworks are kept that all of its ladder have: rungs compare like with like.
    """

    def rest(table: Table) -> tuple[str, str]:
        return table[0].task, settings(table[0].records[0].run, fields)

    groups = grouped(tables(found), rest).values()
    ordered = [sorted(group, key=lambda one: (one[0].rate, one[0].num_steps)) for group in groups]
    return [_alike(group) for group in ordered if len(group) > 1]


def _alike(group: Sequence[Table]) -> list[list[Cell]]:
    shared = set.intersection(*({cell.framework for cell in table} for table in group))
    kept = [[cell for cell in table if cell.framework in shared] for table in group]
    return [table for table in kept if table]


def tuned(ladder: Sequence[Table]) -> list[Cell]:
    """Choose for each framework, norm and place the cell with the best mean on validation."""
    every = [cell for table in ladder for cell in table if cell.by_seed]
    groups = grouped(every, lambda cell: (cell.framework, cell.norm, cell.position)).values()
    return [max(group, key=lambda cell: cell.accuracies("validation").mean()) for group in groups]


def narrowing(first: Table, last: Table) -> list[Difference]:
    """By how much layer - batch is nearer to zero in the last table, at each place, in pairs.

    Levels of which the two tables do not hold equally many seeds are left out.
    """
    ends = {after.where: after for after in at_levels(last, "norm", "position")}
    found = []
    for before in at_levels(first, "norm", "position"):
        after = ends.get(before.where)
        if after is not None and after.values.shape == before.values.shape:
            nearer = np.sign(before.mean) * (before.values - after.values)
            found.append(Difference("norm", before.where, nearer))
    return found
