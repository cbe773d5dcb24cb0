"""Calls timed in one process, in turns: processor time, a mean over calls in a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import process_time

from benchmarks.measure import Spread

SPAN = 0.1  # seconds of calls in a row, at least
Calls = Mapping[str, Callable[[], object]]


def timed(calls: Calls, rounds: int) -> dict[str, list[float]]:
    """Processor seconds of every call, round by round; the first two calls are not counted."""
    counts = {name: 1 + int(SPAN / _mean(call, 2)) for name, call in calls.items()}
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            seconds[name].append(_mean(call, counts[name]))
    return seconds


def cells(seconds: Mapping[str, list[float]]) -> list[str]:
    """Milliseconds of the first, which is ours, and how many times as long the others take."""
    ours, *others = seconds.values()
    ratios = [[a / b for a, b in zip(other, ours, strict=True)] for other in others]
    return [Spread.of([1e3 * s for s in ours]).text(), *(Spread.of(r).text() for r in ratios)]


def _mean(call: Callable[[], object], calls: int) -> float:
    start = process_time()
    for _ in range(calls):
        call()
    return (process_time() - start) / calls
