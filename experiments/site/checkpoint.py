"""Pages of the checkpoints that come with `seq_torch`: a list, and the card of each."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from experiments.fields import leaves
from experiments.models.cards import STUDY, folder, read
from experiments.models.words import percent
from experiments.report import style
from experiments.site.equation import mathml
from experiments.site.figure import Curve, Panel, Place
from experiments.site.plot import Drawing, drawn
from experiments.site.template import render
from experiments.site.words import number, plain, slug
from experiments.zoo.papers import project

LIST = "checkpoints/index.html"
__all__ = ["LIST", "STUDY", "cards", "file_of", "pages"]
Card = Mapping[str, Any]


def cards() -> list[Card]:
    """Read the cards; none where neither repository nor package has them."""
    return list(read()) if folder().is_dir() else []


def file_of(name: str) -> str:
    """Name the page of a checkpoint."""
    return f"checkpoints/{slug(name)}.html"


def pages(found: Sequence[Card], known: Collection[str], *, docs: bool) -> dict[str, str]:
    """Write the list and a page for each card, by the names of their files.

    Parameters
    ----------
    found
        The cards.
    known
        Hashes of the runs that have a page.
    docs
        Whether the documentation stands beside the pages.
    """
    made = {file_of(card["name"]): _page(card, known, docs=docs) for card in found}
    rows = [(card, file_of(card["name"]).removeprefix("checkpoints/")) for card in found]
    listed = render(
        "checkpoints.html",
        root="../",
        docs=docs,
        title="Checkpoints · seqtheory",
        kicker="Small models to load",
        heading="Checkpoints",
        rows=rows,
        total=f"{sum(card['bytes'] for card in found) / 1e6:.0f}",
    )
    return {LIST: listed, **made} if found else {}


def _page(card: Card, known: Collection[str], *, docs: bool) -> str:
    run, measured = card["record"]["hash"], card["measured"]
    return render(
        "checkpoint.html",
        root="../",
        docs=docs,
        title=f"{card['name']} · seqtheory",
        kicker=f"A checkpoint, {card['how']}",
        heading=card["name"],
        card=card,
        equation=mathml(card["model"]["equation"], block=True),
        model=f"../models/{slug(card['model']['name'])}.html",
        accuracies=[(n, percent(share)) for n, share in measured.get("accuracy", {}).items()],
        measured=_pairs({k: v for k, v in measured.items() if k not in ("accuracy", *_CURVES)}),
        figure=_memory(measured),
        settings=_pairs(card["settings"]),
        made=_pairs(card["run"]),
        page=f"../runs/{run}.html" if run in known else "",
        cited=list(dict.fromkeys([card["model"]["bibtex"], project()])),
    )


_CURVES = {"drawn": "as drawn", "memory": "trained"}


def _memory(measured: Card) -> Drawing:
    """Draw the memory functions of a model, before and after it was trained."""
    curves = [
        Curve(said, style.PALETTE[k], k == 0, True, _places(measured[name]))
        for k, (name, said) in enumerate(_CURVES.items())
        if name in measured
    ]
    points = [place for curve in curves for place in curve.places]
    if not points:
        return Drawing("memory")
    xs, ys = ([v for v in axis if v] for axis in zip(*((p.x, p.y) for p in points), strict=True))
    ends = ((min(xs), max(xs)), (min(ys) / 1.5, max(ys) * 1.5))
    panel = Panel("memory function", "age", "memory", *ends, True, True, tuple(curves), (), (), ())
    return drawn("memory", [panel])


def _places(memory: Card) -> tuple[Place, ...]:
    pairs = zip(memory["ages"], memory["values"], strict=True)
    return tuple(Place(1.0 + age, value) for age, value in pairs if value > 0)


def _pairs(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(plain(name), _text(held)) for name, held in leaves(dict(facts), "")]


def _text(held: Any) -> str:
    if isinstance(held, float):
        return number(held)
    return plain(held if isinstance(held, str) else json.dumps(held))
