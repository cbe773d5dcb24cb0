"""A card as one page that opens without a network: tables to sort, curves that say their values.

The page holds its style and its script, asks nobody for anything (its policy forbids it), and shows
every name as text. Every number leads to the runs behind it and to the command that makes it again.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Callable
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template

from experiments.bench.cards import Card, Measurement
from experiments.bench.report import cite
from experiments.bench.report.chart import SIGNS_SAID, panels, success
from experiments.bench.report.grid import READING, grids
from experiments.bench.report.numbers import is_share, plain
from experiments.bench.report.origin import key, origins
from experiments.bench.report.plot import plot
from experiments.bench.report.verdict import verdict

_STATUS = {"ok": "good", "possible": "good", "failed": "bad", "impossible": "bad"}
_STATUS |= {"skipped": "unsure", "open": "unsure"}


def html(card: Card) -> str:
    """Write a card as one HTML page."""
    found = origins(card)
    script, style = _file("page.js"), _file("page.css")
    models = tuple(map(plain, card.models))
    pens = {name: number for number, name in enumerate(models)}
    drawn = [plot(panel, pens) for panel in panels(card)]
    return _template().render(
        title=f"{models[0]} on the bench",
        card=card,
        models=models,
        verdict=verdict(card),
        reading=READING,
        parts=[(grid, [p for p in drawn if p.panel.part == grid.part]) for grid in grids(card)],
        map=success(card),
        signs_said=SIGNS_SAID,
        origins=list(found.values()),
        origin=lambda m: found[key(m)],
        cited=cite.own(card),
        cited_beside=cite.beside(card),
        facts=[(plain(name), plain(text)) for name, text in card.facts],
        is_share=is_share,
        status=_status,
        sorting=_sorting,
        style=style,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def environment(source: Callable[[str], str]) -> Environment:
    """Make what renders pages: all text is escaped, and a fact that a template lacks is an error.

    Parameters
    ----------
    source
        Gives the text of a template by its name.
    """
    made = Environment(
        loader=FunctionLoader(source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["plain"] = plain
    return made


@functools.cache
def _template() -> Template:
    return environment(_file).get_template("page.html")


@functools.cache
def _file(name: str) -> str:
    return files("experiments.bench.report").joinpath("page", name).read_text(encoding="utf-8")


def _status(m: Measurement | None) -> str:
    """Class of a finding in words, for its colour; a sign of its own says the same."""
    word = str(m.value).split(" ")[0].rstrip(",;:.") if m and isinstance(m.value, str) else ""
    return _STATUS.get(word, "")


def _sorting(m: Measurement | None) -> str:
    """Say what a column is sorted by; empty where there is nothing, which stands last."""
    if m is None or m.value is None:
        return ""
    return plain(m.value) if isinstance(m.value, str) else repr(float(m.value))
