"""What theory says about stable learning rates, as functions from records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from experiments.claim import Claim, Verdict
from experiments.record import Record
from experiments.rows import select
from experiments.stability.gradient_ratio import FAIR, comparable, ratios, starting_ratio
from experiments.stability.sweep import MAPS, Cell, by_task, cells, largest_rate

Judge = Callable[[Sequence[Record]], Verdict]
Row = Mapping[str, "MedianRatios"]
Pick = Callable[[list[float]], list[float]]

STILL = 5e-6
"""A rate at which weights hardly move in any number of steps that is affordable."""
TOLERANCE = 0.1

UPSTREAM, DIRECT = MAPS[:2]
LONG = 784
BREAKS_FROM = 5e-3
"""The smallest published rate at which direct weights give NaN on sequences of 784."""


def _of_kind(records: Sequence[Record], images: bool) -> dict[str, list[Cell]]:
    return by_task(cells(r for r in records if r.finished and ("images" in r.run) == images))


def _judge_order(images: bool, names: Sequence[str]) -> Judge:
    """Whether each map's largest rate is at least that of the next, on every task that has all."""

    def judge(records: Sequence[Record]) -> Verdict:
        details, holds = [], True
        for task, found in _of_kind(records, images).items():
            if not set(names) <= {cell.map for cell in found}:
                continue
            rates = [largest_rate(select(found, map=name)) for name in names]
            holds &= all(a >= b for a, b in pairwise(rates))
            listed = ", ".join(f"{n} {r:g}" for n, r in zip(names, rates, strict=True))
            details.append(f"{task}: {listed}")
        if not details:
            return Verdict("not run", f"no sweep of {', '.join(names)}")
        return Verdict("pass" if holds else "fail", "; ".join(details))

    return judge


def _judge_ratio(decide: Callable[[Row], bool], pick: Pick) -> Judge:
    """Judge the medians over seeds, at some of the rates at which all fair maps are stable.

    `decide` gets what each map has, for each of those rates.
    """

    def judge(records: Sequence[Record]) -> Verdict:
        details, holds = [], True
        for task, found in by_task(cells(records)).items():
            shared = comparable(found)
            for rate in pick(sorted(shared)):
                row = {name: _median_ratios(cell) for name, cell in shared[rate].items()}
                holds &= decide(row)
                listed = ", ".join(f"{n} {r.largest:.3g} ({r.spread:.3g})" for n, r in row.items())
                details.append(f"{task}, rate {rate:g}: {listed}")
        if not details:
            return Verdict("not run", "no sweep with a rate at which all fair maps are stable")
        return Verdict("pass" if holds else "fail", "; ".join(details))

    return judge


class MedianRatios(NamedTuple):
    """Medians over seeds: the largest ratio in training, and the spread of ratios."""

    largest: float
    spread: float


def _median_ratios(cell: Cell) -> MedianRatios:
    found = [ratios(record) for record in cell.records]
    return MedianRatios(*np.median([[r.largest, r.spread] for r in found], axis=0).tolist())


def _largest_is_least(row: Row) -> bool:
    return min(row, key=lambda name: row[name].largest) == "best"


def _spread_is_least(row: Row) -> bool:
    return min(row, key=lambda name: row[name].spread) == "best"


def _excess(row: Row, name: str) -> float:
    """Largest ratio of a map over that of best, in units of what it is at the start."""
    at_start = starting_ratio(name) / starting_ratio("best")
    return row[name].largest / row["best"].largest / at_start


def _as_at_start(row: Row) -> bool:
    return all(abs(_excess(row, name) - 1) < TOLERANCE for name in FAIR)


def _more_than_at_start(row: Row) -> bool:
    return all(_excess(row, name) > 1 for name in FAIR if name != "best")


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
    """NaN in every seed from 5e-3 on, finite below."""
    return cell.diverged == (len(cell.final) if cell.rate >= BREAKS_FROM else 0)


def _bears_published_rate(cell: Cell) -> bool:
    """Stable at the rate at which the published start gives NaN, and at all smaller ones."""
    return cell.rate > BREAKS_FROM or cell.is_stable


CLAIMS = (
    Claim(
        "order",
        "functionals: largest stable rate of best >= exp >= direct with the fair sign",
        _judge_order(False, ("best", "exp", DIRECT)),
    ),
    Claim(
        "order-images",
        "real images: largest stable rate of best >= exp >= direct with the fair sign",
        _judge_order(True, ("best", "exp", DIRECT)),
    ),
    Claim(
        "ratio-largest",
        "largest gradient over weight met in training (in brackets its spread over channels and "
        "steps): least for best at every rate that all fair maps bear",
        _judge_ratio(_largest_is_least, lambda rates: rates),
    ),
    Claim(
        "ratio-spread",
        "its standard deviation over channels and steps: least for best at every such rate",
        _judge_ratio(_spread_is_least, lambda rates: rates),
    ),
    Claim(
        "ratio-start",
        f"at the rate {STILL:g}, where weights hardly move, the largest ratios are to each other "
        "as abs(p')/abs(w) at the start, within 10 %: over best, 4 for direct, 1.44 for exp, 1.82 "
        "for softplus",
        _judge_ratio(_as_at_start, lambda rates: [rate for rate in rates[:1] if rate <= STILL]),
    ),
    Claim(
        "ratio-grows",
        "at the largest rate that all bear, they exceed best's by more than that",
        _judge_ratio(_more_than_at_start, lambda rates: rates[-1:]),
    ),
    Claim(
        "nan-rows",
        f"sequences of {LONG}, published sign of direct: NaN at every rate from "
        f"{BREAKS_FROM:g} on, finite below",
        _judge_long(UPSTREAM, _as_published),
    ),
    Claim(
        "sign",
        f"sequences of {LONG}: with the fair sign direct is stable at {BREAKS_FROM:g} and below",
        _judge_long(DIRECT, _bears_published_rate),
    ),
)
