"""What theory says about structured random linear CDEs, as functions from records.

The label is S123 of three-dimensional walks, and ratios are as in `claims`. Below 0.68 an equation
does what no diagonal one can (claim d): its floor is sqrt(1/2), a little less on short walks.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from experiments.claim import Claim, Verdict
from experiments.record import Record
from experiments.report.variants import of_one_setting
from experiments.toy.measurement import (
    Measurement,
    cell_of,
    family,
    measurements,
    ratio_by_width,
    ratios_by,
)

FLOOR = 0.68
NEAR = 1.5  # how far above the dense error of the same width an error may lie
# Name of a claim, name of the family; theory lets the rank grow with the width.
FAMILIES = {
    "block": "block-diagonal, b = 4",
    "rank": "diagonal plus rank n / 16",
    "sparse": "sparse, density 0.1",
    "walsh": "Walsh-Hadamard",
}
BUDGET = 1024  # parameters of one matrix, those of a dense one of width 32


def _rows(records: Sequence[Record], name: str) -> list[Measurement]:
    structured = [record for record in records if record.finished]
    return [row for row in measurements(structured) if family(row) == name]


def _means(records: Sequence[Record], name: str) -> dict[int, float]:
    return {w: float(r.mean()) for w, r in ratio_by_width(_rows(records, name)).items()}


def _judge_width(records: Sequence[Record], *, name: str) -> Verdict:
    """Judge whether the error falls from width 64 on, passes the floor and comes near dense."""
    means, dense = _means(records, name), _means(records, "dense")
    widths = [64, 128, 256]
    if any(width not in means for width in widths) or 256 not in dense:
        return Verdict("not run", "needs the widths 64, 128 and 256, and dense at 256")
    errors = [means[width] for width in widths]
    falls = errors[0] > errors[1] > errors[2]
    detail = ", ".join(
        f"width {w}: {means[w]:.3g}" + (f" (dense {dense[w]:.3g})" if w in dense else "")
        for w in widths
    )
    near = errors[2] < min(FLOOR, NEAR * dense[256])
    return Verdict("pass" if falls and near else "fail", detail)


def _judge_parameters(records: Sequence[Record], *, name: str) -> Verdict:
    """Judge against the dense equation with as many parameters; its readout has fewer features."""
    errors, sizes = {}, {}
    for label in (name, "dense"):
        by_count = ratios_by(_rows(records, label), lambda row: row.num_parameters)
        near = [count for count in by_count if abs(count - BUDGET) <= 0.04 * BUDGET]
        if not near:
            return Verdict("not run", f"needs {label} at {BUDGET:,} parameters")
        errors[label] = float(by_count[near[0]].mean())
        rows = [row for row in _rows(records, label) if row.num_parameters == near[0]]
        sizes[label] = f"{rows[0].width:,} features and {rows[0].cost:,} multiplications"
    detail = (
        f"{errors[name]:.3g} with {sizes[name]} (dense {errors['dense']:.3g} with {sizes['dense']})"
    )
    return Verdict("pass" if errors[name] < errors["dense"] else "fail", detail)


def _judge_floor(records: Sequence[Record]) -> Verdict:
    means = _means(records, "diagonal")
    if not means:
        return Verdict("not run", "no finished record of diagonal matrices")
    detail = ", ".join(f"width {w}: {value:.3g}" for w, value in means.items())
    return Verdict("pass" if min(means.values()) >= FLOOR else "fail", detail)


def _claims() -> list[Claim]:
    claims = [
        Claim(
            f"w-{label}",
            f"{name}, 3-D: error falls from width 64, to below {FLOOR} and {NEAR} x dense at 256",
            partial(_judge_width, name=name),
        )
        for label, name in FAMILIES.items()
    ]
    budgets = FAMILIES | {"rank": "diagonal plus rank 4"}
    claims += [
        Claim(
            f"p-{label}",
            f"{name}, 3-D: at {BUDGET:,} parameters a matrix, and a wider readout, a smaller error "
            "than dense",
            partial(_judge_parameters, name=name),
        )
        for label, name in budgets.items()
    ]
    statement = f"diagonal, 3-D: ratio at least {FLOOR} at every width and number of parameters"
    return [*claims, Claim("w-diagonal", statement, _judge_floor)]


CLAIMS = of_one_setting(_claims(), cell_of)
