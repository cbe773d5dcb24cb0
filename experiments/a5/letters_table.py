"""Words until each letter was known, and what each part of the recipe contributes: two sections."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.a5 import ablation_claims
from experiments.a5.ablation_claims import CLAIMS, variant
from experiments.a5.known_letters import KnownLetters, fresh, known_letters, longest_words
from experiments.claim import verdict_table
from experiments.record import Record
from experiments.report import origins
from experiments.report.interval import estimate
from experiments.report.markdown import markdown
from experiments.report.rows import grouped
from experiments.report.variants import named

_UNTIL = (
    "Words seen when a letter was first known, which is when 0.9 of the held-out words have it and "
    "all before it right. k of n: so many runs came to know it."
)

_MINUTES = "Minutes: of processors, of a whole run."


def section(records: Sequence[Record]) -> list[str]:
    """Markdown parts about training on fresh words; none without records of it."""
    held = named(longest_words(fresh(records)), lambda r: (_row_of(r), r.run.length))
    rows = grouped(held, lambda pair: (*_row_of(pair[1]), pair[0]))
    if not rows:
        return []
    of_rows = {key: [record for _, record in pairs] for key, pairs in sorted(rows.items())}
    letters = range(2, max(r.run.length for found in of_rows.values() for r in found) + 1)
    lines = [
        [
            *(model, group, str(depth), _lengths(found)),
            *words_until_each(found, letters),
            _minutes(found),
            variant,
        ]
        for (model, group, depth, variant), found in of_rows.items()
    ]
    about = ["model", "group", "depth", "length"]
    header = [*about, *(f"letter {n}" for n in letters), "minutes", "settings"]
    return [
        "## Words until each letter is known",
        f"{_UNTIL} Of each seed the longest words that were tried at this depth. {_MINUTES}",
        markdown(header, lines),
    ]


def ablation(records: Sequence[Record]) -> list[str]:
    """Markdown parts about the recipe with each part of it replaced; none without records."""
    done = [record for record in records if record.finished and record.metrics]
    held = grouped(done, variant)
    if not held:
        return []
    letters = range(2, max(record.run.length for record in done) + 1)
    lines = [
        [
            name,
            *words_until_each(found, letters),
            estimate([known_letters(record).letters[-1] for record in found], 0),
            _minutes(found),
            ablation_claims.slower(found, held.get(ablation_claims.THE_RECIPE, [])),
        ]
        for name, found in held.items()
    ]
    known = [f"letter {n}" for n in letters]
    header = ["variant", *known, "known at the end", "minutes", "slower"]
    return [
        "## What each part of the recipe contributes",
        f"S4 with two blocks on words of six letters. {_UNTIL} Slower: how many times the words of "
        "the recipe, in the median, at the last letter that most seeds of both came to know. "
        f"{_MINUTES}",
        markdown(header, lines),
        "## Where the variants of the recipe come from",
        origins.table(done),
        "## Claims on the recipe",
        verdict_table(CLAIMS, done),
    ]


def _minutes(records: Sequence[Record]) -> str:
    known = [minutes for record in records if (minutes := record.processor_minutes) is not None]
    return estimate(known, 0) if known else ""


def _row_of(record: Record) -> tuple[str, str, int]:
    return record.run.model, record.run.group, record.run.depth


def _lengths(records: Sequence[Record]) -> str:
    return ", ".join(map(str, sorted({record.run.length for record in records})))


def words_until_each(records: Sequence[Record], letters: range) -> list[str]:
    """Write the words until each letter was known, over runs on words that have it."""
    return [
        _until([known_letters(r) for r in records if r.run.length >= letter], letter)
        for letter in letters
    ]


def _until(runs: Sequence[KnownLetters], letter: int) -> str:
    """Mean of the words of those that came to know the letter, and how many they were."""
    if not runs:
        return ""
    words = [found for run in runs if (found := run.words_until(letter)) is not None]
    if not words:
        return f"0 of {len(runs)}"
    text = estimate(words, 0)
    return text if len(words) == len(runs) else f"{text}: {len(words)} of {len(runs)}"
