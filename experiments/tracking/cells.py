"""Records of the study as cells: all seeds of one model on one task, trained at one length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.guest import model_name
from experiments.record import DONE, Record
from experiments.report.curve import Curve, curve
from experiments.report.rows import grouped
from experiments.report.variants import labelled, named
from experiments.tracking.models import KINDS, ONE_HOT, Kind
from experiments.tracking.tasks import longest, task_name


@dataclass(frozen=True, eq=False)
class Cell:
    """One model on one task.

    Parameters
    ----------
    task, model, framework
        What was trained, by the names of tables.
    length
        The longest sequences that were trained on.
    budget
        The most steps that a run may take.
    records
        The seeds' finished records, diverged ones included.
    variant
        Further settings, where runs that are alike in all of these differ in them.
    """

    task: str
    model: str
    framework: str
    length: int
    budget: int
    records: Sequence[Record]
    variant: str = ""

    @property
    def name(self) -> str:
        """Name of the class in tables; behind it the framework JAX, and further settings."""
        name = self.kind.name
        framed = name if self.framework == "torch" else f"{name}, {self.framework}"
        return labelled(framed, self.variant)

    @property
    def kind(self) -> Kind:
        """The class of the model; a guest's has a name and no transition."""
        return KINDS.get(self.model) or Kind(self.model, None)

    @property
    def curves(self) -> list[Curve]:
        """Held-out accuracy of each seed while it trained."""
        return [curve(record) for record in self.records]

    @property
    def tested(self) -> list[int]:
        """Lengths at which every seed was tested."""
        held = [set(record.notes["longer"]) for record in self.records if record.status == DONE]
        return sorted(int(length) for length in set.intersection(*held)) if held else []

    def trained(self) -> np.ndarray:
        """Best held-out token accuracy of each seed, at the lengths that were trained on."""
        return np.array([curve.best for curve in self.curves])

    def accuracies(self, length: int, kind: str = "token_accuracy") -> np.ndarray:
        """Measure of each seed at a length; zero for a seed that diverged."""
        return np.array([_measured(record, length, kind) for record in self.records])

    def late(self, first: int, last: int) -> np.ndarray:
        """Mean accuracy of each seed at positions `first` to `last` of sequences that long."""
        length = min(n for n in self.tested if n >= last)
        places = self.accuracies(length, "position_accuracy")
        return np.nanmean(places[:, first - 1 : last], axis=1)

    def horizons(self) -> np.ndarray:
        """Length up to which each seed is above the threshold at every position."""
        return np.array([r.notes["horizon"] if r.status == DONE else 0 for r in self.records])

    @property
    def chance(self) -> float:
        """Accuracy of the commonest class, at the greatest length."""
        return float(np.mean([r.notes["chance"] for r in self.records if r.status == DONE]))

    def scaled(self, accuracies: np.ndarray) -> np.ndarray:
        """(accuracy - chance) / (1 - chance)."""
        return (accuracies - self.chance) / (1 - self.chance)


def cells(records: Iterable[Record]) -> list[Cell]:
    """Group finished records into cells, in the order of the runs."""
    finished = named((r for r in records if r.finished and r.metrics), cell_of)
    groups = grouped(finished, lambda pair: (cell_of(pair[1]), pair[0]))
    return [
        Cell(*facts, records=[record for _, record in held], variant=variant)
        for (facts, variant), held in groups.items()
    ]


def of_prediction(study: Iterable[Cell]) -> list[Cell]:
    """Keep the classes of `prediction`, of which the claims on horizons speak."""
    return [cell for cell in study if cell.model not in ONE_HOT]


def names(study: Iterable[Cell]) -> list[str]:
    """Names of the classes that have cells, in the order of tables, torch before JAX."""
    study = list(study)
    order = list(dict.fromkeys([*KINDS, *(cell.model for cell in study)]))
    found = sorted(study, key=lambda c: (order.index(c.model), c.framework != "torch"))
    return list(dict.fromkeys(cell.name for cell in found))


def cell_of(record: Record) -> tuple[str, str, str, int, int]:
    """Task, model, framework, length and budget of a record's cell."""
    run = record.run
    framework = "JAX" if record.study.endswith("linear_cde") else "torch"
    steps = run.training.num_steps
    return task_name(run.task), model_name(run), framework, longest(run.task), steps


def _measured(record: Record, length: int, kind: str) -> Any:
    if record.status != DONE:
        return np.zeros(length) if kind == "position_accuracy" else 0.0
    return record.notes["longer"][str(length)][kind]
