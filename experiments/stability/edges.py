"""The edge of learning: the largest rate at which each seed still learns, read from ladders.

A run has learnt if it ends finite, below a share of the held-out squared error of predicting zero:
a tenth for theory's network, half for the published layer, which gradient descent does not bring
below a tenth in the steps that it is given. Without memory an exponential of time scale 2, 8 or 32
leaves at least 0.37, 0.78 or 0.94 of it, the polynomial memory 0.88. Of the published exponential,
:math:`e^{-t}`, the last input alone explains all but 0.14: learning it asks for no memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.record import Record
from experiments.report.rows import Load, grouped, joined
from experiments.report.variants import labelled, named
from experiments.stability.networks import START, Modes, States
from experiments.stability.optimisers import LadderRun
from experiments.stability.sweep import parameterisation_name
from seqtheory.memory import Exponential
from seqtheory.reparameterisation import stable_rate

FILE = "optimisers"
MODES, LAYER, STATES = "modes", "StableSSM", "its states alone"
SHARES = {MODES: 0.1, LAYER: 0.5, STATES: 0.5}
"""Share of the held-out squared error of predicting zero, below which a run has learnt."""
OPTIMISERS = {"sgd": "SGD", "momentum": "momentum", "adamw": "Adam"}


@dataclass(frozen=True, eq=False)
class Edge:
    """Largest rates of one map, with all seeds.

    Parameters
    ----------
    network, optimiser, memory, map
        Names of what was trained, by which rule, on what, under which map.
    rates
        The grid, the largest rate first.
    largest
        By seed the largest rate at which it learns; 0 if there is none.
    predicted
        Prediction of the largest rate, up to a constant of the network and the optimiser.
    """

    network: str
    optimiser: str
    memory: str
    map: str
    rates: tuple[float, ...]
    largest: Mapping[int, float]
    predicted: float

    @property
    def logs(self) -> dict[int, float]:
        """Decimal logarithms of the largest rates; one step below the grid where there is none."""
        least = self.rates[-1] * (self.rates[-1] / self.rates[-2] if len(self.rates) > 1 else 0.1)
        return {seed: math.log10(rate or least) for seed, rate in self.largest.items()}


def ladders(load: Load, preset: str | None) -> list[Record]:
    """Load the ladders of a preset; `quick` and `states` are shown beside each other."""
    together = preset in (None, "quick", "states")
    return joined(load, ((name, FILE) for name in ((None, "states") if together else (preset,))))


def edges(records: Iterable[Record]) -> list[Edge]:
    """Group finished ladders by all but their seed, in the order of the runs."""
    finished = named((record for record in records if record.finished), cell_of)
    groups = grouped(finished, lambda pair: (cell_of(pair[1]), pair[0]))
    return [
        _edge((labelled(network, variant), *rest), [record for _, record in held])
        for ((network, *rest), variant), held in groups.items()
    ]


def cell_of(record: Record) -> tuple[str, str, str, str]:
    """Network, optimiser, memory and map of a record."""
    run: LadderRun = record.run
    network = {Modes: MODES, States: STATES}.get(type(run.network), LAYER)
    kernel = run.kernel
    memory = f"e^(-t/{1 / kernel.rate:g})" if isinstance(kernel, Exponential) else "polynomial"
    return network, optimiser_name(run), memory, parameterisation_name(run.parameterisation)


def optimiser_name(run: LadderRun) -> str:
    """Name of a run's optimiser: Adam is AdamW without decay."""
    name = OPTIMISERS.get(run.training.optimiser, run.training.optimiser)
    return "AdamW" if name == "Adam" and run.training.weight_decay else name


def largest_rate(record: Record) -> float:
    """Largest rate at which a run ends finite and below its share; 0 if at none."""
    share = SHARES[cell_of(record)[0]]
    return max((line["rate"] for line in record.metrics if line["left"] < share), default=0.0)


def predicted(run: LadderRun) -> float:
    """Predict a run's largest rate by `stable_rate`, up to a constant.

    A mode has to be held at the slower of its start and the memory that it learns. The published
    layer trains the step of its modes too, which takes the slowness over: there the start counts.
    """
    eigenvalue = -START
    if isinstance(run.network, Modes) and isinstance(run.kernel, Exponential):
        eigenvalue = max(eigenvalue, -run.kernel.rate)
    kind = "sign" if run.training.optimiser == "adamw" else "gradient"
    return float(stable_rate(run.parameterisation, eigenvalue, step=kind))


def of(found: Iterable[Edge], network: str, *optimisers: str) -> dict[str, list[Edge]]:
    """Edges of a network by optimiser, in the order asked for; without any it is absent."""
    held = grouped((edge for edge in found if edge.network == network), lambda e: e.optimiser)
    return {name: held[name] for name in optimisers if name in held}


def by_memory(found: Iterable[Edge]) -> dict[str, dict[str, Edge]]:
    """Edges of one network and optimiser, by memory and map."""
    groups = grouped(found, lambda edge: edge.memory)
    return {memory: {edge.map: edge for edge in held} for memory, held in groups.items()}


def seeds(found: Iterable[Edge]) -> list[int]:
    """Seeds that all of these edges have."""
    held = [set(edge.largest) for edge in found]
    return sorted(set.intersection(*held)) if held else []


def _edge(facts: Sequence[str], held: Sequence[Record]) -> Edge:
    run: LadderRun = held[0].run
    largest = {record.run.seed: largest_rate(record) for record in held}
    network, optimiser, memory, map_ = facts
    return Edge(network, optimiser, memory, map_, run.rates, largest, predicted(run))


def scales(found: Iterable[Edge]) -> dict[str, float]:
    """Constant of the prediction of each optimiser, by which the mean of logarithms is measured."""
    groups = grouped(found, lambda edge: edge.optimiser)
    return {name: 10 ** float(np.mean([_excess(e) for e in held])) for name, held in groups.items()}


def _excess(edge: Edge) -> float:
    return float(np.mean(list(edge.logs.values()))) - math.log10(edge.predicted)
