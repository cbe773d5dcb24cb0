"""The progress of a training, in a form that a snapshot can hold."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, cast

from seqtheory.training._history import Evaluated, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from seqtheory.training._training import Training


class Progress:
    """Steps taken, evaluations made, and losses since the last evaluation.

    Attributes
    ----------
    step
        Optimiser steps taken.
    evaluations
        Evaluations so far, in order.

    Examples
    --------
    >>> progress = Progress()
    >>> progress.stepped(2.0)
    >>> progress.stepped(4.0)
    >>> progress.evaluated({"rmse": 1.0}, learning_rate=1e-3).metrics
    {'rmse': 1.0, 'learning_rate': 0.001, 'train_loss': 3.0}
    """

    def __init__(self) -> None:
        self.step = 0
        self.evaluations: list[Evaluated] = []
        self._loss_sum, self._loss_count = 0.0, 0

    def stepped(self, loss: float, steps: int = 1) -> None:
        """Count `steps` steps; `loss` is the sum of their losses."""
        self.step += steps
        self._loss_sum += loss
        self._loss_count += steps

    def evaluated(
        self, metrics: dict[str, float | list[float]], *, learning_rate: float
    ) -> Evaluated:
        """Store the metrics of an evaluation, with the mean loss since the previous one."""
        metrics = {**metrics, "learning_rate": learning_rate}
        if self._loss_count:
            metrics["train_loss"] = self._loss_sum / self._loss_count
        self._loss_sum, self._loss_count = 0.0, 0
        self.evaluations.append(Evaluated(self.step, metrics))
        return self.evaluations[-1]

    def state(self, training: Training, digest: str) -> dict[str, Any]:
        """Plain JSON values, from which `restored` makes this progress again."""
        return {
            "training": dataclasses.asdict(training),
            "data": digest,
            "evaluations": [[e.step, _without_nan(e.metrics)] for e in self.evaluations],
            "loss_sum": self._loss_sum,
            "loss_count": self._loss_count,
        }

    @classmethod
    def restored(cls, snapshot: Snapshot, training: Training, digest: str) -> Progress:
        """Progress at a snapshot.

        Raises
        ------
        ValueError
            If the snapshot is of another training or other data, or is no snapshot of a fit.
        """
        state = snapshot.state
        missing = {"training", "data", "evaluations", "loss_sum", "loss_count"} - state.keys()
        if missing:
            raise ValueError(
                f"the snapshot's state lacks {', '.join(sorted(missing))}: it was not made by a "
                "fit. Pass what Stepped.snapshot() returned."
            )
        _check_training(state["training"], training)
        if state["data"] != digest:
            raise ValueError(
                f"the snapshot was made on other data (digest {state['data']}, these have "
                f"{digest}). Resume with the data that the training began with."
            )
        _check_form(snapshot, training)
        progress = cls()
        progress.step = snapshot.step
        progress.evaluations = [
            Evaluated(step, _with_nan(metrics)) for step, metrics in state["evaluations"]
        ]
        progress._loss_sum, progress._loss_count = state["loss_sum"], state["loss_count"]
        return progress


def _check_form(snapshot: Snapshot, training: Training) -> None:
    """Raise unless the parts of a snapshot have the types that `Progress.state` gives them."""
    state, counts = snapshot.state, range(training.num_steps + 1)
    right = {
        "step": snapshot.step in counts,
        "evaluations": _all(state["evaluations"], _is_evaluation)
        and (training.curriculum is None or _all(state["evaluations"], _has_course)),
        "loss_sum": _is_number(state["loss_sum"]),
        "loss_count": state["loss_count"] in counts,
    }
    if wrong := [name for name, holds in right.items() if not holds]:
        raise ValueError(
            f"the snapshot's {', '.join(wrong)} cannot be of a fit of {training.num_steps} steps: "
            "it is damaged. Go on from another, or start anew."
        )


def _all(value: object, holds: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and all(holds(item) for item in cast("list[Any]", value))


def _is_evaluation(value: Any) -> bool:
    """Whether a value is a step and the metrics of its evaluation."""
    match value:
        case [int(), metrics]:
            return isinstance(metrics, dict) and all(
                map(_is_metric, cast("dict[str, Any]", metrics).values())
            )
        case _:
            return False


def _has_course(value: Any) -> bool:
    """Whether the metrics of an evaluation say what was learnt, and how well."""
    _, metrics = value
    learnt, accuracies = metrics.get("trained_length"), metrics.get("position_accuracy")
    if not (isinstance(learnt, int) and isinstance(accuracies, list)):
        return False
    return 0 < learnt <= len(cast("list[Any]", accuracies))


def _is_metric(value: Any) -> bool:
    return _is_number(value) or _all(value, lambda item: item is None or _is_number(item))


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**63)


def _check_training(held: object, training: Training) -> None:
    if not isinstance(held, dict):
        raise ValueError(f"the snapshot's training is {held!r}, expected its settings by name.")
    held = cast("dict[str, Any]", held)
    now = dataclasses.asdict(training)
    if young := sorted(now.keys() - held.keys()):
        raise ValueError(
            f"the snapshot was made before trainings had the setting {young[0]}, and its moments "
            "are of another form. Start anew."
        )
    for name in sorted(held.keys() | now.keys()):
        before, after = held.get(name, "not there"), now.get(name, "not there")
        if before != after:
            raise ValueError(
                f"the snapshot was made with {name}={before!r}, but this training has "
                f"{name}={after!r}. Resume with the same settings, or start anew."
            )


# JSON has no NaN, which is the accuracy at positions beyond the end of every word.
def _without_nan(metrics: dict[str, float | list[float]]) -> dict[str, Any]:
    return {
        name: [None if math.isnan(v) else v for v in value] if isinstance(value, list) else value
        for name, value in metrics.items()
    }


def _with_nan(
    metrics: dict[str, float | list[float | None]],
) -> dict[str, float | list[float]]:
    return {
        name: [math.nan if v is None else v for v in value] if isinstance(value, list) else value
        for name, value in metrics.items()
    }
