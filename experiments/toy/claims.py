"""What theory says about random linear CDEs on signature labels, as functions from records.

The label is the iterated integral of the channels in order: S12 in two dimensions, S123 in three.
Every ratio is the held-out RMSE over that of predicting zero, averaged over the draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from experiments.claim import Claim, Verdict
from experiments.record import Record
from experiments.report.rows import select
from experiments.report.variants import of_one_setting
from experiments.toy.measurement import (
    Measurement,
    cell_of,
    largest_sample,
    measurements,
    ratio_by_width,
)

# Below this many paths the fit itself, not the class of functions, limits the error.
ENOUGH_PATHS = 4_000

Means = dict[int, float]


def _means(rows: Sequence[Measurement], smallest_width: int) -> Means:
    return {w: float(r.mean()) for w, r in ratio_by_width(rows).items() if w >= smallest_width}


def _solved(records: Sequence[Record], **facts: object) -> list[Measurement]:
    """Measurements with an exact solver, at the largest number of paths that was run."""
    rows = [row for row in select(measurements(records), **facts) if row.method != "adaptive"]
    return largest_sample(rows)


def _judge(
    records: Sequence[Record], smallest_width: int, holds: Callable[[Means], bool], **facts: object
) -> Verdict:
    rows = _solved(records, **facts)
    means = _means(rows, smallest_width)
    if not means:
        return Verdict("not run", "no finished record at such a width")
    detail = ", ".join(f"width {w}: {value:.3g}" for w, value in means.items())
    if rows[0].num_paths < ENOUGH_PATHS:
        return Verdict("undecided", f"only {rows[0].num_paths} paths ({detail})")
    return Verdict("pass" if holds(means) else "fail", detail)


def _judge_dense_at_256(channels: int, bound: float) -> Callable[[Sequence[Record]], Verdict]:
    def judge(records: Sequence[Record]) -> Verdict:
        facts = {"channels": channels, "structure": "dense", "forcing": True, "width": 256}
        return _judge(records, 256, lambda means: means[256] <= bound, **facts)

    return judge


def _judge_halving(channels: int, smallest: int) -> Callable[[Sequence[Record]], Verdict]:
    def judge(records: Sequence[Record]) -> Verdict:
        dense = [r for r in records if r.finished and len(r.run.widths) > 1]
        facts = {"channels": channels, "structure": "dense", "forcing": True}
        means = _means(_solved(dense, **facts), smallest)
        if means and not any(2 * width in means for width in means):
            return Verdict("not run", "needs a width and its double")
        return _judge(dense, smallest, _halves, **facts)

    return judge


def _halves(means: Means) -> bool:
    return all(means[2 * w] <= means[w] / 2 for w in means if 2 * w in means)


def _judge_diagonal(
    channels: int, forcing: bool, smallest: int, holds: Callable[[float], bool]
) -> Callable[[Sequence[Record]], Verdict]:
    def judge(records: Sequence[Record]) -> Verdict:
        facts = {"channels": channels, "structure": "diagonal", "forcing": forcing}
        return _judge(records, smallest, lambda means: all(map(holds, means.values())), **facts)

    return judge


_CLAIMS = (
    Claim("a-2d", "dense, width 256, 2-D: ratio at most 0.01", _judge_dense_at_256(2, 0.01)),
    Claim("a-3d", "dense, width 256, 3-D: ratio at most 0.2", _judge_dense_at_256(3, 0.2)),
    Claim("b-2d", "dense, 2-D: error at least halves per doubling from 16", _judge_halving(2, 16)),
    Claim("b-3d", "dense, 3-D: error at least halves per doubling from 64", _judge_halving(3, 64)),
    Claim(
        "c",
        "diagonal without forcing, 2-D: ratio at least 0.65 at every width",
        _judge_diagonal(2, False, 1, lambda ratio: ratio >= 0.65),
    ),
    Claim(
        "d",
        "diagonal with forcing, 3-D: ratio at least 0.68 at every width",
        _judge_diagonal(3, True, 1, lambda ratio: ratio >= 0.68),
    ),
    Claim(
        "e",
        "diagonal with forcing, 2-D: ratio at most 0.01 from width 64",
        _judge_diagonal(2, True, 64, lambda ratio: ratio <= 0.01),
    ),
)
CLAIMS = of_one_setting(_CLAIMS, cell_of)
