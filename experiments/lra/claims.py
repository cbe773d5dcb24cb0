"""What the replication asked and what theory expects, as functions from records."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.claim import Claim, Judge, Verdict, all_hold
from experiments.lra.cells import Cell, cells
from experiments.lra.differences import Difference, at_levels, name_of, overall, tables
from experiments.record import Record
from experiments.report.rows import select

ENOUGH_SEEDS = 5
MISSING = f"needs every cell of a table in both frameworks with {ENOUGH_SEEDS} seeds"
AGREEMENT = 2.0
"""Percentage points within which the frameworks are said to agree."""
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


def _judge_factor(factor: str, other: str) -> Judge:
    """Pass if both levels of another factor give the difference one sign, beyond doubt."""

    def judge(records: Sequence[Record]) -> Verdict:
        found = decided_at(factor, other, records)
        parts = [part(cell, differences) for cell, differences in found]
        return all_hold(parts, MISSING, otherwise="undecided")

    def part(cell: Cell, differences: Sequence[Difference]) -> tuple[bool, str]:
        signs = {d.mean > 0 for d in differences}
        holds = len(signs) == 1 and all(d.excludes_zero for d in differences)
        listed = ", ".join(f"{d.where} {d}" for d in differences)
        return holds, f"{cell.task}: {name_of(factor)}, {listed}"

    return judge


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
                    details.append(f"{cell.task}: {ours.mean():.1f} to {theirs.mean():.1f}")
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
        "accuracy, before the mixer and after the residual, have one sign and exclude zero",
        _judge_factor("norm", "position"),
    ),
    Claim(
        "position",
        "one place is ahead with either normalisation: the intervals of pre - post have one sign "
        "and exclude zero",
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
        )
        for model, name in (("s4d_lin", "S4D"), ("s5", "S5"), ("lru", "an LRU"))
    ),
)
