"""Random features and their limit, as a section of the toy study's table."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.claim import verdict_table
from experiments.record import Record
from experiments.report.interval import estimate
from experiments.report.markdown import markdown
from experiments.toy.kernel_claims import KERNEL_CLAIMS
from experiments.toy.kernel_measurement import limit_cells


def section(records: Sequence[Record]) -> list[str]:
    """Markdown parts; none without records."""
    if not records:
        return []
    return [
        "## Infinite width",
        "RMSE / RMSE of predicting zero on the same training paths, over draws; last the limit "
        "kernel's ridge regression, which is not drawn.",
        _by_width(records),
        "## Claims on the limit",
        verdict_table(KERNEL_CLAIMS, records),
    ]


def _by_width(records: Sequence[Record]) -> str:
    cells = limit_cells(records)
    widths = sorted({width for cell in cells for width in cell.ratios})
    lines = [
        [f"{cell.channels}-D", cell.name, f"{cell.num_train:,}"]
        + [estimate(cell.ratios[w], 0) if w in cell.ratios else "" for w in widths]
        + [f"{cell.limit:.3g}", f"{cell.ridge:.0e}"]
        for cell in cells
    ]
    header = ["dim.", "model", "paths", *map(str, widths), "infinite", "ridge"]
    return markdown(header, lines)
