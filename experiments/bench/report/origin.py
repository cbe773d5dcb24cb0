"""Where a number comes from: the runs behind it, and the command that makes them again."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from experiments.bench.baselines import NAMES
from experiments.bench.cards import Card, Measurement
from experiments.bench.report.numbers import plain


@dataclass(frozen=True)
class Origin:
    """Numbers of one part and one model that rest on the same runs.

    Parameters
    ----------
    name
        Anchor of its row in a page.
    part, model
        Whose numbers these are.
    said
        What was measured, "item: metric" each.
    runs
        Hashes of the runs' records; none for what follows from the model alone.
    command
        The command that makes the numbers again; empty if the card has no fact named "command".
    """

    name: str
    part: str
    model: str
    said: tuple[str, ...]
    runs: tuple[str, ...]
    command: str


def origins(card: Card) -> dict[tuple[str, str, tuple[str, ...]], Origin]:
    """Group a card's measurements by part, model and runs."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[Measurement]] = {}
    for m in card.measurements:
        groups.setdefault(key(m), []).append(m)
    return {
        place: Origin(
            name=f"runs-{number}",
            part=plain(place[0]),
            model=plain(place[1]),
            said=tuple(plain(f"{m.item}: {m.metric}") for m in found),
            runs=tuple(plain(run) for run in place[2]),
            command=command(card, part=place[0], model=place[1]),
        )
        for number, (place, found) in enumerate(groups.items(), start=1)
    }


def key(m: Measurement) -> tuple[str, str, tuple[str, ...]]:
    """Name the group that a measurement belongs to."""
    return m.part, m.model, m.runs


def command(card: Card, *, part: str, model: str) -> str:
    """Name the command that makes the numbers of a part again.

    It is the card's fact "command" with ``--parts`` set to this part alone. For a baseline it names
    the baseline in the model's place, and its width where that is not the card's.
    """
    said = dict(card.facts).get("command", "")
    try:
        words = shlex.split(said)
    except ValueError:  # an open quotation mark: as it was said
        return plain(said)
    if not words:
        return ""
    name, _, width = model.partition(", width ")
    baseline = next((key for key, text in NAMES.items() if text == name), None)
    if model != card.model and baseline and "bench" in words[:-1]:
        words[words.index("bench") + 1] = baseline
        words = _without(words, "--match")
        words = [*_without(words, "--width"), "--width", width] if width else words
    return plain(shlex.join([*_without(words, "--parts"), "--parts", part]))


def _without(words: list[str], option: str) -> list[str]:
    """Take an option and its value out of a command, in either spelling."""
    kept: list[str] = []
    skip = False
    for word in words:
        if not skip and word != option and not word.startswith(f"{option}="):
            kept.append(word)
        skip = not skip and word == option
    return kept
