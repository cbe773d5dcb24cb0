"""What the replication asked and what theory expects, as functions from records."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.claim import NOT_UNDERSTOOD, Claim, Judge, Status, Verdict
from experiments.lra.cells import Cell, cells
from experiments.lra.differences import Difference, at_levels, name_of, overall, tables
from experiments.record import Record
from experiments.report.interval import estimate
from experiments.report.rows import select

ENOUGH_SEEDS = 5
MISSING = f"needs every cell of a table in both frameworks with {ENOUGH_SEEDS} seeds"
AGREEMENT = 2.0
"""Percentage points within which the frameworks are said to agree."""
NOTHING = 1.0
"""Percentage points below which a difference that may be zero is none to speak of."""
MARGIN = 3.0
"""Percentage points by which a state-space model is to beat a small Transformer on pixels."""


def decided(factor: str, records: Sequence[Record]) -> list[tuple[Cell, Difference]]:
    """Differences over whole tables of enough seeds in both frameworks, with a cell of each."""
    found = []
    for table in tables(cells(records)):
        if len({cell.framework for cell in table}) < 2:
            continue
        difference = overall(table, factor)
        if difference is not None and difference.num_seeds >= ENOUGH_SEEDS:
            found.append((table[0], difference))
    return found


def decided_at(
    factor: str, other: str, records: Sequence[Record]
) -> list[tuple[Cell, list[Difference]]]:
    """List the differences at each level of another factor, of the tables that `decided` takes."""
    kept = {(cell.task, cell.settings) for cell, _ in decided(factor, records)}
    return [
        (table[0], at_levels(table, factor, other))
        for table in tables(cells(records))
        if (table[0].task, table[0].settings) in kept
    ]


_SEVERITY: tuple[Status, ...] = ("pass", "undecided", "fail")


def _judge_factor(factor: str, other: str) -> Judge:
    """Pass if both levels of another factor give the difference one sign, beyond doubt.

    Fail if they give opposite signs beyond doubt, or one of them gives no difference to speak of.
    """

    def judge(records: Sequence[Record]) -> Verdict:
        found = decided_at(factor, other, records)
        if not found:
            return Verdict("not run", MISSING)
        statuses: list[Status] = [one_sign(differences) for _, differences in found]
        worst = max(statuses, key=_SEVERITY.index)
        return Verdict(worst, "; ".join(said(cell, differences) for cell, differences in found))

    def said(cell: Cell, differences: Sequence[Difference]) -> str:
        listed = ", ".join(f"{d.where} {d}" for d in differences)
        return f"{cell.task}: {name_of(factor)}, {listed}"

    return judge


def one_sign(differences: Sequence[Difference]) -> Status:
    """Whether differences are decided with one sign; refuted by both signs, or by none of size."""
    signs = {d.mean > 0 for d in differences if d.excludes_zero}
    if len(signs) > 1 or any(_is_nothing(d) for d in differences):
        return "fail"
    return "pass" if all(d.excludes_zero for d in differences) else "undecided"


def _is_nothing(difference: Difference) -> bool:
    low, high = difference.interval
    return -NOTHING < low <= 0 <= high < NOTHING


def _judge_agreement(records: Sequence[Record]) -> Verdict:
    found = decided("framework", records)
    if not found:
        return Verdict("not run", MISSING)
    detail = "; ".join(f"{cell.task}: {name_of('framework')} {each}" for cell, each in found)
    intervals = [difference.interval for _, difference in found]
    if any(low > AGREEMENT or high < -AGREEMENT for low, high in intervals):
        return Verdict("fail", detail)
    within = all(low >= -AGREEMENT and high <= AGREEMENT for low, high in intervals)
    return Verdict("pass" if within else "undecided", detail)


def _judge_pixels(model: str) -> Judge:
    """Compare the seeds one by one: all of them, or none, beat the Transformer by the margin."""

    def judge(records: Sequence[Record]) -> Verdict:
        images = select(cells(records), short="CIFAR-10")
        details, least, most = [], [], []
        for cell in select(images, model=model):
            for other in _rivals(cell, images):
                ours, theirs = cell.accuracies("test"), other.accuracies("test")
                if len(ours) and len(theirs):
                    least.append(ours.min() - theirs.max())
                    most.append(ours.max() - theirs.min())
                    details.append(f"{cell.task}: {estimate(ours)} to {estimate(theirs)}")
        if not details:
            return Verdict("not run", f"needs {model} and a Transformer on images")
        if min(least) >= MARGIN:
            return Verdict("pass", "; ".join(details))
        return Verdict("fail" if min(most) < MARGIN else "undecided", "; ".join(details))

    return judge


def _rivals(cell: Cell, found: Sequence[Cell]) -> list[Cell]:
    """Find Transformers on the same data and budget, with the same norm in the same place."""
    facts = {name: getattr(cell, name) for name in ("task", "scale", "norm", "position")}
    return select(found, model="transformer", **facts)


CLAIMS = (
    Claim(
        "norm",
        "one normalisation is ahead in either place: the intervals of layer - batch in S4's test "
        "accuracy, before the mixer and after the residual, have one sign and exclude zero (fails "
        f"with opposite signs, or around zero within {NOTHING:g} point)",
        _judge_factor("norm", "position"),
    ),
    Claim(
        "position",
        "one place is ahead with either normalisation: the intervals of pre - post have one sign "
        "and exclude zero (fails likewise)",
        _judge_factor("position", "norm"),
    ),
    Claim(
        "frameworks",
        f"JAX and torch agree: the interval of their difference lies within {AGREEMENT:g} points",
        _judge_agreement,
    ),
    *(
        Claim(
            f"pixels-{model}",
            f"on grey pixels {name} beats a small Transformer by at least {MARGIN:g} points, "
            "its worst seed the other's best",
            _judge_pixels(model),
            reason,
        )
        for model, name, reason in (
            ("s4d_lin", "S4D", NOT_UNDERSTOOD),
            ("s5", "S5", NOT_UNDERSTOOD),
            (
                "lru",
                "an LRU",
                "It is as low on the training set: it has learnt little in so few "
                "steps, and its rate was not searched for.",
            ),
        )
    ),
)
