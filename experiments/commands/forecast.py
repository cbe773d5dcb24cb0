"""Estimates of the cost of runs from finished records, and the list of ``run --dry-run``."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

from experiments.commands.labels import labels
from experiments.commands.output import say
from experiments.fields import leaves, option
from experiments.record import CorruptRecordError, Record
from experiments.store import shelf
from experiments.store.stored import RejectedFileError
from seqtheory.plain import described

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from experiments.run import Run
    from experiments.study import Study

_STEPS = "num_steps"  # the field that cost is proportional to


@dataclass(frozen=True)
class Cost:
    """Estimated cost of one run.

    Parameters
    ----------
    seconds
        Wall time with one worker: the median over the nearest records, scaled by the number of
        training steps. None if there is no comparable record.
    records
        Number of records behind the estimate.
    """

    seconds: float | None
    records: int = 0


def forecast(study: Study, runs: Sequence[Run], folders: Iterable[Path]) -> list[Cost]:
    """Estimate the cost of each run from comparable finished records.

    A record is comparable to a run if all fields that are not numbers agree, such as model, task
    and options. Among comparable records the nearest are used: those with the fewest differing
    fields, apart from the seed.

    Parameters
    ----------
    study
        The study of the runs.
    runs
        The runs.
    folders
        Results folders in which records are searched.
    """
    if not runs:  # nothing is asked, so that no record need be read
        return []
    kinds: dict[tuple[Any, ...], list[tuple[dict[str, Any], float]]] = {}
    for fields, seconds in _measurements(study, folders):
        kinds.setdefault(_kind(fields), []).append((fields, seconds))
    found: dict[str, Cost] = {}
    costs = []
    for run in runs:
        fields = _fields(described(replace(run, seed=0)))
        key = repr(fields)
        if key not in found:
            found[key] = _cost(fields, kinds.get(_kind(fields), []))
        costs.append(found[key])
    return costs


def total(costs: Iterable[Cost], workers: int) -> str:
    """Describe in one line the total cost of runs."""
    costs = list(costs)
    if not costs:
        return "nothing to run"
    known = [cost for cost in costs if cost.seconds is not None]
    if not known:
        return "cost unknown: there is no finished record of their kind"
    seconds = sum(cost.seconds or 0.0 for cost in known) / max(workers, 1)
    missing = (
        f"; {len(costs) - len(known)} more have no record of their kind" if known != costs else ""
    )
    records = max(cost.records for cost in known)
    return (
        f"about {duration(seconds)} with {workers} workers for {len(known)} runs, "
        f"by up to {records} records of each kind{missing}"
    )


def duration(seconds: float) -> str:
    """Spell a time in its two largest units: ``40 s``, ``12 min``, ``3 h 20 min``, ``2 d 5 h``."""
    if not math.isfinite(seconds):
        return "an unknown time"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min"
    return f"{hours // 24} d {hours % 24} h"


def listed(runs: Sequence[Run], states: Sequence[str], costs: Sequence[Cost]) -> None:
    """Print every run: its state, its cost if it will be run, and the fields that identify it.

    Fields that are equal in all runs are printed in one line at the top.
    """
    rows = [dict(leaves(described(run))) for run in runs]
    common = [
        f"{option(key)}={value}"
        for key, value in rows[0].items()
        if all(key in row and row[key] == value for row in rows)
    ]
    if common:
        say(f"all of them: {' '.join(common)}")
    for state, cost, label in zip(states, costs, labels(runs), strict=True):
        seconds = "" if cost.seconds is None else duration(cost.seconds)
        say(f"  {state:<11}{seconds:>12}  {label}")


def _measurements(study: Study, folders: Iterable[Path]) -> list[tuple[dict[str, Any], float]]:
    """Fields and seconds of every finished record that can be read."""
    found = []
    for folder in folders:
        for path in shelf.records(folder / study.name):
            try:
                held = Record.open(path)
                if held.finished:
                    found.append(_measured(held))
            except (FileNotFoundError, CorruptRecordError, RejectedFileError, ValueError):
                continue  # unreadable; `verify` says why
    return found


def _measured(held: Record) -> tuple[dict[str, Any], float]:
    """Take the run as it is described: a study may have thousands, and need not make them all."""
    fields = _fields(held.description["run"] | {"seed": 0})
    return fields, float(held.provenance.get("wall_seconds", math.nan))


def _fields(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in leaves(dict(plain))}


def _kind(fields: Mapping[str, Any]) -> tuple[Any, ...]:
    told = {name: value for name, value in fields.items() if not _is_number(value)}
    return tuple(sorted((name, repr(value)) for name, value in told.items()))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cost(fields: Mapping[str, Any], known: Sequence[tuple[dict[str, Any], float]]) -> Cost:
    rated = [
        (sum(fields.get(name) != value for name, value in other.items()), _scaled(fields, other, s))
        for other, s in known
        if math.isfinite(s)
    ]
    if not rated:
        return Cost(None)
    nearest = min(distance for distance, _ in rated)
    chosen = [seconds for distance, seconds in rated if distance == nearest]
    return Cost(median(chosen), len(chosen))


def _scaled(fields: Mapping[str, Any], other: Mapping[str, Any], seconds: float) -> float:
    """Seconds of another run, scaled to the number of training steps of this one."""
    for name, value in fields.items():
        steps = other.get(name)
        if name.rpartition(".")[2] == _STEPS and _is_number(value) and _is_number(steps) and steps:
            return seconds * value / steps
    return seconds
