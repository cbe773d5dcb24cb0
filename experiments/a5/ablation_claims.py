"""What each part of the recipe contributes, as claims on runs with that part replaced.

A seed that never came to know a letter needed more words than any that did.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from experiments.a5.known_letters import known_letters
from experiments.a5.plateaus import RECIPE, WIDTHS
from experiments.claim import Claim, Judge, Verdict
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
    found = [known_letters(record).words_until(letter) for record in records]
    return median(math.inf if words is None else words for words in found)


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
    """Whether without a part of it the last letter of the recipe takes more words."""

    def judge(records: Sequence[Record]) -> Verdict:
        done = [record for record in records if record.finished and record.metrics]
        recipe = [record for record in done if variant(record) == THE_RECIPE]
        without = [record for record in done if variant(record) == replaced]
        if not recipe or not without:
            return Verdict("not run", f"no finished record of {THE_RECIPE} or of {replaced}")
        last = _last(recipe)
        words, ours = until(without, last), until(recipe, last)
        status = "pass" if words > ours else "fail"
        runs = f"{len(without)} and {len(recipe)} seeds"
        return Verdict(status, f"letter {last}: {_said(words)} against {_said(ours)} ({runs})")

    return judge


def _last(recipe: Sequence[Record]) -> int:
    """Last letter that most seeds of the recipe came to know."""
    letters = range(1, recipe[0].run.length + 1)
    return max((n for n in letters if math.isfinite(until(recipe, n))), default=1)


def _said(words: float) -> str:
    return f"{words:,.0f} words" if math.isfinite(words) else "never"


PARTS = {
    "words": ("growing words", "on words that grow by a letter when the last one is known"),
    "muon": ("AdamW", "with AdamW in place of Muon"),
    "width": ("width 128", "at half of the width"),
    "rate": ("constant rate", "at a constant rate"),
    "step": ("own step", "with steps from 0.001 to 0.1 in place of the published ones near 0.7"),
}
CLAIMS = of_one_setting(
    (
        Claim(
            f"recipe-{name}",
            f"{said} two blocks of S4 need more words than the recipe for the last letter that it "
            "learns, in the median over seeds",
            _judge(replaced),
        )
        for name, (replaced, said) in PARTS.items()
    ),
    lambda record: (variant(record), record.run.length, record.run.depth),
)
