"""Records of the study as cells: all seeds of one model with one normalisation on one task."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from experiments.guest import model_name
from experiments.lra.tasks import short_name
from experiments.lra.training_run import LongRangeRun
from experiments.record import DONE, Record
from experiments.report.rows import grouped
from experiments.report.variants import labelled, named
from seqtheory.plain import described

Part = Literal["train", "validation", "test"]
_VARIED = ("type", "seed", "norm", "position")


@dataclass(frozen=True, eq=False)
class Cell:
    """One model, norm, position and framework on one task.

    Parameters
    ----------
    task
        Name of the data as their provenance has it: a subset says that it is one.
    short
        Name of the task alone.
    framework, model, norm, position
        What was trained.
    rate
        Learning rate of all but the recurrence's own parameters.
    settings
        All other settings of the runs, the same text for the same ones.
    scale
        The size of model and training, in words, and further settings where runs that are alike in
        all that tables show differ in them.
    records
        The seeds' finished records, diverged ones included.
    """

    task: str
    short: str
    framework: str
    model: str
    norm: str
    position: str
    rate: float
    settings: str
    scale: str
    records: Sequence[Record]

    @property
    def by_seed(self) -> dict[int, Record]:
        """Records of seeds that ended well."""
        return {r.run.seed: r for r in self.records if r.status == DONE}

    @property
    def num_steps(self) -> int:
        """Steps of each training."""
        return self.records[0].run.training.num_steps

    @property
    def diverged(self) -> int:
        """Count the seeds that met a number that is not finite."""
        return len(self.records) - len(self.by_seed)

    def accuracies(self, part: Part) -> np.ndarray:
        """Accuracies of the selected models in percent, without seeds that diverged."""
        return 100 * np.array([r.notes["accuracy"][part] for r in self.by_seed.values()])

    def test_of(self, seed: int) -> float:
        """Test accuracy of one seed, in percent."""
        return 100 * self.by_seed[seed].notes["accuracy"]["test"]


def cells(records: Iterable[Record]) -> list[Cell]:
    """Group finished records into cells, in the order of the runs."""
    finished = named((record for record in records if record.finished), cell_of)
    groups = grouped(finished, lambda pair: (cell_of(pair[1]), settings(pair[1].run), pair[0]))
    return [
        Cell(*facts[:-1], rest, labelled(facts[-1], variant), [record for _, record in held])
        for (facts, rest, variant), held in groups.items()
    ]


def scale(run: LongRangeRun) -> str:
    """Size of a run's model and training, in words."""
    extra = (", bidirectional" if run.bidirectional else "") + (
        f", dropout {run.dropout:g}" if run.dropout else ""
    )
    return (
        f"{run.depth} layers of {run.width}{extra}, {run.training.num_steps:,} steps of "
        f"{run.training.batch_size}"
    )


def cell_of(record: Record) -> tuple[str, str, str, str, str, str, float, str]:
    """Task, its short name, framework, model, norm, position, rate and scale of a record."""
    run = record.run
    label = record.notes["data"]["label"]
    if run.selection == "test" and "selected on test" not in label:
        label += ", selected on test"
    return (
        label,
        short_name(type(run.task).__name__),
        "JAX" if record.study.endswith("jax") else "torch",
        *(model_name(run), run.norm, run.position, run.training.learning_rate),
        scale(run),
    )


def settings(run: LongRangeRun, but: Collection[str] = ()) -> str:
    """Write all settings but framework, seed, norm, place and those of the training in `but`."""
    rest = {name: value for name, value in described(run).items() if name not in _VARIED}
    rest["training"] = {k: value for k, value in rest["training"].items() if k not in but}
    return json.dumps(rest, sort_keys=True)
