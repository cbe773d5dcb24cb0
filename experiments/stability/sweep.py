"""Records of sweeps as cells: all seeds of one parameterisation at one rate, and what they say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.record import DIVERGED, Record
from experiments.rows import select

# The order of figures and tables; the first is the published code's direct map, by its wrong sign.
MAPS = ("direct, upstream sign", "direct", "exp", "softplus", "best")


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
        """Whether all seeds end below the loss of a constant prediction, which is more to ask."""
        return bool((self.final < self.constant).all())


def cells(records: Iterable[Record]) -> list[Cell]:
    """Group finished records into cells, in the order of the runs."""
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for record in records:
        if record.finished:
            rate = record.run["training"]["learning_rate"]
            key = (task_name(record), map_name(record.run), rate, length(record.run))
            groups.setdefault(key, []).append(record)
    return [_cell(key, held) for key, held in groups.items()]


def largest_rate(found: Iterable[Cell], *, learns: bool = False) -> float:
    """Largest rate at which a cell of these is stable (or learns); 0 if none is."""
    rates = [cell.rate for cell in found if (cell.learns if learns else cell.is_stable)]
    return max(rates, default=0.0)


def by_task(found: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Split cells into sweeps."""
    return {task: select(found, task=task) for task in dict.fromkeys(cell.task for cell in found)}


def map_name(run: dict[str, Any]) -> str:
    """Short name of a recorded parameterisation."""
    name = run["parameterisation"]["type"].lower()
    return f"{name}, upstream sign" if run["upstream_sign"] else name


def task_name(record: Record) -> str:
    """Say what was learnt, from how long a sequence; a subset of images says that it is one."""
    run = record.run
    if "images" in run:
        return f"{record.notes['data']['label']}, length {length(run)}"
    task = run["task"]
    kind = {
        "LinearFunctional": lambda: f"linear functional, {task['kernel']['type'].lower()} memory",
        "CausalAttention": lambda: "attention" + (" of q, k, v" if task["projected"] else ""),
        "RandomFilter": lambda: f"filter, {task['network']}, attends {task['attends']}",
    }[task["type"]]()
    return f"{kind}, length {length(run)}"


def length(run: dict[str, Any]) -> int:
    """Count the steps of a recorded run's sequences."""
    if "task" in run:
        return run["task"]["length"]
    if run["images"]["downsampled"]:
        return 256
    return 1024 if run["images"]["type"] == "CIFAR10" else 784


def loss_of(line: dict[str, Any]) -> float:
    """Held-out loss of a logged line: the cross-entropy, or the mean squared error."""
    return line["loss"] if "loss" in line else line["rmse"] ** 2


def _cell(key: tuple[Any, ...], held: Sequence[Record]) -> Cell:
    facts = dict(zip(("task", "map", "rate", "length"), key, strict=True))
    is_classes = "images" in held[0].run
    constant = [r.notes["constant"] if is_classes else r.notes["constant"] ** 2 for r in held]
    return Cell(
        **facts,
        initial=np.array([loss_of(r.metrics[0]) for r in held]),
        final=np.array([_final(r) for r in held]),
        constant=np.array(constant),
        records=held,
    )


def _final(record: Record) -> float:
    return math.nan if record.status == DIVERGED else loss_of(record.metrics[-1])
