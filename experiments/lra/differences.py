"""Paired differences of test accuracies between the levels of a factor, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from experiments.lra.cells import Cell

CONFIDENCE = 0.95
# Factor, its two levels: the difference is the first less the second.
FACTORS: dict[str, tuple[str, str]] = {
    "norm": ("layer", "batch"),
    "position": ("pre", "post"),
    "framework": ("JAX", "torch"),
}


@dataclass(frozen=True, eq=False)
class Difference:
    r"""One number per seed, and what they say of their mean.

    .. math:: \bar d \pm t_{0.975, n - 1}\, s / \sqrt n

    Parameters
    ----------
    factor
        Whose first level less whose second.
    where
        Levels of the other factors, in words.
    values
        Difference of test accuracies of each seed, in percentage points.
    """

    factor: str
    where: str
    values: np.ndarray

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return float(self.values.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """Student's interval; infinite for a single seed."""
        n = len(self.values)
        if n < 2:
            return -math.inf, math.inf
        quantile = float(student.ppf((1 + CONFIDENCE) / 2, n - 1))
        half = quantile * float(self.values.std(ddof=1)) / math.sqrt(n)
        return self.mean - half, self.mean + half

    @property
    def excludes_zero(self) -> bool:
        """Whether the sign of the difference is decided."""
        low, high = self.interval
        return low > 0 or high < 0

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.mean:+.2f} [{low:+.2f}, {high:+.2f}], n = {len(self.values)}"


def name_of(factor: str) -> str:
    """Write a difference as ``layer - batch``."""
    return " - ".join(FACTORS[factor])


def tables(found: Sequence[Cell]) -> list[list[Cell]]:
    """Split the cells of S4 into tables: one task, one set of other settings."""
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in found:
        if cell.model == "s4":
            groups.setdefault((cell.task, cell.settings), []).append(cell)
    return list(groups.values())


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
        means = [np.mean([values[seed] for values in found.values()]) for seed in seeds]
        result.append(Difference(factor, f"mean of {len(found)}", np.array(means)))
    return result


def overall(table: Sequence[Cell], factor: str) -> Difference | None:
    """Give the difference of the means over the other factors; None without a pair of seeds."""
    found = differences(table, factor)
    combinations = len(_pairs(table, factor))
    complete = found and (combinations == 1 or found[-1].where == f"mean of {combinations}")
    return found[-1] if complete else None


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
