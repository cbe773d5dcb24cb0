"""Stacks set by hand, as a section of the table of A5."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.a5.models import NAMES
from experiments.a5.representable_cells import Stack, depths, stacks
from experiments.a5.representable_claims import CLAIMS
from experiments.claim import verdict_table
from experiments.record import Record
from experiments.report import origins
from experiments.report.markdown import markdown
from experiments.report.published_depths import DEPTHS
from experiments.report.rows import select


def section(records: Sequence[Record]) -> list[str]:
    """Markdown parts; none without records."""
    if not records:
        return []
    rows = stacks(records)
    return [
        "## Fewest blocks that are exact, set by hand",
        "Representable / published as trained. Published blocks with weights set by hand, in the "
        "precision of the runs: every position of every word is right. It is an upper bound, of "
        "one construction: training may find a stack of fewer blocks that is right above 90 %.",
        _least(rows),
        "## Every stack set by hand",
        "Lead: of the right element before all others in the outputs, at its least; two rotations "
        "of A5 have 1.38 between them. Expected: if a stack multiplies 2^depth letters, and is "
        "right by chance beyond.",
        _every(rows),
        "## Where the stacks set by hand come from",
        origins.table(records),
        "## Claims on stacks set by hand",
        verdict_table(CLAIMS, records),
    ]


def _least(rows: Sequence[Stack]) -> str:
    least = depths(rows)
    lengths = sorted({row.length for row in rows})
    lines = []
    for name, found in least.items():
        published = DEPTHS.get(select(rows, name=name)[0].model, {})
        cells = [f"{found.get(n, 'none')} / {published.get(n, 'none') or '>4'}" for n in lengths]
        lines.append([NAMES.get(name, name), *cells])
    return markdown(["model", *(f"length {n}" for n in lengths)], lines)


def _every(rows: Sequence[Stack]) -> str:
    header = ["model", "group", "length", "depth", "words", "tokens", "expected", "lead"]
    lines = [
        [
            row.name,
            row.group,
            str(row.length),
            str(row.depth),
            f"{row.num_words:,}",
            f"{row.tokens:.4g}",
            f"{row.expected:.4g}",
            f"{row.lead:.3g}",
        ]
        for row in rows
    ]
    return markdown(header, lines)
