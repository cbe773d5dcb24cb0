"""What theory says about stable learning rates, as functions from records."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from experiments.claim import Claim, Judge, Verdict, all_hold
from experiments.record import Record
from experiments.report.rows import select
from experiments.stability.gradient_ratio import FAIR, comparable, ratios, starting_ratio
from experiments.stability.images import ImageRun
from experiments.stability.sweep import (
    MAPS,
    Cell,
    by_task,
    cells,
    final_losses,
    learning_rates,
)

Row = Mapping[str, "MedianRatios"]
Pick = Callable[[list[float]], list[float]]

STILL = 5e-6
"""A rate at which weights hardly move in any number of steps that is affordable."""
TOLERANCE = 0.1

UPSTREAM, DIRECT = MAPS[:2]
LONG = 784
COMPARED_AT = 5e-2
"""The rate at which the published loss of best is a tenth of that of exp."""
BREAKS_FROM = 5e-3
"""The smallest published rate at which direct weights give NaN on sequences of 784."""


def _of_kind(records: Sequence[Record], images: bool) -> dict[str, list[Cell]]:
    return by_task(
        cells(r for r in records if r.finished and isinstance(r.run, ImageRun) == images)
    )


def _judge_order(images: bool, names: Sequence[str]) -> Judge:
    """Whether in every seed each map still learns at a larger rate than the next one can.

    Only tasks that have all of the maps are looked at.
    """

    def judge(records: Sequence[Record]) -> Verdict:
        parts = [
            _compared(task, {n: learning_rates(select(found, map=n)) for n in names}, operator.gt)
            for task, found in _of_kind(records, images).items()
            if set(names) <= {cell.map for cell in found}
        ]
        return all_hold(parts, f"no sweep of {', '.join(names)}")

    return judge


def _judge_below(first: str, second: str, rate: float) -> Judge:
    """Whether one map ends below another at a rate, in every seed of every task."""

    def judge(records: Sequence[Record]) -> Verdict:
        ends = {
            task: {n: final_losses(select(found, map=n, rate=rate)) for n in (first, second)}
            for task, found in by_task(cells(records)).items()
        }
        parts = [_compared(t, row, operator.lt) for t, row in ends.items() if _shared(row)]
        return all_hold(parts, f"no seed of both {first} and {second} at the rate {rate:g}")

    return judge


def _compared(
    task: str, values: Mapping[str, Mapping[int, float]], comes: Callable[[float, float], bool]
) -> tuple[bool, str]:
    """Whether the values of each map come before the next one's, in every seed that all have."""
    seeds = _shared(values)
    holds = all(comes(a[s], b[s]) for a, b in pairwise(values.values()) for s in seeds)
    rows = (f"{n} {' '.join(f'{row[s]:.3g}' for s in seeds)}" for n, row in values.items())
    return holds, f"{task}, seed by seed: {', '.join(rows)}"


def _shared(values: Mapping[str, Mapping[int, float]]) -> list[int]:
    return sorted(set.intersection(*(set(row) for row in values.values())))


def _judge_ratio(decide: Callable[[Row], tuple[bool, str]], pick: Pick) -> Judge:
    """Judge the medians over seeds, at some of the rates at which all fair maps are stable.

    `decide` gets what each map has at one of those rates, and gives its answer with the numbers.
    """

    def part(task: str, rate: float, row: Mapping[str, Cell]) -> tuple[bool, str]:
        holds, numbers = decide({name: _median_ratios(cell) for name, cell in row.items()})
        return holds, f"{task}, rate {rate:g}: {numbers}"

    def judge(records: Sequence[Record]) -> Verdict:
        shared = {task: comparable(found) for task, found in by_task(cells(records)).items()}
        parts = [
            part(task, rate, rows[rate])
            for task, rows in shared.items()
            for rate in pick(sorted(rows))
        ]
        return all_hold(parts, "no sweep with a rate at which all fair maps are stable")

    return judge


class MedianRatios(NamedTuple):
    """Medians over seeds: the largest ratio in training, and the spread of ratios."""

    largest: float
    spread: float


def _median_ratios(cell: Cell) -> MedianRatios:
    found = [ratios(record) for record in cell.records]
    return MedianRatios(*np.median([[r.largest, r.spread] for r in found], axis=0).tolist())


def _best_is_least(quantity: str) -> Callable[[Row], tuple[bool, str]]:
    def decide(row: Row) -> tuple[bool, str]:
        values = {name: getattr(row[name], quantity) for name in row}
        ranked = sorted(values, key=lambda name: values[name])
        return ranked[0] == "best", ", ".join(f"{n} {values[n]:.3g}" for n in ranked[:2])

    return decide


