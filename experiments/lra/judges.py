"""How the claims of this study are judged, as functions from records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from experiments.claim import Judge, Status, Verdict
from experiments.lra.cells import Cell, cells
from experiments.lra.differences import Difference, at_levels, name_of, overall, tables
from experiments.lra.ladders import OF_RATES, OF_STEPS, ladders, narrowing, tuned
from experiments.lra.settings import RATE, RATES, SHORT, STEPS
from experiments.lra.training_run import NORMS, POSITIONS
from experiments.record import Record
from experiments.report.interval import estimate
from experiments.report.rows import select

ENOUGH_SEEDS = 5
MISSING = f"needs every cell of a table in both frameworks with {ENOUGH_SEEDS} seeds"
LEAST_RUNGS = 3
NO_RATES = f"needs such tables of ListOps at {LEAST_RUNGS} rates: preset rates of both halves"
NO_STEPS = f"needs tables of ListOps at {LEAST_RUNGS} numbers of steps: preset steps of lra.s4_jax"
LIST_OPS = "ListOps"
AGREEMENT = 2.0
"""Percentage points within which the frameworks are said to agree."""
NOTHING = 1.0
"""Percentage points below which a difference that may be zero is none to speak of."""
MARGIN = 3.0
"""Percentage points by which a state-space model is to beat a small Transformer on pixels."""

Keep = Callable[[Cell], bool]
"""Whether a claim is about the table of a cell."""


def usual(cell: Cell) -> bool:
    """Whether a cell is of no other rung of the presets `rates` and `steps`."""
    off_rate = cell.rate in RATES and cell.rate != RATE
    off_steps = cell.num_steps in STEPS and cell.num_steps != SHORT["list_ops"].num_steps
    return cell.short != LIST_OPS or not (off_rate or off_steps)


def decided(
    factor: str, records: Sequence[Record], keep: Keep = usual
) -> list[tuple[Cell, Difference]]:
    """Differences over whole tables of enough seeds in both frameworks, with a cell of each."""
    found = []
    for table in tables(cells(records)):
        if not keep(table[0]) or len({cell.framework for cell in table}) < 2:
            continue
        difference = overall(table, factor)
        if difference is not None and difference.num_seeds >= ENOUGH_SEEDS:
            found.append((table[0], difference))
    return found


def decided_at(
    factor: str, other: str, records: Sequence[Record], keep: Keep = usual
) -> list[tuple[Cell, list[Difference]]]:
    """List the differences at each level of another factor, of the tables that `decided` takes."""
    found = decided(factor, records, keep)
    kept = {(cell.task, cell.settings) for cell, _ in found}
    return [
        (table[0], at_levels(table, factor, other))
        for table in tables(cells(records))
        if (table[0].task, table[0].settings) in kept
    ]


def _is_whole(table: Sequence[Cell]) -> bool:
    """Whether a table holds every norm in every place, in enough seeds of each framework."""
    difference = overall(table, "norm")
    levels = {(cell.norm, cell.position) for cell in table}
    whole = len(levels) == len(NORMS) * len(POSITIONS)
    return whole and difference is not None and difference.num_seeds >= ENOUGH_SEEDS


_SEVERITY: tuple[Status, ...] = ("pass", "undecided", "fail")


def judge_factor(factor: str, other: str, *kinds: Keep) -> Judge:
    """Pass if both levels of another factor give the difference one sign, beyond doubt.

    Fail if they give opposite signs beyond doubt, or one of them gives no difference to speak of.
    The claim is about the first of `kinds` that has tables: a stand-in follows what it stands for.
    """

    def judge(records: Sequence[Record]) -> Verdict:
        every = (decided_at(factor, other, records, keep) for keep in kinds)
        found = next((tables for tables in every if tables), [])
        if not found:
            return Verdict("not run", MISSING)
        statuses: list[Status] = [one_sign(differences) for _, differences in found]
        worst = max(statuses, key=_SEVERITY.index)
        return Verdict(worst, "; ".join(_told(cell, factor, each) for cell, each in found))

    return judge


def _told(cell: Cell, factor: str, differences: Sequence[Difference]) -> str:
    listed = ", ".join(f"{d.where} {d}" for d in differences)
    return f"{cell.task}: {name_of(factor)}, {listed}"


def at_rate(rate: float) -> Keep:
    """Keep the tables of ListOps at a rate, with the usual steps."""
    usually = of(LIST_OPS)
    return lambda cell: cell.rate == rate and usually(replace(cell, rate=RATE))


def of(short: str) -> Keep:
    """Keep the usual tables of a task."""
    return lambda cell: cell.short == short and usual(cell)


def _rungs(records: Sequence[Record], fields: Sequence[str]) -> list[list[list[Cell]]]:
    """Ladders of whole tables of ListOps."""
    found = ladders(select(cells(records), short=LIST_OPS), fields)
    whole = ([table for table in ladder if _is_whole(table)] for ladder in found)
    return [ladder for ladder in whole if len(ladder) >= LEAST_RUNGS]


def judge_rates(records: Sequence[Record]) -> Verdict:
    """Hold the differences of all rates, in both places, against one sign."""
    ladder = _both_frameworks(_rungs(records, OF_RATES))
    if not ladder:
        return Verdict("not run", NO_RATES)
    each = [(table[0].rate, d) for table in ladder for d in at_levels(table, "norm", "position")]
    detail = ", ".join(f"{rate:g} {d.where} {d}" for rate, d in each)
    return Verdict(one_sign([d for _, d in each]), f"{ladder[0][0].task}: {detail}")


def judge_tuned(records: Sequence[Record]) -> Verdict:
    """Compare the norms, each in each place at the rate that validates best."""
    ladder = _both_frameworks(_rungs(records, OF_RATES))
    if not ladder:
        return Verdict("not run", NO_RATES)
    chosen = tuned(ladder)
    found = at_levels(chosen, "norm", "position")
    rates = ", ".join(f"{c.framework} {c.norm} {c.position} {c.rate:g}" for c in chosen)
    return Verdict(one_sign(found), f"{_told(chosen[0], 'norm', found)} (chosen: {rates})")


def _both_frameworks(found: Sequence[list[list[Cell]]]) -> list[list[Cell]]:
    """Give the first ladder whose tables are all of both frameworks; none if there is none."""
    whole = ([t for t in ladder if len({c.framework for c in t}) == 2] for ladder in found)
    return next((ladder for ladder in whole if len(ladder) >= LEAST_RUNGS), [])


def judge_lasting(records: Sequence[Record]) -> Verdict:
    """Hold the differences after the most steps, in both places, against one sign."""
    ladder = next(iter(_rungs(records, OF_STEPS)), None)
    if ladder is None:
        return Verdict("not run", NO_STEPS)
    found = at_levels(ladder[-1], "norm", "position")
    return Verdict(
        one_sign(found), f"{ladder[-1][0].num_steps:,} steps, {_told(ladder[-1][0], 'norm', found)}"
    )


def judge_narrowing(records: Sequence[Record]) -> Verdict:
    """Pass if both intervals lie above zero; fail if one lies below it, or closely around it."""
    ladder = next(iter(_rungs(records, OF_STEPS)), None)
    found = narrowing(ladder[0], ladder[-1]) if ladder else []
    if not ladder or len(found) < len(POSITIONS):
        return Verdict("not run", NO_STEPS)
    ends = " to ".join(f"{table[0].num_steps:,}" for table in (ladder[0], ladder[-1]))
    detail = f"{ladder[0][0].task}, {ends} steps: {', '.join(f'{d.where} {d}' for d in found)}"
    falls = any(d.mean < 0 and d.excludes_zero for d in found)
    return Verdict("fail" if falls else one_sign(found), detail)


def one_sign(differences: Sequence[Difference]) -> Status:
    """Whether differences are decided with one sign; refuted by both signs, or by none of size."""
    signs = {d.mean > 0 for d in differences if d.excludes_zero}
    if len(signs) > 1 or any(_is_nothing(d) for d in differences):
        return "fail"
    return "pass" if all(d.excludes_zero for d in differences) else "undecided"


def _is_nothing(difference: Difference) -> bool:
    low, high = difference.interval
    return -NOTHING < low <= 0 <= high < NOTHING


def judge_agreement(records: Sequence[Record]) -> Verdict:
    """Compare the intervals of JAX - torch with the percentage points that count as agreement."""
    found = decided("framework", records)
    if not found:
        return Verdict("not run", MISSING)
    detail = "; ".join(f"{cell.task}: {name_of('framework')} {each}" for cell, each in found)
    intervals = [difference.interval for _, difference in found]
    if any(low > AGREEMENT or high < -AGREEMENT for low, high in intervals):
        return Verdict("fail", detail)
    within = all(low >= -AGREEMENT and high <= AGREEMENT for low, high in intervals)
    return Verdict("pass" if within else "undecided", detail)


def judge_pixels(model: str) -> Judge:
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
