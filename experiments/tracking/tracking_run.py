"""One training on a task of state tracking, and its test on sequences many times as long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import TYPE_CHECKING, Any, Protocol

from experiments.kept_model import Keep, require_keep
from experiments.report.curve import SOLVED_ABOVE
from experiments.run import Run
from experiments.tracking import tasks
from experiments.tracking.models import LINEAR_CDES
from experiments.tracking.tasks import AnyTask, Task
from seqtheory import diagnostics, metrics
from seqtheory.checks import require_choice, require_integer
from seqtheory.tasks import Parity
from seqtheory.training import FitData, Training

if TYPE_CHECKING:
    import numpy as np

    from experiments.recorder import Recorder
    from seqtheory.dataset import Dataset

SEEN = 2
"""The horizon is predicted from sequences of this multiple of the trained length."""


@dataclass(frozen=True, kw_only=True)
class TrackingRun(Run):
    """Train one model on short sequences, then test it on longer ones.

    Parameters
    ----------
    task
        What is tracked, at the lengths that are trained on.
    model
        The transition class; see `experiments.tracking.models`.
    data_seed
        Decides the sequences.
    depth, width, state_dim
        Layers, channels between them, and entries of the state.
    num_held_out
        Sequences on which the model is evaluated while it trains.
    num_longer
        Sequences of each length on which the trained model is tested.
    factors
        Those lengths, over the longest that is trained on.
    pairs
        Whether sequences of length 2 are trained on as well, a batch beside each batch.
    training
        Rates, steps, batches; its seed is the run's.
    keep_model
        Whether the record holds the trained model: false, true, or "best" for that of its best
        evaluation (see `experiments.kept_model`).
    """

    task: Task = field(default_factory=lambda: Parity(min_length=3, max_length=20))
    model: str = "block_diagonal"
    data_seed: int = 0
    depth: int = 1
    width: int = 64
    state_dim: int = 64
    num_held_out: int = 1_000
    num_longer: int = 500
    factors: tuple[int, ...] = (1, 2, 4, 8)
    pairs: bool = False
    training: Training = field(default_factory=lambda: Training(loss="cross_entropy"))
    keep_model: Keep = False

    def __post_init__(self) -> None:
        """Refuse what could not give a result, before any framework is imported."""
        super().__post_init__()
        require_keep(self.keep_model)
        for name in ("depth", "width", "state_dim", "num_held_out", "num_longer"):
            require_integer(name, getattr(self, name), minimum=1)
        rising = all(a < b for a, b in zip(self.factors, self.factors[1:], strict=False))
        if not self.factors or self.factors[0] < 1 or not rising:
            raise ValueError(f"factors={self.factors}: expected rising integers from 1 on")
        require_choice("training.loss", self.training.loss, ("cross_entropy",))
        if self.model in LINEAR_CDES and self.width < self.task.num_tokens:
            raise ValueError(
                f"width={self.width} with model={self.model!r}: expected at least "
                f"{self.task.num_tokens}, a unit vector for each token"
            )

    @property
    def seeded_training(self) -> Training:
        """The training with the run's seed in it."""
        return replace(self.training, seed=self.seed)

    @property
    def tested(self) -> list[int]:
        """Lengths at which the trained model is tested."""
        return [factor * tasks.longest(self.task) for factor in self.factors]


def fit_data(run: TrackingRun) -> FitData:
    """Sequences to train and to evaluate on."""
    return tasks.fit_data(run.task, run.data_seed, run.num_held_out, pairs=run.pairs)


class Tested(Protocol):
    """What a trained tracker is tested on."""

    @property
    def task(self) -> AnyTask:
        """Task, at the lengths that were trained on."""
        ...

    @property
    def data_seed(self) -> int:
        """Decides the sequences."""
        ...

    @property
    def num_longer(self) -> int:
        """Sequences of each length."""
        ...

    @property
    def tested(self) -> list[int]:
        """Lengths, rising."""
        ...


@dataclass(frozen=True)
class Tracker:
    """A trained model, as functions of arrays.

    Attributes
    ----------
    in_single, in_double
        Metrics on a data set, with parameters and numbers in that precision.
    mixed
        What its last mixer gives, ``(batch, time, width)``, from tokens, in double precision.
    """

    in_single: Callable[[Dataset], dict[str, Any]]
    in_double: Callable[[Dataset], dict[str, Any]]
    mixed: Callable[[np.ndarray], np.ndarray]


def note_tracking(run: Tested, recorder: Recorder, tracker: Tracker) -> None:
    """Record what `tracked` and `prediction` say of a trained model."""
    recorder.note(**tracked(run, tracker), prediction=prediction(run, tracker))


def tracked(run: Tested, tracker: Tracker) -> dict[str, Any]:
    """Measure how a trained model does at every length, and how far it tracks.

    The horizon is the length up to which every position that has a target is right in at least nine
    of ten of the longest sequences. All is measured in double precision, since the question is what
    the trained recurrence does: nothing normalises a linear recurrence, so that its state grows,
    and single precision ends where the norm behind it overflows. That length is given as well.
    """
    data = tasks.longer(run.task, run.data_seed, run.tested, run.num_longer)
    measured = {n: tracker.in_double(part) for n, part in data.items()}
    farthest = run.tested[-1]
    single = tracker.in_single(data[farthest])
    return {
        "longer": {str(n): found for n, found in measured.items()},
        "horizon": metrics.position_horizon(measured[farthest]["position_accuracy"], SOLVED_ABOVE),
        "single_horizon": metrics.position_horizon(single["position_accuracy"], SOLVED_ABOVE),
        "chance": tasks.chance(data[farthest]),
    }


def prediction(run: Tested, tracker: Tracker) -> dict[str, Any]:
    """Give the horizon and the overflow that sequences of twice the trained length predict."""
    length = SEEN * tasks.longest(run.task)
    data = tasks.longer(run.task, run.data_seed, [length], run.num_longer)[length]
    if data.counted is not None:
        return {"verdict": "not made", "reason": "some positions of these sequences have no target"}
    mixed = tracker.mixed(data.inputs)
    try:
        found = diagnostics.predict_horizon(
            mixed,
            data.targets,
            num_classes=run.task.num_classes,
            accuracy=SOLVED_ABOVE,
            readout="direction",
        )
        overflow = diagnostics.predict_overflow(mixed)
    except ValueError as error:  # too few sequences to see every class, or no finite states
        return {"verdict": "not made", "reason": str(error)}
    return {
        "verdict": found.verdict,
        "steps": _finite(found.steps),
        "interval": [_finite(steps) for steps in found.interval],
        "margin": found.margin,
        "drift": _finite(found.drift),
        "overflow": _finite(overflow),
    }


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