def _excesses(holds: Callable[[float], bool]) -> Callable[[Row], tuple[bool, str]]:
    """Judge the largest ratio of each map over that of best, in units of its value at first."""

    def decide(row: Row) -> tuple[bool, str]:
        found = {
            name: row[name].largest
            / row["best"].largest
            * starting_ratio("best")
            / starting_ratio(name)
            for name in FAIR
            if name != "best"
        }
        numbers = ", ".join(f"{name} {value:.3g}" for name, value in found.items())
        return all(map(holds, found.values())), f"over best and its start {numbers}"

    return decide


def _is_near_one(excess: float) -> bool:
    return abs(excess - 1) < TOLERANCE


def _judge_long(name: str, decide: Callable[[Cell], bool]) -> Judge:
    """Whether every cell of a map on sequences of 784 is as the published table has it."""

    def judge(records: Sequence[Record]) -> Verdict:
        found = select(cells(records), map=name, length=LONG)
        if not any(cell.rate == BREAKS_FROM for cell in found):
            return Verdict("not run", f"no sweep of {name} over sequences of {LONG}")
        listed = ", ".join(f"{cell.rate:g}: {_outcome(cell)}" for cell in found)
        return Verdict("pass" if all(map(decide, found)) else "fail", listed)

    return judge


def _outcome(cell: Cell) -> str:
    if cell.diverged:
        return f"NaN in {cell.diverged} of {len(cell.final)}"
    return f"{cell.final.mean():.3g}"


def _as_published(cell: Cell) -> bool:
    """NaN in most seeds from 5e-3 on, in none below."""
    if cell.rate >= BREAKS_FROM:
        return 2 * cell.diverged > len(cell.final)
    return cell.diverged == 0


def _bears_published_rate(cell: Cell) -> bool:
    """Stable at the rate at which the published start gives NaN, and at all smaller ones."""
    return cell.rate > BREAKS_FROM or cell.is_stable


CLAIMS = (
    Claim(
        "order",
        "functionals: the largest rate at which a seed still ends below a constant prediction is "
        "larger for best than for exp, and for exp than for direct with the fair sign, in every "
        "seed",
        _judge_order(False, ("best", "exp", DIRECT)),
        "Seeds disagree on a grid of decades: best goes further in one, exp in another. The rule "
        "of best is about gradients, whose size Adam divides out, which may be why (not tested).",
    ),
    Claim(
        "order-images",
        "real images: that order of best, exp and direct, in every seed",
        _judge_order(True, ("best", "exp", DIRECT)),
        "Best and exp learn up to the same rate of a grid of decades in every seed; direct comes "
        "behind both, as claimed.",
    ),
    Claim(
        "best-over-exp",
        f"at the rate {COMPARED_AT:g} best ends below exp, in every seed of every task",
        _judge_below("best", "exp", COMPARED_AT),
        "Both maps learn well at this rate in these short trainings, where the published loss of "
        "exp has broken down; why it does not here is not understood.",
    ),
    Claim(
        "ratio-largest",
        "largest gradient over weight met in training: least for best at every rate that all fair "
        "maps bear (best, and the next after it)",
        _judge_ratio(_best_is_least("largest"), lambda rates: rates),
    ),
    Claim(
        "ratio-spread",
        "its standard deviation over channels and steps: least for best at every such rate",
        _judge_ratio(_best_is_least("spread"), lambda rates: rates),
    ),
    Claim(
        "ratio-start",
        f"at the rate {STILL:g}, where weights hardly move, the largest ratios are to each other "
        "as abs(p')/abs(w) at the start, within 10 %: over best, 4 for direct, 1.44 for exp, 1.82 "
        "for softplus",
        _judge_ratio(_excesses(_is_near_one), lambda rates: [r for r in rates[:1] if r <= STILL]),
    ),
    Claim(
        "ratio-grows",
        "at the largest rate that all bear, they exceed best's by more than that",
        _judge_ratio(_excesses(lambda excess: excess > 1), lambda rates: rates[-1:]),
    ),
    Claim(
        "nan-rows",
        f"sequences of {LONG}, published sign of direct: at every rate from {BREAKS_FROM:g} on NaN "
        "in most seeds (the published rows are of one), below in none",
        _judge_long(UPSTREAM, _as_published),
        "The cosine of these short trainings lowers the rate before growing modes overflow: "
        "trained ten times as long (preset long) all seeds meet NaN at the first of these rates.",
    ),
    Claim(
        "sign",
        f"sequences of {LONG}: with the fair sign direct is stable at {BREAKS_FROM:g} and below",
        _judge_long(DIRECT, _bears_published_rate),
    ),
)
