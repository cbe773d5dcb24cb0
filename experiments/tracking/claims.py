"""What is claimed of trackers, as functions from records."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from experiments.claim import Claim, Judge, Verdict
from experiments.record import Record
from experiments.report.interval import share
from experiments.report.rows import select
from experiments.report.variants import of_one_setting
from experiments.tracking.baseline import RESETS, by_task, overall
from experiments.tracking.cells import Cell, cell_of, cells
from experiments.tracking.horizon import OVERFLOW_FACTOR, comparisons, overflows
from experiments.tracking.judgement import (
    far_accuracy,
    is_measured_possible,
    is_solved,
    outcome,
)
from experiments.tracking.prediction import predicted

FIRST, LAST = 40, 100
"""Lengths at which parity and counting are tested, after a training up to 20."""
SAME = 0.01
"""Accuracies that differ by at most this much are taken to be equal."""
RANKED_TASKS = 5
"""On how many tasks a prediction of horizons has to rank the trackers."""


def late_scaled(cell: Cell) -> np.ndarray:
    """Scaled accuracy of each seed at lengths 40 to 100."""
    return cell.scaled(cell.late(FIRST, LAST))


def _judged(
    decide: Callable[[list[Cell]], tuple[bool, str]],
    models: Sequence[str],
    *,
    tested: int = 0,
    framework: str = "torch",
    **facts: object,
) -> Judge:
    """Judge one framework's cells of these models and facts: all must be there, tested so far."""

    def judge(records: Sequence[Record]) -> Verdict:
        found = [
            c
            for c in select(cells(records), framework=framework, **facts)
            if c.model in models and max(c.tested, default=0) >= tested
        ]
        missing = [m for m in models if m not in {c.model for c in found}]
        if missing:
            return Verdict("not run", f"no finished record of {', '.join(missing)}")
        holds, detail = decide(found)
        return Verdict("pass" if holds else "fail", detail)

    return judge


def _below(bound: float) -> Callable[[list[Cell]], tuple[bool, str]]:
    """Every seed stays below a scaled accuracy at lengths 40 to 100."""

    def decide(found: list[Cell]) -> tuple[bool, str]:
        return all((late_scaled(c) < bound).all() for c in found), _late(found)

    return decide


def _best_above(bound: float) -> Callable[[list[Cell]], tuple[bool, str]]:
    """Ask of every model that a seed exceed a scaled accuracy at lengths 40 to 100."""

    def decide(found: list[Cell]) -> tuple[bool, str]:
        return all(late_scaled(c).max() > bound for c in found), _late(found)

    return decide


def _trained_above(bound: float) -> Callable[[list[Cell]], tuple[bool, str]]:
    """Every seed reaches an accuracy at its trained length; the horizon is shown."""

    def decide(found: list[Cell]) -> tuple[bool, str]:
        holds = all((cell.trained() >= bound).all() for cell in found)
        return holds, ", ".join(f"{c.name} {_trained(c)}, {_horizon(c)}" for c in found)

    return decide


def _judge_diagonals(framework: str, models: Sequence[str]) -> Judge:
    """Diagonals fail on A5 at lengths 6 and 12, by the rule that training must be able to tell."""

    def judge(records: Sequence[Record]) -> Verdict:
        study = select(cells(records), framework=framework)
        found = [c for c in select(study, task="A5") if c.model in models and c.length >= 6]
        if not found:
            return Verdict("not run", "no finished record of a diagonal on A5")
        shown = {c: outcome(c, study) for c in found}
        detail = ", ".join(f"{c.name} L{c.length} {_trained(c)} {o}" for c, o in shown.items())
        if "solved" in shown.values():
            return Verdict("fail", detail)
        return Verdict("undecided" if "undertrained" in shown.values() else "pass", detail)

    return judge


def _judge_theory(framework: str) -> Judge:
    """No forbidden cell that learnt its task at the trained length still does it at eight times.

    A cell that did not learn its task could not have refuted theory, and is not counted.
    """

    def judge(records: Sequence[Record]) -> Verdict:
        forbidden = [
            c
            for c in select(cells(records), framework=framework)
            if c.kind.transition is not None
            and 8 * c.length in c.tested
            and predicted(c).status == "impossible"
        ]
        if not forbidden:
            return Verdict("not run", "no forbidden cell tested at eight times its length")
        learnt = [c for c in forbidden if is_solved(c)]
        scope = f"{len(learnt)} of {len(forbidden)} forbidden cells learnt their task"
        if not learnt:
            return Verdict("undecided", f"{scope}, none could have refuted theory")
        wrong = [f"{c.name} on {c.task}" for c in learnt if is_measured_possible(c)]
        right = ", ".join(f"{c.name} on {c.task} {far_accuracy(c):.2f}" for c in learnt)
        detail = f"{scope}; at eight times the length: {right}"
        return Verdict("fail" if wrong else "pass", "; ".join([detail, *wrong]))

    return judge


