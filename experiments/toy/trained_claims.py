"""What theory says about trained models on signature labels, as functions from records."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from experiments.claim import Claim, Judge, Verdict
from experiments.record import Record
from experiments.report.interval import estimate
from experiments.report.variants import of_one_setting
from experiments.toy.trained import Cell, cell_of, cells

# A linear model has a weight for every coordinate of a path, and overfits fewer paths than this.
ENOUGH_PATHS = 10_000
ABLE = 0.3
"""Published errors of models that can are 0.01 to 0.19 of predicting zero in 2-D."""


def _listed(rows: Sequence[Cell]) -> str:
    return ", ".join(f"{row.channels}-D {row.name}: {estimate(row.final, 0)}" for row in rows)


def _judge(keep: Callable[[Cell], bool], holds: Callable[[float], bool]) -> Judge:
    def judge(records: Sequence[Record]) -> Verdict:
        enough = [r for r in records if r.finished and r.notes["num_train"] >= ENOUGH_PATHS]
        rows = [row for row in cells(enough) if keep(row)]
        if not rows:
            return Verdict("not run", f"no finished record on {ENOUGH_PATHS:,} training paths")
        passes = all(holds(float(value)) for row in rows for value in row.final)
        return Verdict("pass" if passes else "fail", _listed(rows))

    return judge


def _is_linear(cell: Cell) -> bool:
    return cell.kind in ("s4", "s5") and not cell.nonlinear


def _is_able(cell: Cell) -> bool:
    return cell.model == "mamba" or (cell.nonlinear and cell.depth == 2)


def _judge_able(records: Sequence[Record]) -> Verdict:
    """Judge both dimensions together; one alone can refute the claim and cannot pass it."""
    found = _judge(_is_able, lambda ratio: ratio <= ABLE)(records)
    missing = {2, 3} - {row.channels for row in cells(records) if _is_able(row)}
    if found.status == "pass" and missing:
        return Verdict("undecided", f"no record in {missing.pop()}-D; so far {found.detail}")
    return found


_CLAIMS = (
    Claim(
        "f",
        "linear S4 and S5, one layer or two: within 5 % of predicting zero",
        _judge(_is_linear, lambda ratio: 0.95 <= ratio <= 1.05),
    ),
    Claim(
        "f-able",
        "two-layer S4 and S5 with an activation, and Mamba, 2-D and 3-D: at most "
        f"{ABLE} of predicting zero",
        _judge_able,
        "Trainings here are far shorter and narrower than the published ones, and in 3-D they have "
        "hardly begun to learn; whether steps alone are missing is not understood.",
    ),
)
CLAIMS = of_one_setting(_CLAIMS, cell_of)
