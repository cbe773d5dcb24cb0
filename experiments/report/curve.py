"""Accuracy of one run during training: whether it passed, and the lengths of its plateaus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from experiments.record import Record

Outcome = Literal["solved", "cannot", "undertrained"]

SOLVED_ABOVE = 0.90
RISE = 0.02
"""An accuracy rises when it exceeds its value at the last rise by this much."""
PATIENCE = 3
"""A failed run's last plateau must be this many times as long as any plateau that ended."""


@dataclass(frozen=True)
class Curve:
    """Held-out token accuracy of one run during training."""

    seed: int
    steps: tuple[int, ...]
    accuracies: tuple[float, ...]
    diverged: bool
    constant_rate: bool

    @property
    def best(self) -> float:
        """The best accuracy; the published rule stops at the first one above the threshold."""
        return max(self.accuracies)

    def best_by(self, steps: int) -> float:
        """Give the best accuracy up to `steps` steps, or else that of the first evaluation."""
        known = zip(self.steps, self.accuracies, strict=True)
        return max(a for s, a in known if s <= max(steps, self.steps[0]))

    @property
    def passes(self) -> bool:
        """Whether the accuracy ever exceeded the threshold."""
        return self.best > SOLVED_ABOVE

    @property
    def first_pass(self) -> int:
        """Steps after which the accuracy first exceeded the threshold.

        Raises
        ------
        ValueError
            If it never exceeded the threshold.
        """
        for step, accuracy in zip(self.steps, self.accuracies, strict=True):
            if accuracy > SOLVED_ABOVE:
                return step
        raise ValueError(f"seed {self.seed}: the best accuracy is {self.best}, no pass")

    @property
    def plateaus(self) -> tuple[int, ...]:
        """Steps from each rise of the accuracy to the next; the last one lasts until the end."""
        rises, level = [self.steps[0]], self.accuracies[0]
        for step, accuracy in zip(self.steps, self.accuracies, strict=True):
            if accuracy - level >= RISE:
                rises.append(step)
                level = accuracy
        return tuple(after - before for before, after in pairwise([*rises, self.steps[-1]]))


def stood_still(failing: Iterable[Curve], of_model: Iterable[Curve]) -> bool:
    """Whether all failing runs ended on a plateau that was long enough to count as failure.

    A model that learns in jumps has a plateau before each of them, and a learning rate that falls
    to zero ends every training on a plateau. A failing run is therefore evidence only if its
    learning rate was constant and its last plateau is `PATIENCE` times as long as the longest one
    that any run of its model has left. If no run of the model ever left a plateau, the answer is
    False.

    Parameters
    ----------
    failing
        The runs that did not pass.
    of_model
        All runs of that model, on any task and length.
    """
    left = longest_left(of_model)
    return left is not None and all(
        curve.constant_rate and not curve.diverged and curve.plateaus[-1] >= PATIENCE * left
        for curve in failing
    )


def longest_left(curves: Iterable[Curve]) -> int | None:
    """Give the steps of the longest plateau that any run left; None if none left one."""
    return max((steps for curve in curves for steps in curve.plateaus[:-1]), default=None)


def is_solved(curves: Sequence[Curve]) -> bool:
    """Whether at least two thirds of the seeds pass."""
    return 3 * sum(curve.passes for curve in curves) >= 2 * len(curves)


def outcome(
    curves: Sequence[Curve],
    *,
    of_task: Iterable[Curve],
    of_model: Iterable[Curve],
    learns: bool,
    contradicted: bool,
) -> Outcome:
    """Judge one model on one task: *solved*, *cannot* or *undertrained*.

    A model that does not solve its task *cannot* do it if four conditions hold: every failing seed
    had at least as many steps as the slowest seed that passed on this task; each failing seed ended
    on a plateau, at a constant rate, three times as long as the longest one that any run of its
    model left (`stood_still`); the model learns another task; and no published run contradicts it.
    Otherwise it is *undertrained*.

    Parameters
    ----------
    curves
        One curve per seed.
    of_task, of_model
        Curves of all runs on this task, and of all runs of this model.
    learns
        Whether the model solves some other task, which shows that it learns at all.
    contradicted
        Whether a published run of the model solved this task.
    """
    if is_solved(curves):
        return "solved"
    failing = [curve for curve in curves if not curve.passes]
    slowest = max((curve.first_pass for curve in of_task if curve.passes), default=0)
    long_enough = min(curve.steps[-1] for curve in failing) >= slowest
    tells = long_enough and learns and not contradicted and stood_still(failing, of_model)
    return "cannot" if tells else "undertrained"


def curve(record: Record) -> Curve:
    """Read a run's curve from its record."""
    lines = [line for line in record.metrics if "token_accuracy" in line]
    return Curve(
        seed=record.run.seed,
        steps=tuple(line["step"] for line in lines),
        accuracies=tuple(line["token_accuracy"] for line in lines),
        diverged=record.status == "diverged",
        constant_rate=record.run.training.schedule == "constant",
    )
