"""The commands ``models``, which lists the checkpoints, and ``make-models``, which makes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from experiments import exit_code
from experiments import record as records
from experiments import study as studies
from experiments.commands.output import say
from experiments.commands.run import Request, carry_out
from experiments.exit_code import ConfigError
from experiments.models import cards


def listing() -> int:
    """Print a line for each checkpoint: its name, its size, and what it shows.

    Raises
    ------
    ConfigError
        If there is none.
    """
    found = cards.read()
    if not found:
        raise ConfigError(f"no cards in {cards.folder()}: python -m experiments make-models")
    for card in found:
        say(f"{card['name']} ({_size(card['bytes'])}, {card['outcome']}): {card['shows']}")
    say(f'{len(found)} checkpoints; in Python: seq_torch.pretrained.load("{found[0]["name"]}")')
    return exit_code.OK


def make(names: Sequence[str], results: Path, out: Path | None) -> int:
    """Make checkpoints anew, each by a sealed run, and write their weights and cards.

    Parameters
    ----------
    names
        Which; all if none is named.
    results
        Results folder; a run whose record is finished there is not done again.
    out
        Folder to write to; that of `seq_torch.pretrained` if None.
    """
    chosen, study = cards.chosen(names), studies.load(cards.STUDY)
    runs = [each.run for each in chosen]
    request = Request(study=cards.STUDY, results=results, workers=1, threads=1)
    done = carry_out(study, "quick", runs, request)
    if done.code != exit_code.OK:
        return done.code
    found = records.find(study.name, study.version, runs, [request.folder])
    for each, record in zip(chosen, found, strict=True):
        say(str(cards.write(each, record, cards.folder() if out is None else out)))
    return exit_code.OK


def _size(number: int) -> str:
    return f"{number / 1000:.0f} kB"
