"""What each part of the recipe contributes, as claims on runs with that part replaced.

A seed that never came to know a letter needed more words than any that did.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from experiments.a5.known_letters import known_letters
from experiments.a5.plateaus import RECIPE, SEEDS, WIDTHS
from experiments.claim import NOT_UNDERSTOOD, Claim, Judge, Status, Verdict
from experiments.record import Record
from experiments.report.variants import of_one_setting

THE_RECIPE = "the recipe"


def variant(record: Record) -> str:
    """Name the parts of the recipe that a run of the ablation replaces."""
    run, training = record.run, record.run.training
    parts = {
        "AdamW": training.optimiser != RECIPE.optimiser,
        "growing words": training.curriculum is not None,
        f"width {run.width}": run.width != WIDTHS.get(run.model, run.width),
        f"{training.schedule} rate": training.schedule != RECIPE.schedule,
        "own step": run.model == "s4" and not run.published_step,
    }
    return ", ".join(name for name, replaced in parts.items() if replaced) or THE_RECIPE


def until(records: Sequence[Record], letter: int) -> float:
    """Median over seeds of the words until a letter was known; infinite if most never knew it."""
    return median(_each_until(records, letter))


def _each_until(records: Sequence[Record], letter: int) -> list[float]:
    found = [known_letters(record).words_until(letter) for record in records]
    return [math.inf if words is None else words for words in found]


def slower(records: Sequence[Record], recipe: Sequence[Record]) -> str:
    """Say how many times the words of the recipe a variant needs for the last letter of both."""
    if not records or not recipe:
        return ""
    times = {
        letter: until(records, letter) / until(recipe, letter)
        for letter in range(2, recipe[0].run.length + 1)
        if math.isfinite(until(records, letter)) and math.isfinite(until(recipe, letter))
    }
    return f"{times[max(times)]:.2f} at letter {max(times)}" if times else "no letter in common"


def _judge(replaced: str) -> Judge:
    """Whether without a part of it every seed needs more words for the last letter of the recipe.

    Three seeds against three lie apart in this way by chance in one draw of twenty.
    """

    def judge(records: Sequence[Record]) -> Verdict:
        done = [record for record in records if record.finished and record.metrics]
        recipe = [record for record in done if variant(record) == THE_RECIPE]
        without = [record for record in done if variant(record) == replaced]
        if not recipe or not without:
            return Verdict("not run", f"no finished record of {THE_RECIPE} or of {replaced}")
        last = _last(recipe)
        theirs, ours = _each_until(without, last), _each_until(recipe, last)
        detail = f"letter {last}, words of each seed: {_said(theirs)}; the recipe {_said(ours)}"
        return Verdict(_status(theirs, ours), detail)

    return judge


def _status(theirs: Sequence[float], ours: Sequence[float]) -> Status:
    if min(len(theirs), len(ours)) < len(SEEDS):
        return "undecided"
    if min(theirs) > max(ours):
        return "pass"
    return "fail" if median(theirs) <= median(ours) else "undecided"


def _last(recipe: Sequence[Record]) -> int:
    """Last letter that most seeds of the recipe came to know."""
    letters = range(1, recipe[0].run.length + 1)
    return max((n for n in letters if math.isfinite(until(recipe, n))), default=1)


def _said(words: Sequence[float]) -> str:
    return ", ".join(f"{one:,.0f}" if math.isfinite(one) else "never" for one in sorted(words))


PARTS = {
    "words": ("growing words", "on words that grow by a letter when the last one is known"),
    "muon": ("AdamW", "with AdamW in place of Muon"),
    "width": ("width 128", "at half of the width"),
    "rate": ("constant rate", "at a constant rate"),
    "step": ("own step", "with steps from 0.001 to 0.1 in place of the published ones near 0.7"),
}
_REASONS = {
    "muon": "In the median AdamW knows every letter from the fourth on after fewer words. Muon was "
    "chosen for the recipe without such a comparison on record; its rates were not searched.",
}
CLAIMS = of_one_setting(
    (
        Claim(
            f"recipe-{name}",
            f"{said} every seed of two blocks of S4 needs more words for the last letter that the "
            "recipe learns than each seed of the recipe",
            _judge(replaced),
            _REASONS.get(name, NOT_UNDERSTOOD),
        )
        for name, (replaced, said) in PARTS.items()
    ),
    lambda record: (variant(record), record.run.length, record.run.depth),
)
