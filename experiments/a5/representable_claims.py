"""What depth can represent, as claims on stacks that are set by hand."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.a5.representable_cells import Stack, cell_of, stacks
from experiments.claim import Claim, Judge, Verdict
from experiments.record import Record
from experiments.report.rows import select
from experiments.report.variants import of_one_setting

LENGTHS = (4, 8, 16, 32)
"""Lengths at which the claims are to hold: those of no fewer letters for their blocks."""


def _judge_exact(model: str) -> Judge:
    def judge(records: Sequence[Record]) -> Verdict:
        rows = [row for row in _of(records, model) if 2**row.depth == row.length]
        detail = ", ".join(
            f"L{row.length} with {row.depth}: {row.tokens:.4g}, lead {row.lead:.3g}" for row in rows
        )
        return _decided(rows, all(row.is_exact for row in rows), detail)

    return judge


def _judge_fewer(model: str) -> Judge:
    """Say whether a block fewer leaves half of the letters, and chance."""

    def judge(records: Sequence[Record]) -> Verdict:
        rows = [row for row in _of(records, model) if 2 ** (row.depth + 1) == row.length]
        detail = ", ".join(
            f"L{row.length} with {row.depth}: {row.tokens:.3f} ({row.expected:.3f} expected)"
            for row in rows
        )
        return _decided(rows, all(abs(row.tokens - row.expected) < 0.01 for row in rows), detail)

    return judge


def _of(records: Sequence[Record], model: str) -> list[Stack]:
    return [
        row for row in select(stacks(records), model=model, group="A5") if row.length in LENGTHS
    ]


def _decided(rows: Sequence[Stack], holds: bool, detail: str) -> Verdict:
    if not rows:
        return Verdict("not run", "no finished record of such a stack")
    missing = sorted(set(LENGTHS) - {row.length for row in rows})
    if holds and missing:
        lengths = ", ".join(f"L{length}" for length in missing)
        return Verdict("undecided", f"no record of {lengths}; so far {detail}")
    return Verdict("pass" if holds else "fail", detail)


_NAMES = {"s4": "S4", "mamba": "the bare S6"}
_CLAIMS = (
    *(
        Claim(
            f"exact-{model}",
            f"log2 L blocks of {name} set by hand give every product of A5 at L = 4, 8, 16 and 32",
            _judge_exact(model),
        )
        for model, name in _NAMES.items()
    ),
    *(
        Claim(
            f"fewer-{model}",
            f"a block of {name} fewer, of this construction, knows half of the letters",
            _judge_fewer(model),
        )
        for model, name in _NAMES.items()
    ),
)
CLAIMS = of_one_setting(_CLAIMS, cell_of)
