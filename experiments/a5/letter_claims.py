"""How many words a letter takes, as claims on records of six groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from statistics import median

from experiments.a5.known_letters import known_letters
from experiments.a5.letter_laws import compared
from experiments.a5.letter_times import GROUPS, MODELS
from experiments.claim import Claim, Status, Verdict, all_hold
from experiments.record import Record
from experiments.report.rows import grouped
from experiments.report.variants import of_one_setting

Cell = tuple[str, int, str]
"""Model, depth and group."""

OF_60 = ("Z60", "A4_x_Z5", "A5")
FACTOR = 2.0
"""Factor up to which numbers of words are called equal: letters come in jumps."""
_NAMES = {"s4": "S4", "mamba": "Mamba"}


def cell_of(record: Record) -> Cell:
    """Model, depth and group of a record."""
    return record.run.model, record.run.depth, record.run.group


def cells(records: Sequence[Record]) -> dict[Cell, list[Record]]:
    """Finished records by model, depth and group."""
    return grouped((r for r in records if r.finished and r.metrics), cell_of)


def until(records: Sequence[Record], letter: int) -> tuple[float, bool]:
    """Median over seeds of the words until a letter was known, and whether it ever was.

    A run that never knew it counts with all words that it saw: the median is then a lower bound.
    """
    runs = [known_letters(record) for record in records]
    found = [run.words_until(letter) for run in runs]
    least = [run.words[-1] if w is None else w for run, w in zip(runs, found, strict=True)]
    return median(least), 2 * sum(words is not None for words in found) > len(runs)


def _judge_laws(records: Sequence[Record]) -> Verdict:
    """Whether look-up predicts other groups better than a power of k."""
    found = compared(r for held in cells(records).values() for r in held)
    if found is None:
        return Verdict("not run", "needs letters of two groups")
    errors = ", ".join(f"{law} {found.error(law):.3f}" for law in ("look-up", "power"))
    detail = f"errors in decades: {errors}, a lead of {_with(found.lead, found.lead_interval())}"
    return Verdict(_above(found.lead_interval(), 0.0, len(found.groups)), detail)


def _above(interval: tuple[float, float], bound: float, groups: int) -> Status:
    """Whether an interval lies above a bound; undecided before all groups are there."""
    low, high = interval
    if groups < len(GROUPS) or low <= bound <= high:
        return "undecided"
    return "pass" if low > bound else "fail"


def _judge_exponent(records: Sequence[Record]) -> Verdict:
    """Whether the exponent of look-up is that of all beginnings."""
    found = compared(r for held in cells(records).values() for r in held)
    if found is None:
        return Verdict("not run", "needs letters of two groups")
    low, high = found.exponent_interval("look-up", "β")
    detail = f"β = {_with(found.exponents('look-up')['β'], (low, high))}"
    if len(found.groups) < len(GROUPS):
        return Verdict("undecided", f"not of all groups yet: {detail}")
    if low > 0.75 and high < 1.25:
        return Verdict("pass", detail)
    return Verdict("fail" if high <= 0.75 or low >= 1.25 else "undecided", detail)


def _with(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.3g} [{interval[0]:.3g}, {interval[1]:.3g}]"


def _judge_order(letter: int, records: Sequence[Record]) -> Verdict:
    """Whether the groups of order 60 take equally many words, for each model and depth."""
    held = cells(records)
    found: list[tuple[Status, str]] = []
    for model, depth in MODELS:
        of_groups = [held.get((model, depth, group), []) for group in OF_60]
        if not all(of_groups):
            continue
        words, ever = zip(*(until(runs, letter) for runs in of_groups), strict=True)
        if any(ever):
            equal = "pass" if all(ever) else "undecided"  # one may take any number of words more
            said = ", ".join(f"{n} {_words(*w)}" for n, *w in zip(OF_60, words, ever, strict=True))
            status: Status = equal if max(words) <= FACTOR * min(words) else "fail"
            found.append((status, f"{model} with {depth}: {said}"))
    if not found:
        return Verdict("not run", f"needs letter {letter} of the three groups")
    severity: tuple[Status, ...] = ("fail", "undecided", "pass")
    statuses: list[Status] = [status for status, _ in found]
    worst: Status = min(statuses, key=severity.index)
    return Verdict(worst, "; ".join(detail for _, detail in found))


def _words(words: float, ever: bool) -> str:
    return f"{'' if ever else 'above '}{words:,.0f}"


def _judge_deeper(model: str, letter: int, records: Sequence[Record]) -> Verdict:
    """Whether two blocks know a letter of each group after fewer words than one block."""
    held = cells(records)

    def parts() -> Iterator[tuple[bool, str]]:
        for group in GROUPS:
            one, two = (held.get((model, depth, group), []) for depth in (1, 2))
            if not one or not two:
                continue
            (words_of_one, known), (words_of_two, ever) = until(one, letter), until(two, letter)
            if known or ever:
                said = f"{group}: {_words(words_of_one, known)} to {_words(words_of_two, ever)}"
                yield ever and words_of_two < words_of_one, said

    return all_hold(parts(), f"needs letter {letter} of one group at both depths")


def _judge_carries(records: Sequence[Record]) -> Verdict:
    """Whether a recurrent network knows the sixth letter soon after the third."""
    held = cells(records)

    def parts() -> Iterator[tuple[bool, str]]:
        for group in GROUPS:
            runs = held.get(("rnn", 1, group), [])
            if runs and until(runs, 3)[1]:
                (third, _), (sixth, ever) = until(runs, 3), until(runs, 6)
                said = f"{group}: {third:,.0f} to {_words(sixth, ever)}"
                yield ever and sixth <= FACTOR * third, said

    return all_hold(parts(), "needs an RNN that knows the third letter")


_CLAIMS = (
    Claim(
        "words-look-up",
        "the words until letter k of a group left out are predicted better by n^(βk), with n the "
        "order of the group, than by a power of k",
        _judge_laws,
    ),
    Claim(
        "words-exponent",
        "β is 1 within a quarter: a model sees every beginning of k letters before it knows them",
        _judge_exponent,
    ),
    Claim(
        "words-order",
        "order alone matters: the third letter of Z60, A4 x Z5 and A5 takes equally many words, "
        "within a factor of 2, for each model and depth",
        partial(_judge_order, 3),
    ),
    *(
        Claim(
            f"words-deeper-{model}",
            f"two blocks of {name} know the fourth letter of each group after fewer words than one",
            partial(_judge_deeper, model, 4),
        )
        for model, name in _NAMES.items()
    ),
    Claim(
        "words-carried",
        "an RNN knows the sixth letter of each group within twice the words of its third",
        _judge_carries,
    ),
)
CLAIMS = of_one_setting(_CLAIMS, cell_of)
