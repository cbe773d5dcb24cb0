"""Prediction beside measurement, every cell, longer sequences, and the claims."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np

from experiments.claim import Judged, verdict_table
from experiments.report import origins
from experiments.report.curve import SOLVED_ABOVE
from experiments.report.interval import bootstrap, estimate, share
from experiments.report.markdown import markdown
from experiments.report.rows import Load, grouped, select
from experiments.tracking.baseline import FOUR, Row, by_task, linear_on_groups, overall, size
from experiments.tracking.cells import Cell, cells, names
from experiments.tracking.claims import CLAIMS, FIRST, LAST, late_scaled
from experiments.tracking.figure import records
from experiments.tracking.horizon import FACTOR, Comparison, comparisons, delays, overflows
from experiments.tracking.judgement import FAR, far_accuracy, is_measured_possible, outcome
from experiments.tracking.prediction import predicted
from experiments.tracking.tracking_run import SEEN

ENOUGH_TO_DRAW = 10
"""Fewer runs are too few to draw them anew."""


def table(load: Load, preset: str | None) -> str:
    """Markdown: prediction and measurement, what was not found, every cell, sources, claims."""
    found = records(load, preset)
    study = cells(found)
    parts = [
        "## Prediction and measurement",
        "What theory says of one layer at every length (+ possible, - impossible, ? open), and the "
        f"median over seeds of the token accuracy at {FAR} times the trained length, with how many "
        f"seeds reach {SOLVED_ABOVE:g} there.",
        _grid(study),
        "## Possible, but not found",
        _not_found(study),
        "## Every cell",
        f"How many seeds pass {SOLVED_ABOVE:g} at the trained lengths, the best held-out token "
        "accuracy there, token and sequence accuracy at longer ones, and the length up to which "
        f"every position is above {SOLVED_ABOVE:g}.",
        _cells(study),
        f"## Parity and counting at lengths {FIRST} to {LAST}",
        "(accuracy - chance) / (1 - chance) over seeds.",
        _late(study),
        "## Horizon, predicted and measured",
        "Trackers that fail beyond twice the trained length, from which margin and drift predict "
        f"their horizon, and within {FAR} times, or that reach {FAR} times although predicted to "
        "fail before half of it. Infinite: no failure was predicted.",
        _compared(comparisons(study)),
        "## Horizon: is the prediction better than a constant?",
        f"Root mean square of log(given / measured), from {ENOUGH_TO_DRAW} runs on with the 95 % "
        "interval of a bootstrap that takes them for independent. A failure is seen between "
        f"{SEEN} and {FAR} times the trained length L, so the constant {FOUR} L is right within a "
        f"factor of {FACTOR} on every tracker. The other constant is the geometric mean of "
        "horizon / L over the trackers of the other tasks. Predictions are brought into the range "
        "that can be seen. Linear classes on groups were singled out after the records were seen: "
        "a finding. "
        f"{_delayed(study)}",
        _constants(study),
        "## Overflow, predicted and measured",
        "Trackers whose state, which nothing normalises, grows until single precision ends them, "
        "before they fail in double precision, in which all else here is measured. The growth over "
        "twice the trained length predicts the step.",
        _compared(overflows(study)),
        "## Where the numbers come from",
        origins.table(found),
        "## Claims",
        verdict_table(CLAIMS, found),
    ]
    return "\n\n".join(parts) + "\n"


def judged(load: Load, preset: str | None) -> list[Judged]:
    """Claims of the study, and the records that they are about."""
    return [Judged(CLAIMS, records(load, preset))]


def shown(cell: Cell) -> str:
    """Prediction and measurement of a cell, in few signs."""
    accuracy = far_accuracy(cell)
    measured = "not tested" if accuracy is None else f"{accuracy:.2f}"
    if cell.kind.transition is None:
        return measured
    sign = {"possible": "+", "impossible": "-", "open": "?"}[predicted(cell).status]
    return f"{sign} {measured}"


def _reached(cell: Cell) -> str:
    """Say how many seeds are right far beyond the trained length; nothing where none was tested."""
    if FAR * cell.length not in cell.tested:
        return ""
    far = cell.accuracies(FAR * cell.length)
    return f", {share(int((far >= SOLVED_ABOVE).sum()), len(far))}"


def _grid(study: Sequence[Cell]) -> str:
    tasks = list(dict.fromkeys((c.task, c.length) for c in study))
    rows = []
    for name in names(study):
        held = {(c.task, c.length): c for c in select(study, name=name)}
        rows.append(
            [name, *(shown(held[t]) + _reached(held[t]) if t in held else "not run" for t in tasks)]
        )
    return markdown(["class", *(f"{task}, {length}" for task, length in tasks)], rows)


def _not_found(study: Sequence[Cell]) -> str:
    rows = [
        [
            cell.name,
            f"{cell.task}, {cell.length}",
            estimate(cell.trained(), 0, 1),
            estimate(cell.accuracies(FAR * cell.length), 0, 1),
            predicted(cell).theorem,
        ]
        for cell in study
        if cell.kind.transition is not None
        and far_accuracy(cell) is not None
        and not is_measured_possible(cell)
        and predicted(cell).status == "possible"
    ]
    if not rows:
        return "None."
    return markdown(["class", "task", "trained", f"at {FAR} times", "possible by"], rows)


def _cells(study: Sequence[Cell]) -> str:
    rows = [
        [
            cell.name,
            f"{cell.task}, {cell.length}",
            share(sum(curve.passes for curve in cell.curves), len(cell.curves)),
            estimate(cell.trained(), 0, 1),
            *(_at(cell, factor) for factor in (2, FAR)),
            estimate(cell.horizons(), 0, max(cell.tested, default=inf)),
            f"{cell.budget:,}",
            outcome(cell, study),
        ]
        for cell in study
    ]
    header = [
        "class", "task", "solved", "trained", "tokens; sequences at 2 times",
        f"at {FAR} times", "horizon", "steps", "shows",
    ]  # fmt: skip
    return markdown(header, rows)


def _at(cell: Cell, factor: int) -> str:
    length = factor * cell.length
    if length not in cell.tested:
        return "not tested"
    kinds = ("token_accuracy", "sequence_accuracy")
    return "; ".join(estimate(cell.accuracies(length, kind), 0, 1) for kind in kinds)


def _late(study: Sequence[Cell]) -> str:
    rows = [
        [
            cell.task,
            cell.name,
            f"{late_scaled(cell).max():.3f}",
            estimate(late_scaled(cell), most=1),
        ]
        for cell in study
        if cell.task in ("parity", "counting mod 3") and max(cell.tested, default=0) >= LAST
    ]
    return markdown(["task", "class", "best", "mean"], rows)


def _compared(found: Sequence[Comparison]) -> str:
    if not found:
        return "None."
    groups = grouped(found, lambda c: (c.cell.task, c.cell.length, c.cell.name))
    rows = [
        [
            f"{task}, {length}",
            name,
            estimate([c.measured for c in held], 0, held[0].cell.tested[-1]),
            estimate([c.predicted for c in held], 0),
            estimate([c.ratio for c in held], 0),
            share(sum(c.is_right for c in held), len(held)),
        ]
        for (task, length, name), held in groups.items()
    ]
    within = f"within a factor of {found[0].factor}"
    return markdown(["task", "class", "measured", "predicted", "ratio", within], rows)


def _error(apart: np.ndarray) -> str:
    """Write a root mean square, with its bootstrap interval where runs are enough for one."""
    if len(apart) < ENOUGH_TO_DRAW:
        return f"{size(apart):.2f}"
    low, high = bootstrap(apart, size)
    return f"{size(apart):.2f} [{low:.2f}, {high:.2f}]"


def _lead(row: Row) -> str:
    """Write by how much the prediction's error exceeds that of 4 L on the same runs."""

    def excess(apart: np.ndarray) -> float:
        return size(apart[:, 0]) - size(apart[:, 1])

    if row.runs < ENOUGH_TO_DRAW:
        return f"{excess(row.apart):+.2f}"
    low, high = bootstrap(row.apart, excess)
    return f"{excess(row.apart):+.2f} [{low:+.2f}, {high:+.2f}]"


def _delayed(study: Sequence[Cell]) -> str:
    """Say how much later trackers fail by a fit that no dip by chance ends."""
    found = delays(study)
    if not found:
        return ""
    return (
        "A horizon ends at the first position below the threshold, which chance may bring early: "
        f"by a fit that only falls over positions it is {np.median(found):.2f} times as long in "
        f"the median of {len(found)} trackers, and at most {max(found):.2f} times."
    )


def _constants(study: Sequence[Cell]) -> str:
    rows = []
    for framework in dict.fromkeys(cell.framework for cell in study):
        found = comparisons(select(study, framework=framework))
        chosen = linear_on_groups(found)
        held = [*by_task(found), *([overall(found)] if found else [])]
        held += [overall(chosen, "linear classes on groups")] if chosen else []
        for row in held:
            errors = [_error(each) for each in row.apart.T]
            ranks = "too few" if np.isnan(row.spearman) else f"{row.spearman:.2f}"
            rows.append([framework, row.name, str(row.runs), *errors, ranks, _lead(row)])
    header = [
        "framework", "trackers", "runs", "prediction", f"{FOUR} L", "other tasks", "Spearman",
        f"prediction - {FOUR} L",
    ]  # fmt: skip
    return markdown(header, rows) if rows else "None."
