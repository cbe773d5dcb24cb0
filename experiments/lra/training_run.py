"""One training on a long-range task: what the halves of this study in torch and in JAX share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import numpy as np

from experiments.best_model import BestModel
from experiments.guest import Guest, no_guest, require_model
from experiments.kept_model import Keep, keep, no_model, require_keep
from experiments.lra import tasks
from experiments.lra.tasks import SHORT_LIST_OPS, Task
from experiments.run import Run
from seqtheory.checks import require_choice, require_fraction, require_integer
from seqtheory.training import FitData, Training

if TYPE_CHECKING:
    from experiments.data import Splits
    from experiments.recorder import Recorder
    from seqtheory.dataset import Dataset

Model = Literal["s4", "s4d_lin", "s4d_inv", "s4d_legs", "s5", "lru", "mamba", "transformer"]
Norm = Literal["layer", "batch"]
Position = Literal["pre", "post"]

MODELS: tuple[Model, ...] = get_args(Model)
NORMS: tuple[Norm, ...] = get_args(Norm)
POSITIONS: tuple[Position, ...] = get_args(Position)

MOST_TRAINING_ROWS = 5_000
"""The training accuracy is measured on at most this many rows, the first of the training set."""


@dataclass(frozen=True, kw_only=True)
class LongRangeRun(Run):
    """One model with one normalisation on one task.

    `seed` decides the initial parameters and the order of the batches, which in both frameworks is
    the same function of it; `data_seed` decides the data. Runs of one seed can thus be compared in
    pairs: whatever else they differ in, they saw the same examples in the same order.

    Parameters
    ----------
    task, data_seed
        What is learnt, and the seed that draws or cuts it.
    model
        The mixer.
    norm, position
        Normalisation of each layer, and whether it acts before the mixer or after the residual.
    depth, width, state_dim
        Layers, channels between them, and state: real states per channel of S4, S4D and Mamba, in
        all for S5 (real) and the LRU (complex).
    bidirectional
        Whether S4 and S4D also run backwards in time.
    heads, feed_forward
        Of the Transformer.
    dropout
        After the mixer and after the activation.
    selection
        Which set selects the best evaluation. ``"test"`` is upstream's way, and its test accuracy
        is too high.
    training
        Rates, steps, batches; its seed is the run's.
    guest
        A mixer of one's own, where `model` is "guest" (see `experiments.guest`).
    keep_model
        Whether the record holds the selected model, which is the best one (see
        `experiments.kept_model`).
    """

    task: Task = SHORT_LIST_OPS
    data_seed: int = 0
    model: Model | Literal["guest"] = "s4"
    norm: Norm = "layer"
    position: Position = "pre"
    depth: int = 3
    width: int = 32
    state_dim: int = 16
    bidirectional: bool = False
    heads: int = 4
    feed_forward: int = 64
    dropout: float = 0.0
    selection: Literal["validation", "test"] = "validation"
    training: Training = field(default_factory=lambda: Training(loss="cross_entropy"))
    guest: Guest | None = no_guest
    keep_model: Keep = no_model

    def __post_init__(self) -> None:
        """Refuse what could not give a result, before any framework is imported."""
        super().__post_init__()
        require_model(self.model, self.guest, MODELS)
        require_keep(self.keep_model)
        choices = {"norm": NORMS, "position": POSITIONS}
        for name, known in {**choices, "selection": ("validation", "test")}.items():
            require_choice(name, getattr(self, name), known)
        for name in ("depth", "width", "state_dim", "heads", "feed_forward"):
            require_integer(name, getattr(self, name), minimum=1)
        if self.bidirectional and not self.model.startswith("s4"):
            raise ValueError(f"bidirectional=True with model={self.model!r}: expected S4 or S4D")
        if self.model == "transformer" and self.width % self.heads:
            raise ValueError(f"heads={self.heads}: expected a divisor of width={self.width}")
        require_fraction("dropout", self.dropout, zero=True)
        require_choice("training.loss", self.training.loss, ("cross_entropy",))

    @property
    def seeded_training(self) -> Training:
        """The training with the run's seed in it."""
        return replace(self.training, seed=self.seed)


AnyRun = TypeVar("AnyRun", bound=LongRangeRun)


def grid(run: AnyRun, seeds: Iterable[int]) -> list[AnyRun]:
    """Repeat a run with every norm in every place, for each seed."""
    return [
        replace(run, norm=norm, position=position, seed=seed)
        for seed in seeds
        for norm in NORMS
        for position in POSITIONS
    ]


def fit_data(run: LongRangeRun, splits: Splits) -> FitData:
    """Put together what is trained on, and what selects the best evaluation."""
    held_out = splits.test if run.selection == "test" else splits.validation
    return FitData(splits.train, held_out)


def note_data(splits: Splits, recorder: Recorder) -> None:
    """Record where the data came from, and the accuracy of the commonest class."""
    counts = np.bincount(splits.test.targets)
    recorder.note(data=splits.provenance.described(), constant=float(counts.max() / counts.sum()))


def keep_selected(run: LongRangeRun, recorder: Recorder, model: Any, best: BestModel) -> None:
    """Store the selected model in the record, if the run asks for it."""
    if run.keep_model:
        keep(recorder, model, best.step)


def note_selected(
    best: BestModel,
    splits: Splits,
    recorder: Recorder,
    evaluate: Callable[[Dataset], dict[str, Any]],
) -> None:
    """Record the selected model's accuracy on all three sets: here the test set is measured once.

    Parameters
    ----------
    best
        What was selected.
    splits
        The data.
    recorder
        Where to.
    evaluate
        Metrics of the selected model on a data set.
    """
    learnt = next(splits.train.batches(MOST_TRAINING_ROWS, seed=None))
    parts = {"train": learnt, "validation": splits.validation, "test": splits.test}
    accuracies = {name: evaluate(data)["token_accuracy"] for name, data in parts.items()}
    recorder.note(selected_step=best.step, accuracy=accuracies, measured_on=len(learnt))


def load(run: LongRangeRun) -> Splits:
    """Make or read the run's data."""
    return tasks.load(run.task, run.data_seed)
