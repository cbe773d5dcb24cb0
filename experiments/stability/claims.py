"""What theory says about stable learning rates, as functions from records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from experiments.claim import Claim, Verdict
from experiments.record import Record
from experiments.rows import select
from experiments.stability.gradient_ratio import FAIR, comparable, ratios
from experiments.stability.sweep import MAPS, Cell, by_task, cells, largest_rate

Judge = Callable[[Sequence[Record]], Verdict]

UPSTREAM, DIRECT = MAPS[:2]
LONG = 784
BREAKS_FROM = 5e-3
"""The smallest published rate at which direct weights give NaN on sequences of 784."""


def _of_kind(records: Sequence[Record], images: bool) -> dict[str, list[Cell]]:
    return by_task(cells(r for r in records if r.finished and ("images" in r.run) == images))


def _judge_order(images: bool, names: Sequence[str], *, learns: bool = False) -> Judge:
    """Whether each map's largest rate is at least that of the next, on every task that has all."""

    def judge(records: Sequence[Record]) -> Verdict:
        details, holds = [], True
        for task, found in _of_kind(records, images).items():
            if not set(names) <= {cell.map for cell in found}:
                continue
            rates = [largest_rate(select(found, map=name), learns=learns) for name in names]
            holds &= all(a >= b for a, b in pairwise(rates))
            listed = ", ".join(f"{n} {r:g}" for n, r in zip(names, rates, strict=True))
            details.append(f"{task}: {listed}")
        if not details:
            return Verdict("not run", f"no sweep of {', '.join(names)}")
        return Verdict("pass" if holds else "fail", "; ".join(details))

    return judge


def _judge_ratio(quantity: Callable[[Record], float]) -> Judge:
    """Whether a quantity of the ratios, averaged over seeds, is smallest for best.

    It is judged at the largest rate of each sweep at which every fair map is stable: there the
    weights move most, and so differ most from their common start.
    """

    def judge(records: Sequence[Record]) -> Verdict:
        details, holds = [], True
        for task, found in by_task(cells(records)).items():
            rows = comparable(found)
            if not rows:
                continue
            rate, row = next(iter(rows.items()))
            means = {
                name: float(np.exp(np.mean([np.log(quantity(r)) for r in row[name].records])))
                for name in FAIR
            }
            holds &= min(means, key=lambda name: means[name]) == "best"
            listed = ", ".join(f"{name} {value:.3g}" for name, value in means.items())
            details.append(f"{task}, rate {rate:g}: {listed}")
        if not details:
            return Verdict("not run", "no sweep with a rate at which all fair maps are stable")
        return Verdict("pass" if holds else "fail", "; ".join(details))

    return judge


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
        "order-learns",
        "the same order of the largest rates that end below a constant prediction, functionals",
        _judge_order(False, ("best", "exp", DIRECT), learns=True),
    ),
    Claim(
        "ratio-peak",
        "gradient over weight: the largest value met in training is smallest for best",
        _judge_ratio(lambda record: float(ratios(record).peaks.max())),
    ),
    Claim(
        "ratio-spread",
        "gradient over weight: the largest value over the median is smallest for best",
        _judge_ratio(lambda record: ratios(record).spread),
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
