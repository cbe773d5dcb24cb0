"""Paired differences of test accuracies between the levels of a factor, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.lra.cells import Cell
from experiments.report.interval import half_width
from experiments.report.rows import grouped

# Factor, its two levels: the difference is the first less the second.
FACTORS: dict[str, tuple[str, str]] = {
    "norm": ("layer", "batch"),
    "position": ("pre", "post"),
    "framework": ("JAX", "torch"),
}


@dataclass(frozen=True, eq=False)
class Difference:
    r"""Differences of pairs of runs, and what they say of their mean.

    .. math:: \bar d \pm t_{0.975, n - g}\, s / \sqrt n, \qquad
        s^2 = \frac{1}{n - g} \sum_{c=1}^{g} \sum_i (d_{ci} - \bar d_c)^2

    with n pairs in g combinations of the other factors, each around its own mean
    (`experiments.report.interval.half_width`); Student's interval for g = 1. Of several
    combinations the interval is also computed from the means of each seed over them, and the wider
    one is given: few means may lie close together by luck, and pairs of one seed may have more in
    common than the first form knows.

    Parameters
    ----------
    factor
        Whose first level less whose second.
    where
        Levels of the other factors, in words.
    values
        ``(combination, seed)`` or ``(seed,)``: differences of test accuracies in percentage points.
    """

    factor: str
    where: str
    values: np.ndarray

    @property
    def mean(self) -> float:
        """Mean over all pairs."""
        return float(self.values.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of the mean; infinite for a single seed."""
        rows = np.atleast_2d(self.values)
        half = max(half_width(rows), half_width(rows.mean(axis=0, keepdims=True)))
        return self.mean - half, self.mean + half

    @property
    def num_seeds(self) -> int:
        """How many seeds each combination has."""
        return self.values.shape[-1]

    @property
    def excludes_zero(self) -> bool:
        """Whether the sign of the difference is decided."""
        low, high = self.interval
        return low > 0 or high < 0

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.mean:+.2f} [{low:+.2f}, {high:+.2f}], n = {self.num_seeds} seeds"


def name_of(factor: str) -> str:
    """Write a difference as ``layer - batch``."""
    return " - ".join(FACTORS[factor])


def tables(found: Sequence[Cell]) -> list[list[Cell]]:
    """Split the cells of S4 into tables: one task, one set of other settings."""
    of_s4 = (cell for cell in found if cell.model == "s4")
    return list(grouped(of_s4, lambda cell: (cell.task, cell.settings)).values())


def differences(table: Sequence[Cell], factor: str) -> list[Difference]:
    """Give the difference at each level of the other factors, then that of their means.

    A seed counts where both of its runs ended well; in the last, where all of them did. The last is
    left out if there is one combination only.
    """
    pairs = _pairs(table, factor)
    found = {
        where: {s: plus.test_of(s) - minus.test_of(s) for s in _shared(plus, minus)}
        for where, (plus, minus) in pairs.items()
    }
    result = [
        Difference(factor, where, np.array([*values.values()]))
        for where, values in found.items()
        if values
    ]
    seeds = sorted(set.intersection(*(set(v) for v in found.values()))) if found else []
    if len(found) > 1 and seeds:
        whole = [[values[seed] for seed in seeds] for values in found.values()]
        result.append(Difference(factor, f"mean of {len(found)}", np.array(whole)))
    return result


def overall(table: Sequence[Cell], factor: str) -> Difference | None:
    """Give the difference of the means over the other factors; None without a pair of seeds."""
    found = differences(table, factor)
    combinations = len(_pairs(table, factor))
    complete = found and (combinations == 1 or found[-1].where == f"mean of {combinations}")
    return found[-1] if complete else None


def at_levels(table: Sequence[Cell], factor: str, other: str) -> list[Difference]:
    """Give the difference at each level of one other factor, over those that remain."""
    found = []
    for level in FACTORS[other]:
        cells = [cell for cell in table if getattr(cell, other) == level]
        difference = overall(cells, factor)
        if difference is not None:
            found.append(Difference(factor, level, difference.values))
    return found


def _pairs(table: Sequence[Cell], factor: str) -> dict[str, tuple[Cell, Cell]]:
    """Cells that differ in this factor alone, by the levels of the others."""
    others = [name for name in FACTORS if name != factor]
    first, second = FACTORS[factor]
    levels: dict[str, dict[str, Cell]] = {}
    for cell in table:
        where = ", ".join(getattr(cell, name) for name in others)
        levels.setdefault(where, {})[getattr(cell, factor)] = cell
    return {
        where: (held[first], held[second])
        for where, held in levels.items()
        if {first, second} <= held.keys()
    }


def _shared(one: Cell, other: Cell) -> list[int]:
    return sorted(one.by_seed.keys() & other.by_seed.keys())
