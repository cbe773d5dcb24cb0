"""Records of sweeps as cells: all seeds of one parameterisation at one rate, and what they say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.data import CIFAR10
from experiments.record import DIVERGED, Record
from experiments.report.rows import Load, grouped, joined
from experiments.report.variants import labelled, named
from experiments.stability.functionals import FunctionalRun
from experiments.stability.images import ImageRun
from experiments.stability.targets import CausalAttention, LinearFunctional
from experiments.stability.training_run import Map, TrainingRun
from seqtheory.reparameterisation import Best

FILES = ("functionals", "images")
# The order of figures and tables; the first is the published code's direct map, by its wrong sign.
MAPS = ("direct, upstream sign", "direct", "exp", "softplus", "best", "best, b = 0.1")


@dataclass(frozen=True, eq=False)
class Cell:
    """One parameterisation at one learning rate, with all its seeds.

    Parameters
    ----------
    task
        What was learnt, in words; sweeps of different tasks are not compared.
    map
        Name of the parameterisation.
    rate
        Learning rate.
    length
        Steps of a sequence.
    initial, final, constant
        Held-out loss of each seed before training, after it (NaN if it diverged), and of the best
        prediction that does not see its input. A mean squared error, or a cross-entropy.
    records
        The seeds' records.
    """

    task: str
    map: str
    rate: float
    length: int
    initial: np.ndarray
    final: np.ndarray
    constant: np.ndarray
    records: Sequence[Record]

    @property
    def diverged(self) -> int:
        """Count the seeds that met a number that is not finite."""
        return int(np.isnan(self.final).sum())

    @property
    def is_stable(self) -> bool:
        """Whether all seeds end finite and below the initial loss."""
        return bool((self.final < self.initial).all())

    @property
    def learns(self) -> bool:
        """Whether all seeds end below the loss of a constant prediction; stricter than stable."""
        return bool((self.final < self.constant).all())


def swept(load: Load, preset: str | None) -> list[Record]:
    """Load both halves of a preset."""
    return joined(load, ((preset, file) for file in FILES))


def cells(records: Iterable[Record]) -> list[Cell]:
    """Group finished records into cells, in the order of the runs.

    Records that differ in further settings belong to sweeps of their own.
    """
    finished = named((record for record in records if record.finished), cell_of)
    groups = grouped(finished, lambda pair: (cell_of(pair[1]), pair[0]))
    return [
        _cell((labelled(task, variant), map_, rate, steps), [record for _, record in held])
        for ((task, map_, rate, steps), variant), held in groups.items()
    ]


def cell_of(record: Record) -> tuple[str, str, float, int]:
    """Task, map, learning rate and length of a record."""
    run = record.run
    return task_name(record), map_name(run), run.training.learning_rate, length(run)


def largest_rate(found: Iterable[Cell], *, learns: bool = False) -> float:
    """Largest rate at which a cell of these is stable (or learns); 0 if none is."""
    rates = [cell.rate for cell in found if (cell.learns if learns else cell.is_stable)]
    return max(rates, default=0.0)


def learning_rates(found: Iterable[Cell]) -> dict[int, float]:
    """Largest rate at which each seed ends below the constant prediction; 0 if at none."""
    rates: dict[int, float] = {}
    for cell in found:
        for record, learns in zip(cell.records, cell.final < cell.constant, strict=True):
            seed = record.run.seed
            rates[seed] = max(rates.get(seed, 0.0), cell.rate if learns else 0.0)
    return rates


def final_losses(found: Iterable[Cell]) -> dict[int, float]:
    """Held-out loss of each seed at the end; infinite for a seed that diverged."""
    return {
        record.run.seed: math.inf if math.isnan(loss) else float(loss)
        for cell in found
        for record, loss in zip(cell.records, cell.final, strict=True)
    }


def maps_of(found: Iterable[Cell]) -> list[str]:
    """List the maps that these cells have, in the order of figures and tables."""
    present = {cell.map for cell in found}
    return [name for name in MAPS if name in present]


def by_task(found: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Split cells into sweeps."""
    return grouped(found, lambda cell: cell.task)


def map_name(run: TrainingRun) -> str:
    """Short name of a run's parameterisation."""
    name = parameterisation_name(run.parameterisation)
    return f"{name}, upstream sign" if run.upstream_sign else name


def parameterisation_name(parameterisation: Map) -> str:
    """Short name of a map; that of best tells its b, where it is not the paper's."""
    name = type(parameterisation).__name__.lower()
    if isinstance(parameterisation, Best) and parameterisation.b != Best().b:
        return f"{name}, b = {parameterisation.b:g}"
    return name


def task_name(record: Record) -> str:
    """Say what was learnt, from how long a sequence; a subset of images says that it is one."""
    run = record.run
    if isinstance(run, ImageRun):
        return f"{record.notes['data']['label']}, length {length(run)}"
    match run.task:
        case LinearFunctional(kernel=kernel):
            kind = f"linear functional, {type(kernel).__name__.lower()} memory"
        case CausalAttention(projected=projected):
            kind = "attention of q, k, v" if projected else "attention"
        case task:
            kind = f"filter, {task.network}, attends {task.attends}"
    return f"{kind}, length {length(run)}"


def length(run: FunctionalRun | ImageRun) -> int:
    """Count the steps of a run's sequences."""
    if isinstance(run, FunctionalRun):
        return run.task.length
    if run.images.downsampled:
        return 256
    return 1024 if isinstance(run.images, CIFAR10) else 784


def loss_of(line: dict[str, Any]) -> float:
    """Held-out loss of a logged line: the cross-entropy, or the mean squared error."""
    return line["loss"] if "loss" in line else line["rmse"] ** 2


def _cell(facts: tuple[str, str, float, int], held: Sequence[Record]) -> Cell:
    is_classes = isinstance(held[0].run, ImageRun)
    constant = [r.notes["constant"] if is_classes else r.notes["constant"] ** 2 for r in held]
    return Cell(
        *facts,
        initial=np.array([loss_of(r.metrics[0]) for r in held]),
        final=np.array([_final(r) for r in held]),
        constant=np.array(constant),
        records=held,
    )


def _final(record: Record) -> float:
    return math.nan if record.status == DIVERGED else loss_of(record.metrics[-1])