def _judge_same(records: Sequence[Record]) -> Verdict:
    """Both frameworks find the same at the trained length, as far as their seeds can tell."""
    study = cells(records)
    pairs = [
        (ours, theirs)
        for ours in select(study, framework="JAX")
        for theirs in select(study, framework="torch", model=ours.model, task=ours.task)
        if (ours.length, ours.budget) == (theirs.length, theirs.budget)
    ]
    if not pairs:
        return Verdict("not run", "no class and task with records of both frameworks")
    holds = all(_overlap(a.trained(), b.trained()) for a, b in pairs)
    detail = ", ".join(
        f"{a.name} on {a.task}: {_trained(a)} beside {_trained(b)}" for a, b in pairs
    )
    return Verdict("pass" if holds else "fail", detail)


def _overlap(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether the ranges of two sets of seeds come within `SAME` of each other."""
    return max(first.min(), second.min()) - min(first.max(), second.max()) <= SAME


def _judge_horizon(records: Sequence[Record]) -> Verdict:
    """Predictions in torch beat two constants in log error, and rank the trackers of most tasks."""
    found = comparisons(select(cells(records), framework="torch"))
    rows = by_task(found)
    if len(rows) < 2:
        return Verdict("not run", "fewer than two tasks with a tracker that fails in sight")
    whole = overall(found)
    ranked = [row.name for row in rows if row.spearman > 0.5]
    detail = (
        f"error {whole.predicted:.2f}, of 4 L {whole.four:.2f}, of the other tasks' mean "
        f"{whole.constant:.2f}, {whole.runs} trackers; Spearman above 0.5 on {len(ranked)} of "
        f"{len(rows)} tasks ({', '.join(f'{row.name} {row.spearman:.2f}' for row in rows)})"
    )
    holds = whole.is_better and len(ranked) >= RANKED_TASKS
    return Verdict("pass" if holds else "fail", detail)


def _judge_overflow(records: Sequence[Record]) -> Verdict:
    """Judge whether the growth of the state says where single precision ends."""
    found = overflows(cells(records))
    if not found:
        return Verdict("not run", "no tracker that single precision ends before double does")
    right = sum(c.is_right for c in found)
    ratios = [c.ratio for c in found]
    detail = (
        f"{share(right, len(found))} trackers within a factor of {OVERFLOW_FACTOR}, ratio "
        f"{np.median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})"
    )
    return Verdict("pass" if right >= 0.9 * len(found) else "fail", detail)


def _judge_rows(records: Sequence[Record]) -> Verdict:
    """PD-SSM by rows falls behind its published form where letters reset, and only there."""
    study = cells(records)
    pairs = [
        (ours, rows)
        for ours in select(study, model="pd_ssm")
        for rows in select(study, model="pd_ssm_rows", task=ours.task)
        if 8 * ours.length in ours.tested and 8 * rows.length in rows.tested
    ]
    if {c.task for c, _ in pairs} < {*RESETS, *_GROUPS}:
        return Verdict("not run", f"not every task of {', '.join((*RESETS, *_GROUPS))}")
    behind = {c.task: _far(c) - _far(rows) for c, rows in pairs}
    right = [(gap > SAME) if task in RESETS else abs(gap) <= SAME for task, gap in behind.items()]
    detail = ", ".join(
        f"{c.task}: {_far(c):.3f} by columns, {_far(rows):.3f} by rows" for c, rows in pairs
    )
    return Verdict("pass" if all(right) else "fail", detail)


def _far(cell: Cell) -> float:
    return float(np.median(cell.accuracies(8 * cell.length)))


def _late(found: Sequence[Cell]) -> str:
    return ", ".join(
        f"{c.name} best {late_scaled(c).max():.3f}, median {np.median(late_scaled(c)):.3f} "
        f"of {len(c.records)}"
        for c in found
    )


def _trained(cell: Cell) -> str:
    values = cell.trained()
    return f"{values.mean():.3f} ({values.min():.3f}..{values.max():.3f} of {len(values)})"


def _horizon(cell: Cell) -> str:
    values = cell.horizons()
    return f"horizon {np.median(values):.0f} ({values.min()}..{values.max()} of {len(values)})"


_COUNTING = "counting mod 3"
_GROUPS = ("parity", "cycle navigation")
_CLAIMS = (
    Claim(
        "parity-unit",
        "eigenvalues in [0, 1] fail parity at lengths 40 to 100: scaled accuracy below 0.1",
        _judged(_below(0.1), ("mamba", "delta_net"), tested=LAST, task="parity"),
    ),
    Claim(
        "parity-signed",
        "eigenvalues in [-1, 1] hold parity there: above 0.95 in the best seed",
        _judged(
            _best_above(0.95), ("mamba_signed", "delta_net_signed"), tested=LAST, task="parity"
        ),
    ),
    Claim(
        "counting-real",
        "real diagonals fail to count modulo 3, whatever their range: below 0.2 there",
        _judged(_below(0.2), ("mamba", "mamba_signed"), tested=LAST, task=_COUNTING),
    ),
    Claim(
        "counting-complex",
        "complex diagonals and two Householder factors count modulo 3 at their trained length: "
        "at least 0.95",
        _judged(_trained_above(0.95), ("complex_diagonal", "delta_product"), task=_COUNTING),
    ),
    Claim(
        "words",
        "one block of blocks, of low rank and dense tracks A5 at length 12: at least 0.95",
        _judged(
            _trained_above(0.95), ("block_diagonal", "low_rank", "dense"), task="A5", length=12
        ),
    ),
    Claim(
        "diagonals",
        "diagonals, complex ones too, fail on A5 from length 6",
        _judge_diagonals("torch", ("mamba", "mamba_signed", "complex_diagonal")),
    ),
    Claim(
        "abelian",
        "a complex diagonal tracks Z60 at its trained length: at least 0.95",
        _judged(_trained_above(0.95), ("complex_diagonal",), task="Z60"),
    ),
    Claim(
        "theory",
        "no class that learnt a task at the trained length does it at eight times that length "
        "where theory calls it impossible",
        _judge_theory("torch"),
    ),
    Claim(
        "horizon",
        "margin over drift at twice the trained length L predicts where a tracker fails beyond it "
        "better than the constant 4 L and than the geometric mean of the other tasks (root mean "
        f"square of the log error), and ranks the trackers of at least {RANKED_TASKS} tasks "
        "(Spearman above 0.5)",
        _judge_horizon,
        "On tasks that reset (even pairs, flip-flop) drift misleads, and of an RNN it predicts an "
        "early end that does not come; it ranks linear recurrences on groups, where it adds up.",
    ),
    Claim(
        "overflow",
        "the growth of the state over twice the trained length predicts the step at which single "
        "precision overflows, within a tenth, in nine of ten trackers that it ends",
        _judge_overflow,
    ),
    Claim(
        "rows",
        "PD-SSM with one 1 per row falls behind the published one per column where letters reset "
        "(even pairs, flip-flop): median accuracy at eight times the trained length lower by more "
        f"than {SAME}; on groups (parity, cycle navigation) the two are equal up to that",
        _judge_rows,
        "On the flip-flop both are right everywhere, since the added input can put a new state in "
        "place of the old; on groups medians differ by more than the bound, by less than seeds.",
    ),
    Claim(
        "words-jax",
        "in JAX blocks and dense matrices track A5 at length 12 too: at least 0.95",
        _judged(
            _trained_above(0.95),
            ("block_diagonal", "dense"),
            framework="JAX",
            task="A5",
            length=12,
        ),
    ),
    Claim(
        "diagonals-jax",
        "in JAX a real diagonal fails on A5 from length 6",
        _judge_diagonals("JAX", ("diagonal",)),
    ),
    Claim(
        "theory-jax",
        "in JAX no class that learnt a task does it at eight times the trained length where theory "
        "calls it impossible",
        _judge_theory("JAX"),
    ),
    Claim(
        "same",
        "JAX and torch agree at the trained length: the ranges of their seeds overlap, or miss "
        f"each other by at most {SAME}",
        _judge_same,
    ),
)
CLAIMS = of_one_setting(_CLAIMS, cell_of)
