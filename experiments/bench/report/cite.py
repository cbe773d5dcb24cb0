"""How a card is cited: the laboratory, and the papers of the models on it, for BibTeX."""

from __future__ import annotations

import shlex

from experiments.bench.baselines import NAMES
from experiments.bench.cards import Card
from experiments.zoo import MODELS
from experiments.zoo.papers import PAPERS, project

_BY_BASELINE = {model.baseline: model.paper for model in MODELS}
_BY_BASELINE["random_linear_cde"] = "mucacirone2024selective"
_PAPERS = {said: PAPERS[_BY_BASELINE[name]] for name, said in NAMES.items()}


def own(card: Card) -> list[str]:
    """Write the entries of the laboratory and of the card's model, if that is of the zoo."""
    return [project(), *([_PAPERS[card.model].bibtex()] if _of_the_zoo(card) else [])]


def beside(card: Card) -> list[str]:
    """Write the entries of the baselines, each paper once, without the model's own."""
    said = [_PAPERS[name].bibtex() for name in card.baselines if name in _PAPERS]
    return [entry for entry in dict.fromkeys(said) if entry not in own(card)]


def bibtex(card: Card) -> str:
    """Write all entries, as a file that BibTeX reads."""
    return "\n\n".join([*own(card), *beside(card)]) + "\n"


def _of_the_zoo(card: Card) -> bool:
    """Whether the card was asked for by a name of the bench: a file may call its model alike."""
    asked = dict(card.facts).get("command", "")
    names = [key for key, said in NAMES.items() if said == card.model and card.model in _PAPERS]
    try:
        return bool({*names} & {*shlex.split(asked)})
    except ValueError:  # a quotation that does not end
        return False
