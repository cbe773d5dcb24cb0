"""What theory says about the edge of learning under each optimiser, as functions from ladders.

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

from experiments.claim import Claim, Status, Verdict
from experiments.record import Record
from experiments.report.interval import ENOUGH, estimate, student
from experiments.report.variants import of_one_setting
from experiments.stability.edges import (
    LAYER,
    MODES,
    STATES,
    Edge,
    by_memory,
    cell_of,
    edges,
    of,
    seeds,
)

STABLE = ("exp", "softplus", "best")
GRADIENT, SIGN = ("SGD", "momentum"), ("Adam", "AdamW")
TIE = math.log10(3.0)
"""Logarithm of the factor up to which two largest rates tie: about a step of the grids."""

Statistic = Callable[[Sequence[Edge], int], float]
"""Function of the edges of one network and optimiser, and of a seed."""


def _judge(
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


def _ranks(held: Sequence[Edge], seed: int, maps: Sequence[str] = ()) -> float:
    """Spearman's correlation of measured and predicted rates, over memories and maps."""
    rows = [edge for edge in held if not maps or edge.map in maps]
    measured, predicted = _pairs(rows, seed)
    return _correlation(rankdata(measured), rankdata(np.round(predicted, 10)))


def _ranks_within(held: Sequence[Edge], seed: int) -> float:
    """Give the mean over memories of that correlation over maps."""
    rows = by_memory(held).values()
    return float(np.mean([_ranks(list(row.values()), seed) for row in rows]))


def _slope(held: Sequence[Edge], seed: int) -> float:
    """Slope of measured over predicted logarithms where the seed learns, by least squares."""
    measured, predicted = _pairs([edge for edge in held if edge.largest[seed]], seed)
    if len(measured) < 2:
        return math.nan
    apart = predicted - predicted.mean()
    return float(apart @ measured / (apart @ apart))


def _ahead(held: Sequence[Edge], seed: int, first: str, second: str, place: int | None) -> float:
    """Logarithm of the first map's rate over the second's: at one memory, or the mean of all."""
    rows = list(by_memory(held).values())
    chosen = rows if place is None else rows[place:][:1]
    if not chosen or any(name not in row for row in chosen for name in (first, second)):
        return math.nan
    return float(np.mean([row[first].logs[seed] - row[second].logs[seed] for row in chosen]))


def _range(held: Sequence[Edge], seed: int) -> float:
    """Logarithm of the largest over the smallest rate of the stable maps, the mean of memories."""
    rows = [[row[n].logs[seed] for n in STABLE if n in row] for row in by_memory(held).values()]
    return float(np.mean([max(row) - min(row) for row in rows]))


def _judge_optimiser(network: str, records: Sequence[Record]) -> Verdict:
    """Judge whether the maps are further apart under gradient descent than under Adam."""
    found = of(edges(records), network, "SGD", "Adam")
    if len(found) < 2:
        return Verdict("not run", f"no ladders of {network} under both SGD and Adam")
    shared = seeds(edge for held in found.values() for edge in held)
    apart = [_range(found["SGD"], seed) - _range(found["Adam"], seed) for seed in shared]
    return _joined([_part("SGD less Adam", apart, 0.0, math.inf)])


def _ties(memories: int = 3) -> dict[str, Statistic]:
    return {
        f", {first} over {second}, memory {place + 1}": partial(
            _ahead, first=first, second=second, place=place
        )
        for first, second in combinations(STABLE, 2)
        for place in range(memories)
    }


def _over_direct() -> dict[str, Statistic]:
    return {
        f", {name} over direct": partial(_ahead, first=name, second="direct", place=None)
        for name in STABLE
    }


def _one(statistic: Callable[..., float], **fixed: object) -> dict[str, Statistic]:
    return {"": partial(statistic, **fixed)}


