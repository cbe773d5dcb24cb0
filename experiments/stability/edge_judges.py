"""Statistics of the edges of learning, and how a statement about them is judged.

A statement is about a statistic of each seed, whose runs of all maps and memories start alike and
see equal batches. It holds if Student's interval over seeds lies where the statement has it, fails
if the interval lies elsewhere, and is undecided in between or with fewer than five seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations

import numpy as np
from scipy.stats import rankdata

from experiments.claim import Status, Verdict
from experiments.record import Record
from experiments.report.interval import ENOUGH, estimate, student
from experiments.stability.edges import (
    Edge,
    by_memory,
    edges,
    of,
    seeds,
)

STABLE = ("exp", "softplus", "best")
GRADIENT, SIGN = ("SGD", "momentum"), ("Adam", "AdamW")
TIE = math.log10(3.0)
"""Logarithm of the factor up to which two largest rates tie: about a step of the grids."""
STEP = 1 / 3
"""Logarithm of the factor between neighbours of a grid."""

Statistic = Callable[[Sequence[Edge], int], float]
"""Function of the edges of one network and optimiser, and of a seed."""


def judge(
    network: str,
    optimisers: Sequence[str],
    statistics: Mapping[str, Statistic],
    low: float,
    high: float,
    records: Sequence[Record],
) -> Verdict:
    """Judge whether statistics of every optimiser lie between two bounds."""
    found = of(edges(records), network, *optimisers)
    if not found:
        return Verdict("not run", f"no ladders of {network} under {' or '.join(optimisers)}")
    parts = [
        _part(f"{optimiser}{name}", [statistic(held, seed) for seed in seeds(held)], low, high)
        for optimiser, held in found.items()
        for name, statistic in statistics.items()
    ]
    return _joined(parts)


def _part(name: str, values: Sequence[float], low: float, high: float) -> tuple[Status, str]:
    known = [value for value in values if math.isfinite(value)]
    detail = f"{name}: {estimate(known)}"
    if len(known) < ENOUGH:
        return "undecided", detail
    least, most = student(known)
    if low < least and most < high:
        return "pass", detail
    return ("fail" if most <= low or least >= high else "undecided"), detail


def _joined(parts: Sequence[tuple[Status, str]]) -> Verdict:
    found = [status for status, _ in parts]
    status: Status = "pass" if set(found) == {"pass"} else "undecided"
    if "fail" in found:
        status = "fail"
    return Verdict(status, "; ".join(detail for _, detail in parts))


def ranks(held: Sequence[Edge], seed: int, maps: Sequence[str] = ()) -> float:
    """Spearman's correlation of measured and predicted rates, over memories and maps."""
    rows = [edge for edge in held if not maps or edge.map in maps]
    measured, predicted = _pairs(rows, seed)
    return _correlation(rankdata(measured), rankdata(np.round(predicted, 10)))


def ranks_within(held: Sequence[Edge], seed: int) -> float:
    """Give the mean over memories of that correlation over maps."""
    rows = by_memory(held).values()
    return float(np.mean([ranks(list(row.values()), seed) for row in rows]))


def slope(held: Sequence[Edge], seed: int) -> float:
    """Slope of measured over predicted logarithms where the seed learns, by least squares."""
    measured, predicted = _pairs([edge for edge in held if edge.largest[seed]], seed)
    if len(measured) < 2:
        return math.nan
    apart = predicted - predicted.mean()
    return float(apart @ measured / (apart @ apart))


def ahead(held: Sequence[Edge], seed: int, first: str, second: str, place: int | None) -> float:
    """Logarithm of the first map's rate over the second's: at one memory, or the mean of all."""
    rows = list(by_memory(held).values())
    chosen = rows if place is None else rows[place:][:1]
    if not chosen or any(name not in row for row in chosen for name in (first, second)):
        return math.nan
    return float(np.mean([row[first].logs[seed] - row[second].logs[seed] for row in chosen]))


def _spread(held: Sequence[Edge], seed: int) -> float:
    """Logarithm of the largest over the smallest rate of the stable maps, the mean of memories."""
    rows = [[row[n].logs[seed] for n in STABLE if n in row] for row in by_memory(held).values()]
    return float(np.mean([max(row) - min(row) for row in rows]))


def judge_optimiser(network: str, records: Sequence[Record]) -> Verdict:
    """Judge whether the maps are further apart under gradient descent than under Adam."""
    found = of(edges(records), network, "SGD", "Adam")
    if len(found) < 2:
        return Verdict("not run", f"no ladders of {network} under both SGD and Adam")
    shared = seeds(edge for held in found.values() for edge in held)
    apart = [_spread(found["SGD"], seed) - _spread(found["Adam"], seed) for seed in shared]
    return _joined([_part("SGD less Adam", apart, 0.0, math.inf)])


def ties(memories: int = 3) -> dict[str, Statistic]:
    """`ahead` of every two stable maps at every memory."""
    pairs = combinations(STABLE, 2)
    return {k: v for a, b in pairs for k, v in over(b, a, memories=memories).items()}


def over(second: str, *first: str, memories: int = 0) -> dict[str, Statistic]:
    """Logarithms of the rates of the first maps over the second's: their mean, or each memory's.

    Without a first one, those of all stable maps.
    """
    places = {f", memory {place + 1}": place for place in range(memories)} or {"": None}
    return {
        f", {name} over {second}{where}": partial(ahead, first=name, second=second, place=place)
        for name in first or STABLE
        for where, place in places.items()
    }


def one(statistic: Callable[..., float], **fixed: object) -> dict[str, Statistic]:
    """Give one statistic, with some of its arguments, and without a name."""
    return {"": partial(statistic, **fixed)}


def _pairs(held: Sequence[Edge], seed: int) -> tuple[np.ndarray, np.ndarray]:
    measured = np.array([edge.logs[seed] for edge in held])
    return measured, np.log10([edge.predicted for edge in held])


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation; 0 if all values of one side are equal, since nothing is ordered."""
    a, b = a - a.mean(), b - b.mean()
    scale = math.sqrt((a @ a) * (b @ b))
    return float(a @ b) / scale if scale else 0.0
