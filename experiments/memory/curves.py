"""Records of the linear theory as curves: errors E_m(beta), and what a map does by itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.memory.theory import UP_TO
from experiments.record import Record
from experiments.report.variants import labelled, named
from seqtheory.memory_theory import StableApproximation

READINGS = {"shift": "common shift", "vertices": "worst case found", "gaussian": "draws"}
KERNELS = {"Exponential": "exponential", "Polynomial": "polynomial"}


@dataclass(frozen=True, eq=False)
class Family:
    """Curves E_m(beta) of all widths, under one parameterisation and one reading.

    A sampled reading has a family for each set of draws, told apart by `draws`: how many there are,
    the record's seed and the set's number.
    """

    map: str
    kernel: str
    horizon: int
    reading: str
    draws: tuple[int, int, int]
    record: str
    curves: StableApproximation

    def error(self, width: int, beta: float) -> float:
        """E of that width at that beta."""
        place = int(np.flatnonzero(self.curves.betas == beta)[0])
        return float(self.curves.errors[self.curves.widths.index(width), place])

    @property
    def pairs(self) -> dict[tuple[int, int], float]:
        """Neighbouring widths whose curves cross, each with the smallest beta at which they do."""
        found: dict[tuple[int, int], float] = {}
        for crossing in self.curves.crossings:
            found.setdefault((crossing.narrow, crossing.wide), crossing.beta)
        return found


@dataclass(frozen=True, eq=False)
class MapFacts:
    """What was measured of a parameterisation alone: one line of the record for each quantity."""

    map: str
    memory: Mapping[str, Any]
    functional: Mapping[str, Any]
    scales: Mapping[str, Any]


def map_name(parameterisation: Any) -> str:
    """Short name of a parameterisation: "best", or "best, b=0.1" off its defaults."""
    changed = [
        f"{field.name}={getattr(parameterisation, field.name):g}"
        for field in dataclasses.fields(parameterisation)
        if getattr(parameterisation, field.name) != field.default
    ]
    return ", ".join([type(parameterisation).__name__.lower(), *changed])


def families(records: Iterable[Record]) -> list[Family]:
    """Every family of curves in finished records, in the order of the runs.

    Only the sampled reading is kept of a further seed: the others would be counted twice.
    """
    found: dict[tuple[object, ...], Family] = {}
    for variant, record in named((r for r in records if r.finished), cell_of):
        for line in _lines(record, "error"):
            family = _family(record, line, variant)
            facts = (family.map, family.kernel, family.horizon, family.reading)
            found.setdefault(
                (*facts, family.draws if family.reading == "gaussian" else None), family
            )
    return list(found.values())


def map_facts(records: Iterable[Record]) -> list[MapFacts]:
    """Facts about every parameterisation in finished records, one of each."""
    found: dict[str, MapFacts] = {}
    for variant, record in named((r for r in records if r.finished), cell_of):
        lines = [_lines(record, kind) for kind in ("memory", "functional", "scales")]
        if all(lines):
            name = labelled(map_name(record.run.parameterisation), variant)
            found.setdefault(name, MapFacts(name, *(held[0] for held in lines)))
    return list(found.values())


def cell_of(record: Record) -> str:
    """Name of a record's parameterisation."""
    return map_name(record.run.parameterisation)


def _family(record: Record, line: Mapping[str, Any], variant: str) -> Family:
    curves = StableApproximation(
        tuple(line["widths"]), np.array(line["betas"]), np.array(line["errors"]), UP_TO
    )
    return Family(
        map=labelled(map_name(record.run.parameterisation), variant),
        kernel=KERNELS[line["kernel"]],
        horizon=line["horizon"],
        reading=line["reading"],
        draws=(record.run.draws, record.run.seed, line["set"]),
        record=record.hash,
        curves=curves,
    )


def _lines(record: Record, quantity: str) -> Sequence[dict[str, Any]]:
    return [line for line in record.metrics if line["quantity"] == quantity]
