"""Two records of one run, number by number.

The **headline numbers** are compared: every number in the last line of the metrics and in the
notes, with the numbers of a list one by one. For a number a in the first record and b in the
second,

    absolute deviation   |a - b|
    relative deviation   |a - b| / max(|a|, |b|)
    deviation            |a - b| / max(1, |a|, |b|)

Each is 0 where a and b are equal, or both NaN, and infinite where only one of them is finite. The
third is the smaller of the other two, up to a factor of 2 where a and b are near 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.record import Record

    Pairs = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Largest:
    """The largest deviation of one kind, and the name and both values of its number."""

    deviation: float
    metric: str
    before: float
    after: float


@dataclass(frozen=True)
class Comparison:
    """Headline numbers of two records of one run.

    Parameters
    ----------
    compared, same
        Number of headline numbers that both records have, and of those that agree to the last
        digit.
    missing
        Names of the numbers that the second record lacks.
    absolute, relative, mixed
        The largest absolute and relative deviation, and the largest by max(1, abs(a), abs(b)); None
        if nothing was compared.
    """

    compared: int
    same: int
    missing: tuple[str, ...]
    absolute: Largest | None
    relative: Largest | None
    mixed: Largest | None


def headline(record: Record) -> dict[str, float]:
    """Headline numbers by name, such as ``loss``, ``errors[3][0]`` or ``notes.accuracy.test``."""
    last = record.metrics[-1] if record.metrics else {}
    return dict(_numbers(last, "")) | dict(_numbers(record.notes, "notes"))


def compare(before: Mapping[str, float], after: Mapping[str, float]) -> Comparison:
    """Compare numbers by name; names that only `after` has are ignored."""
    pairs = {name: (a, after[name]) for name, a in before.items() if name in after}
    return Comparison(
        compared=len(pairs),
        same=sum(_same(a, b) for a, b in pairs.values()),
        missing=tuple(name for name in before if name not in after),
        absolute=_largest(pairs, lambda a, b: 1.0),
        relative=_largest(pairs, lambda a, b: max(abs(a), abs(b))),
        mixed=_largest(pairs, lambda a, b: max(1.0, abs(a), abs(b))),
    )


def _numbers(value: Any, name: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _numbers(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _numbers(item, f"{name}[{place}]")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield name, value


def _largest(pairs: Pairs, unit: Callable[[float, float], float]) -> Largest | None:
    """Find the largest deviation in units of ``unit(a, b)``; the first one among equals."""
    found = [Largest(_deviation(a, b, unit), name, a, b) for name, (a, b) in pairs.items()]
    return max(found, key=lambda each: each.deviation, default=None)


def _deviation(a: float, b: float, unit: Callable[[float, float], float]) -> float:
    if _same(a, b):
        return 0.0
    return abs(a - b) / unit(a, b) if math.isfinite(a) and math.isfinite(b) else math.inf


def _same(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)
