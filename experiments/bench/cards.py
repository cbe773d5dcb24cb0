"""A card: what one model can remember and compute and what it costs, beside baselines.

A card is a flat list of measurements. Tables, figures and pages are made from the list alone, and
`card.json` holds nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Literal

from seqtheory.plain import described, restored

Better = Literal["more", "less", "neither"]
_NAN = "it came out as NaN"


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One number of one model, over seeds; or one finding in words.

    Parameters
    ----------
    part
        Part of the bench: contract, cost, theory, tracking, recall, memory, signature or rates.
    item
        What was measured on: a task, a length, a point of the contract.
    metric
        What was measured, with its unit: "accuracy at 16 times the length", "microseconds a token".
    model
        The model's name.
    value
        The number, or the finding in words; None if it was not measured, and `note` says why.
    low, high
        Ends of its interval: least and most of the seeds, or 95 % of Wilson's for a share of runs.
    n
        Number of runs behind it.
    better
        Whether more or less of it is better, or neither.
    curve
        Further numbers (x, y), such as accuracy by position; `metric` says of what.
    runs
        Hashes of the records.
    note
        What a reader must know beside it, in a sentence or less.
    """

    part: str
    item: str
    metric: str
    model: str
    value: float | str | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    better: Better = "neither"
    curve: tuple[tuple[float, float], ...] = ()
    runs: tuple[str, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        """Take a number that is none (NaN) for what was not measured, and say so in the note."""
        if isinstance(self.value, float) and isnan(self.value):
            object.__setattr__(self, "value", None)
            object.__setattr__(self, "note", "; ".join(filter(None, [_NAN, self.note])))
        for name in ("low", "high"):
            if isnan(getattr(self, name) or 0.0):
                object.__setattr__(self, name, None)
        kept = tuple(point for point in self.curve if not any(map(isnan, point)))
        object.__setattr__(self, "curve", kept)


@dataclass(frozen=True, kw_only=True)
class Card:
    """Measurements of one model and of the baselines beside it.

    Parameters
    ----------
    model
        The model that the card is of.
    preset
        Preset of the bench: smoke, quick or full.
    width, depth
        Of the network around the model's mixer.
    match
        What baselines agree with it in: "width", "parameters" or "state".
    baselines
        Names of the other models, in the order of their columns.
    measurements
        All of them, in the order of rows.
    facts
        Pairs of names and texts: command, commit, versions, hardware, date.
    """

    model: str
    preset: str
    width: int
    depth: int
    match: str = "width"
    baselines: tuple[str, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    facts: tuple[tuple[str, str], ...] = field(default=())

    @property
    def models(self) -> tuple[str, ...]:
        """The card's model, then the baselines."""
        return (self.model, *self.baselines)

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts of which there are measurements, in order."""
        return tuple(dict.fromkeys(m.part for m in self.measurements))

    def of(self, part: str) -> list[Measurement]:
        """Measurements of a part."""
        return [m for m in self.measurements if m.part == part]


@dataclass(frozen=True)
class Line:
    """One row of a table: what was measured, and the measurement of each model that has one."""

    item: str
    metric: str
    cells: dict[str, Measurement]


def lines(card: Card, part: str) -> list[Line]:
    """Rows of a part's table."""
    found: dict[tuple[str, str], dict[str, Measurement]] = {}
    for m in card.of(part):
        found.setdefault((m.item, m.metric), {})[m.model] = m
    return [Line(item, metric, cells) for (item, metric), cells in found.items()]


def best(cells: Iterable[Measurement]) -> str | None:
    """Name the best model of a row, if its interval lies clear of all others.

    None where fewer than two models have numbers, where neither more nor less is better, where a
    number does not say how sure it is, or where the interval of the best meets another.
    """
    known = [c for c in cells if isinstance(c.value, (int, float)) and c.better != "neither"]
    if len(known) < 2 or not all(map(_is_sure, known)):
        return None
    sign = 1.0 if known[0].better == "more" else -1.0
    first, *others = sorted(known, key=lambda c: -sign * float(c.value or 0.0))
    near, far = _end(first, -sign), max(sign * _end(c, sign) for c in others)
    return first.model if sign * near > far else None


def _is_sure(cell: Measurement) -> bool:
    """Whether a number has an interval of several runs, or is a count that no run decides."""
    if cell.low is None and cell.high is None:
        return cell.n <= 1 and float(cell.value or 0.0).is_integer()
    return cell.n != 1 or cell.low != cell.high


def _end(cell: Measurement, sign: float) -> float:
    """Upper end of a cell's interval for a positive sign, lower end for a negative one."""
    end = cell.high if sign > 0 else cell.low
    return float(cell.value or 0.0) if end is None else end


def to_json(card: Card) -> str:
    """Write a card as `card.json` holds it."""
    return json.dumps(described(card), indent=1, ensure_ascii=False) + "\n"


def from_json(text: str) -> Card:
    """Read a card.

    Raises
    ------
    ValueError
        If the text is no card of this version.
    """
    return restored(json.loads(text), Card, "card")


def ordered(measurements: Sequence[Measurement], parts: Sequence[str]) -> tuple[Measurement, ...]:
    """Sort measurements by the order of parts; within a part their order stays."""
    return tuple(sorted(measurements, key=lambda m: parts.index(m.part)))
