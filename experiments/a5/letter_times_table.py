"""Words until each letter of six groups is known, and the laws that describe them: a section."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.a5.letter_claims import CLAIMS, cells
from experiments.a5.letter_laws import LAWS, Comparison, compared
from experiments.a5.letters_table import words_until_each
from experiments.a5.models import NAMES
from experiments.claim import verdict_table
from experiments.record import Record
from experiments.report import origins
from experiments.report.markdown import markdown
from experiments.report.rows import Load
from seqtheory.group import order_of


def records(load: Load, preset: str | None) -> list[Record]:
    """Load the records of `smoke` or `whole`, or for every other preset those of the default."""
    found = load(preset if preset in ("smoke", "whole") else None, "letter_times")
    return [record for record in found if record.finished]


def section(records: Sequence[Record]) -> list[str]:
    """Markdown parts; none without records."""
    held = cells(records)
    if not held:
        return []
    letters = range(2, max(r.run.length for found in held.values() for r in found) + 1)
    rows = [
        [
            NAMES.get(model, model),
            str(depth),
            group,
            str(order_of(group)),
            *words_until_each(found, letters),
        ]
        for (model, depth, group), found in held.items()
    ]
    header = ["model", "depth", "group", "order", *(f"letter {n}" for n in letters)]
    return [
        "## Words until each letter of six groups is known",
        "Words seen when a letter was first known, which is when 0.9 of the held-out words have it "
        "and all before it right; evaluated every 25 steps of 128 words. k of n: so many runs came "
        "to know it in their steps.",
        markdown(header, rows),
        *_laws(compared(records)),
        "## Where the times of letters come from",
        origins.table(records),
        "## Claims on the times of letters",
        verdict_table(CLAIMS, records),
    ]


def _laws(found: Comparison | None) -> list[str]:
    """Write both laws with their exponents and errors."""
    if found is None:
        return []
    rows = [
        [
            law,
            ", ".join(_exponent(found, law, name) for name in names),
            _interval(found.error(law), found.error_interval(law)),
        ]
        for law, (_, names) in LAWS.items()
    ]
    return [
        "Words until letter k, of a group of order n with d blocks. Look-up: C n^(βk) d^(-r). "
        "Power: C k^p n^q d^(-r). C is of each model. Fitted by least squares to the logarithms of "
        f"{len(found.rows)} letters of {len(found.runs)} runs, without those that were never known "
        "or at the first evaluation already. "
        "Error: root mean square of log10 of measured over predicted words, of each group by a fit "
        "to the others. Intervals are of runs drawn anew within each group, 95 %; they do not tell "
        "how other groups would do.",
        markdown(["law", "exponents", "error on a group left out, decades"], rows),
    ]


def _exponent(found: Comparison, law: str, name: str) -> str:
    value = _interval(found.exponents(law)[name], found.exponent_interval(law, name))
    return f"{name} = {value}"


def _interval(value: float, ends: tuple[float, float]) -> str:
    return f"{value:.3g} [{ends[0]:.3g}, {ends[1]:.3g}]"
