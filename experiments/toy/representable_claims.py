"""What one layer of the bare S6, or two, can integrate, as claims on weights set by hand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from experiments.claim import Claim, Verdict
from experiments.record import Record
from experiments.report.rows import select
from experiments.report.variants import of_one_setting
from experiments.toy.representable_cells import IntegralRow, cell_of, integral_rows

EXACT = 1e-10
"""Ratio to predicting zero below which an error is rounding."""
FALL = 5.0
"""Factor by which an error falls, at least, when the small parameter falls by ten."""


def _judge_exact(records: Sequence[Record]) -> Verdict:
    rows = select(integral_rows(records), kind="exact")
    if not rows:
        return Verdict("not run", "no finished record")
    worst = max(rows, key=lambda row: row.best or 0.0)
    detail = f"{len(rows)} cells; the worst is {worst.name}: {worst.best:.1e}"
    return Verdict("pass" if (worst.best or 0.0) < EXACT else "fail", detail)


def _judge_limit(records: Sequence[Record]) -> Verdict:
    rows = select(integral_rows(records), kind="limit")
    if not rows:
        return Verdict("not run", "no finished record")
    least = min(rows, key=_fall)
    detail = f"{len(rows)} cells; the least fall is that of {least.name}: {_fall(least):.3g}"
    return Verdict("pass" if _fall(least) >= FALL else "fail", detail)


def _fall(row: IntegralRow) -> float:
    """Least factor between errors at neighbouring values; the last may be rounding."""
    errors = [row.ratios[small] for small in sorted(row.ratios, reverse=True)]
    return min((big / less for big, less in pairwise(errors[:2])), default=0.0)


def _judge_one_layer(records: Sequence[Record]) -> Verdict:
    cells = select(integral_rows(records), channels=3, fed="both", depth=1, input_dependent_C=True)
    if not cells:
        return Verdict("not run", "no finished record of 3-D paths")
    detail = ", ".join(f"length {row.length}, {row.readout}: {row.best or 1:.1e}" for row in cells)
    return Verdict("pass" if all((row.best or 1.0) < EXACT for row in cells) else "fail", detail)


_CLAIMS = (
    Claim(
        "one-layer",
        "with values and increments fed and C from the input, one layer of the bare S6 represents "
        f"S123: below {EXACT:.0e} of predicting zero",
        _judge_one_layer,
    ),
    Claim(
        "exact",
        f"every cell with an exact construction is below {EXACT:.0e} of predicting zero",
        _judge_exact,
    ),
    Claim(
        "limit",
        f"elsewhere a construction's error falls by {FALL:.0f} times or more with its parameter "
        "from 1e-3 to 1e-4",
        _judge_limit,
    ),
)
CLAIMS = of_one_setting(_CLAIMS, cell_of)