def _pairs(held: Sequence[Edge], seed: int) -> tuple[np.ndarray, np.ndarray]:
    measured = np.array([edge.logs[seed] for edge in held])
    return measured, np.log10([edge.predicted for edge in held])


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation; 0 if all values of one side are equal, since nothing is ordered."""
    a, b = a - a.mean(), b - b.mean()
    scale = math.sqrt((a @ a) * (b @ b))
    return float(a @ b) / scale if scale else 0.0


def _claim(name: str, statement: str, *judged: object) -> Claim:
    return Claim(name, statement, partial(_judge, *judged))


CLAIMS = of_one_setting(
    (
        _claim(
            "gradient-order",
            "modes under SGD and momentum: over maps and memories largest rates are ranked as "
            "predicted, Spearman above 0.8",
            *(MODES, GRADIENT, _one(_ranks), 0.8, math.inf),
        ),
        _claim(
            "gradient-stable",
            "the same of the stable maps alone, above 0.5",
            *(MODES, GRADIENT, _one(_ranks, maps=STABLE), 0.5, math.inf),
        ),
        _claim(
            "gradient-exponent",
            "there they are in proportion to the prediction: a slope of logarithms within a "
            "quarter of 1",
            *(MODES, GRADIENT, _one(_slope), 0.75, 1.25),
        ),
        _claim(
            "gradient-long",
            "of the longest memory best bears a larger rate than exp there",
            *(MODES, GRADIENT),
            *(_one(_ahead, first="best", second="exp", place=-1), 0.0, math.inf),
        ),
        _claim(
            "gradient-short",
            "of the shortest exp bears a larger rate than best there",
            *(MODES, GRADIENT),
            *(_one(_ahead, first="exp", second="best", place=0), 0.0, math.inf),
        ),
        _claim(
            "adam-tie",
            "modes under Adam: at every memory the rates of two stable maps are within a factor "
            "of 3 of each other",
            *(MODES, SIGN, _ties(), -TIE, TIE),
        ),
        _claim(
            "adam-direct",
            "there direct bears a smaller rate than exp at the longest memory",
            *(MODES, SIGN),
            *(_one(_ahead, first="exp", second="direct", place=-1), 0.0, math.inf),
        ),
        Claim(
            "optimiser",
            "modes: rates of the stable maps are further apart under SGD than under Adam",
            partial(_judge_optimiser, MODES),
        ),
        _claim(
            "layer-order",
            "the published layer under SGD and momentum: maps are ranked as predicted at the "
            "start (softplus, exp, best, direct), Spearman above 0",
            *(LAYER, GRADIENT, _one(_ranks_within), 0.0, math.inf),
        ),
        _claim(
            "layer-tie",
            "the published layer under Adam and AdamW: as adam-tie",
            *(LAYER, SIGN, _ties(), -TIE, TIE),
        ),
        _claim(
            "layer-direct",
            "the published layer: under every optimiser exp bears a larger rate than direct, in "
            "the mean of memories",
            *(LAYER, (*GRADIENT, *SIGN)),
            *(_one(_ahead, first="exp", second="direct", place=None), 0.0, math.inf),
        ),
        _claim(
            "layer-best",
            "the paper's comparison: under AdamW best bears a larger rate than exp, in the mean of "
            "memories",
            *(LAYER, ("AdamW",)),
            *(_one(_ahead, first="best", second="exp", place=None), 0.0, math.inf),
        ),
        Claim(
            "layer-optimiser",
            "the published layer: as optimiser",
            partial(_judge_optimiser, LAYER),
        ),
        _claim(
            "states-direct",
            "the published layer, the rate of its recurrence alone swept: under SGD and Adam every "
            "stable map bears a larger rate than direct, in the mean of memories",
            *(STATES, ("SGD", "Adam"), _over_direct(), 0.0, math.inf),
        ),
        _claim(
            "states-order",
            "there under SGD: as layer-order",
            *(STATES, ("SGD",), _one(_ranks_within), 0.0, math.inf),
        ),
        _claim(
            "states-best",
            "there under SGD and Adam best bears a larger rate than exp, in the mean of memories",
            *(STATES, ("SGD", "Adam")),
            *(_one(_ahead, first="best", second="exp", place=None), 0.0, math.inf),
        ),
    ),
    cell_of,
)
