"""The page of a model: equation, theory, what the bench measured of it, its card, its speed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from experiments.bench.assembly import side_by_side
from experiments.bench.baselines import NAMES
from experiments.bench.cards import Card, Measurement
from experiments.bench.report import chart
from experiments.bench.report.html import html
from experiments.bench.report.numbers import Shown, shown
from experiments.bench.report.plot import plot
from experiments.site import speed
from experiments.site.equation import mathml
from experiments.site.plot import Drawing
from experiments.site.published import Entry
from experiments.site.template import render
from experiments.site.words import plain, slug, sorting
from experiments.zoo import MODELS, ON_THE_BENCH, TASKS, Model
from experiments.zoo.papers import project

PRESET = "quick"
_ORDER = {"possible": 0, "open": 1, "impossible": 2, None: 3}


@dataclass(frozen=True)
class Line:
    """A measurement of a model, in words."""

    part: str
    item: str
    metric: str
    shown: Shown
    sort: str
    note: str
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Shelf:
    """The zoo beside the published cards of the bench, which are made of its records."""

    entries: Sequence[Entry]

    @cached_property
    def all(self) -> Card | None:
        """Measurements of all models with records of the preset; None if there are none."""
        held = [entry.record for entry in self.entries if entry.preset == PRESET]
        return side_by_side(held, PRESET) if any(record.finished for record in held) else None

    def card(self, model: Model) -> Card | None:
        """Give the card of a model beside all others; None if it has no records."""
        name = {str(key): text for key, text in NAMES.items()}.get(model.baseline)
        if self.all is None or name not in self.all.models:
            return None
        others = tuple(each for each in self.all.models if each != name)
        command = f"python -m experiments bench {model.baseline}"
        facts = (("command", command), ("made from", "the published records of bench.measurements"))
        return replace(self.all, model=name, baselines=others, facts=facts)

    def learnt(self, model: Model) -> dict[str, str]:
        """Count runs that learnt each task of the zoo, of a hundred, where the bench has some."""
        found = self.card(model)
        success = chart.success(found) if found else None
        if found is None or success is None or plain(found.model) not in success.models:
            return {}
        row = success.values[success.models.index(plain(found.model))]
        by_task = dict(zip(success.tasks, row, strict=True))
        values = {task: by_task.get(ON_THE_BENCH.get(task, task)) for task in TASKS}
        return {task: f"{100 * held:.0f}" for task, held in values.items() if held is not None}


def brief(model: Model, shelf: Shelf) -> dict[str, Any]:
    """Give a model's line of the start page."""
    follows = model.follows()
    order = {task: _ORDER[verdict.status if verdict else None] for task, verdict in follows.items()}
    return {
        "name": model.name,
        "file": slug(model.name),
        "year": model.year,
        "in_words": model.in_words,
        "follows": follows,
        "order": order,
        "learnt": shelf.learnt(model),
    }


def pages(model: Model, shelf: Shelf, known: Collection[str], *, docs: bool) -> dict[str, str]:
    """Write the page of a model, and its card if it has one, by the names of their files."""
    card, file = shelf.card(model), slug(model.name)
    lines = [_line(m) for m in card.measurements if m.model == card.model] if card else []
    made = {
        f"{file}.html": render(
            "model.html",
            root="../",
            docs=docs,
            title=f"{model.name} · seqtheory",
            kicker=f"A model of the zoo, {model.year}",
            heading=model.name,
            model=model,
            equation=mathml(model.equation, block=True),
            follows=model.follows(),
            linear=not isinstance(model.transition, str),
            learnt=shelf.learnt(model),
            rows=lines,
            known=known,
            card=f"{file}-card.html",
            bench_name=plain(card.model) if card else "",
            beside=len(card.baselines) if card else 0,
            command=f"python -m experiments bench {model.baseline}",
            figure=_figure(card),
            speeds=speed.of(model.speed),
            cited=list(dict.fromkeys([model.bibtex, project()])),
        )
    }
    return made | ({f"{file}-card.html": html(card)} if card else {})


def _line(m: Measurement) -> Line:
    return Line(
        plain(m.part),
        plain(m.item),
        plain(m.metric),
        shown(m),
        sorting(m.value),
        plain(m.note),
        m.runs,
    )


def _figure(card: Card | None) -> Drawing:
    """Curves of the model alone; the card shows them beside others."""
    if card is None:
        return Drawing("curves")
    own = [m for m in card.measurements if m.model == card.model]
    alone = chart.panels(replace(card, baselines=(), measurements=tuple(own)))
    pens = {plain(card.model): 1}
    return Drawing("curves", tuple(plot(panel, pens) for panel in alone))


def models() -> tuple[Model, ...]:
    """Models of the zoo, the oldest first."""
    return tuple(sorted(MODELS, key=lambda model: (model.year, model.name)))
