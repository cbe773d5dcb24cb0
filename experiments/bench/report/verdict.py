"""The card in a few sentences: what holds, what was learnt, where the model is clearly best."""

from __future__ import annotations

from experiments.bench.cards import Card, Measurement, best, lines
from experiments.bench.report.numbers import is_share, plain

_MOST = 3  # things not measured that are named
_KEPT = ("ok", "kept", "passed", "yes")


def verdict(card: Card) -> list[str]:
    """Say the most of a card in at most four sentences."""
    found = [_contract(card), _tracking(card), _compared(card), _missing(card)]
    return [sentence for sentence in found if sentence]


def _own(card: Card, part: str) -> list[Measurement]:
    return [m for m in card.of(part) if m.model == card.model]


def _contract(card: Card) -> str:
    said = [m for m in _own(card, "contract") if isinstance(m.value, str)]
    broken = [m.item for m in said if str(m.value).split(" ")[0].rstrip(":,;") == "failed"]
    kept = sum(str(m.value).split(" ")[0].rstrip(":,;") in _KEPT for m in said)
    if not said:
        return ""
    if broken:
        return f"Contract: failed in {_listed(broken)}."
    return f"Contract: {kept} of {len(said)} points hold, none failed."


def _tracking(card: Card) -> str:
    rates = [m for m in _own(card, "tracking") if is_share(m)]
    tasks: dict[str, list[float]] = {}
    for m in rates:
        tasks.setdefault(m.item, []).append(float(m.value or 0.0))
    learnt = [task for task, values in tasks.items() if values[0] > 0]
    never = [task for task in tasks if task not in learnt]
    if not tasks:
        return ""
    said = f"Tracking: solves {_listed(learnt)} in some run" if learnt else "Tracking: solves none"
    return f"{said}; never {_listed(never)}." if learnt and never else f"{said}."


def _compared(card: Card) -> str:
    """Count the rows in which one model is clear of all others, and those that are this model's."""
    winners = [best(line.cells.values()) for part in card.parts for line in lines(card, part)]
    told = [winner for winner in winners if winner is not None]
    if len(card.models) < 2 or not winners:
        return ""
    own = told.count(card.model)
    return (
        f"Beside {len(card.baselines)} baselines: clearly best in {own} of the {len(told)} rows in "
        "which any model is."
    )


def _missing(card: Card) -> str:
    """Name what was not measured of the model, the whole part where nothing of it was."""
    absent = [m for m in card.measurements if m.value is None and m.model == card.model]
    said = [f"{_of(card, m)} ({m.note})" if m.note else _of(card, m) for m in absent]
    more = [f"{len(said) - _MOST} more"] if len(said) > _MOST else []
    return f"Not measured: {_listed(said[:_MOST] + more)}." if said else ""


def _of(card: Card, m: Measurement) -> str:
    known = [other for other in _own(card, m.part) if other.value is not None]
    return f"{m.part}: {m.item}" if known else m.part


def _listed(names: list[str]) -> str:
    said = [plain(name) for name in names]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
