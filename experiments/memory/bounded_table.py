"""Which approximations with bounded coefficients are stable in the worst case, and their cost."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.claim import verdict_table
from experiments.memory.bounded_claims import CLAIMS, FINDINGS, MAPS
from experiments.memory.bounded_curves import BoundedCurves, bounded_curves, cell_of
from experiments.memory.theory import UP_TO
from experiments.record import Record
from experiments.report import origins
from experiments.report.markdown import markdown
from experiments.report.rows import grouped, select


def parts(records: Sequence[Record]) -> list[str]:
    """Sections of Markdown about bounded coefficients."""
    worst = select(bounded_curves(records), reading="vertices")
    return [
        "## Bounded coefficients",
        "Fits on the same rates, whose coefficients are free, not negative, of bounded absolute "
        "sum (l1), or dear (ridge, with its penalty). Of each width in turn the error without a "
        "perturbation, the sum of absolute coefficients, and the mass, the same sum with each "
        f"coefficient over its rate. Then the worst case found up to beta {UP_TO:g} under each "
        "map: whether curves cross, and the largest E_wide / E_narrow of neighbours.",
        _bounds(worst),
        "## Where the bounded fits come from",
        origins.one_by_one(records, ("map", "seed"), _facts),
        "## Claims about bounded coefficients",
        verdict_table(CLAIMS, records),
        "Findings, made after these records were seen:",
        verdict_table(FINDINGS, records, "finding"),
    ]


def _bounds(worst: Sequence[BoundedCurves]) -> str:
    rows = []
    for (kernel, horizon, bound), held in grouped(worst, _cell).items():
        first = held[0]
        rows.append(
            [
                kernel,
                str(horizon),
                bound,
                ", ".join(map(str, first.curves.widths)),
                ", ".join(f"{error:.3g}" for error in first.at(0.0)),
                ", ".join(f"{size:.3g}" for size in first.absolute),
                ", ".join(f"{size:.3g}" for size in first.mass),
                *(_verdict(select(held, map=name)) for name in MAPS),
            ]
        )
    columns = ["widths", "error", "absolute sum", "mass", *MAPS]
    return markdown(["memory", "steps", "bound", *columns], rows)


def _cell(row: BoundedCurves) -> tuple[str, int, str]:
    return row.kernel, row.horizon, row.bound


def _verdict(rows: Sequence[BoundedCurves]) -> str:
    if not rows:
        return ""
    return f"{'stable' if rows[0].curves.is_stable else 'crosses'} ({rows[0].excess:.3g})"


def _facts(record: Record) -> list[str]:
    return [cell_of(record), str(record.run.seed)]
