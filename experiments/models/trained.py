"""Models that are trained, as runs: trackers, and models that learn a memory."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from experiments.memory.theory import HEAVY
from experiments.run import Run
from experiments.tracking import tasks
from experiments.tracking.models import model_config
from experiments.tracking.tasks import Task
from seqtheory.checks import require_choice, require_integer
from seqtheory.memory import Exponential, Polynomial
from seqtheory.settings import S4D, Mamba, Mixer
from seqtheory.tasks import DecayingMemory, Parity
from seqtheory.training import FitData, Training

if TYPE_CHECKING:
    from seqtheory.dataset import Dataset


@dataclass(frozen=True, kw_only=True)
class TrackerRun(Run):
    """Train one model to track, on short sequences.

    Parameters
    ----------
    task
        What is tracked, at the lengths that are trained on.
    mixer
        Its mixer, by settings without a framework.
    data_seed, num_held_out, num_longer
        What sequences are drawn from; how many to evaluate on, and to test on at each length.
    width, depth
        Channels and layers.
    one_hot
        Whether tokens are unit vectors, so that a linear CDE has a matrix for each.
    pairs
        Whether sequences of length 2 are trained on as well.
    factors
        Lengths to test at, over the longest that is trained on.
    training
        Its seed is the run's.
    """

    task: Task = field(default_factory=Parity)
    mixer: Mixer = field(default_factory=Mamba)
    data_seed: int = 0
    num_held_out: int = 1_000
    num_longer: int = 500
    width: int = 32
    depth: int = 1
    one_hot: bool = False
    pairs: bool = False
    factors: tuple[int, ...] = (1, 2, 4, 8)
    training: Training = field(default_factory=lambda: Training(loss="cross_entropy"))

    def __post_init__(self) -> None:
        """Refuse what could not be trained."""
        super().__post_init__()
        for name in ("num_held_out", "num_longer", "width", "depth"):
            require_integer(name, getattr(self, name), minimum=1)
        require_choice("training.loss", self.training.loss, ("cross_entropy",))

    @property
    def tested(self) -> list[int]:
        """Lengths at which it is tested."""
        return [factor * tasks.longest(self.task) for factor in self.factors]


@dataclass(frozen=True, kw_only=True)
class MemoryRun(Run):
    """Train one recurrence between two affine maps on a memory.

    Parameters
    ----------
    mixer
        Its mixer, by settings without a framework.
    kernel
        The memory.
    width, length, num_train, num_held_out, data_seed
        Channels; steps of a sequence, how many, and what they are drawn from.
    horizon
        Steps over which the memory of the model is measured.
    training
        Its seed is the run's.
    """

    mixer: Mixer = field(default_factory=lambda: S4D(state_dim=16))
    kernel: Exponential | Polynomial = HEAVY
    width: int = 16
    length: int = 100
    num_train: int = 12_800
    num_held_out: int = 512
    data_seed: int = 0
    horizon: int = 200
    training: Training = field(default_factory=Training)

    def __post_init__(self) -> None:
        """Refuse what could not be trained."""
        super().__post_init__()
        for name in ("width", "length", "num_train", "num_held_out", "horizon"):
            require_integer(name, getattr(self, name), minimum=1)
        require_choice("training.loss", self.training.loss, ("squared_error",))

    def sequences(self, count: int) -> Dataset:
        """Draw sequences of the run's data."""
        task = DecayingMemory(kernel=self.kernel, length=self.length, num_sequences=count)
        return task.build(self.data_seed)


def tracker(run: TrackerRun) -> Any:
    """Draw the model of a run."""
    import seq_torch as st

    return model_config(st, run, in_torch(run.mixer), one_hot=run.one_hot).build(run.seed)


def learner(run: MemoryRun) -> Any:
    """Draw the model of a run, in float64."""
    import seq_torch as st

    inputs, output = st.LinearInput(channels=1), st.StepOutput(size=1)
    config = st.recurrent_stack(in_torch(run.mixer), inputs, output, width=run.width)
    return config.build(run.seed).double()


def data_of(run: TrackerRun | MemoryRun) -> FitData:
    """Sequences to train and to evaluate on."""
    if isinstance(run, TrackerRun):
        return tasks.fit_data(run.task, run.data_seed, run.num_held_out, pairs=run.pairs)
    total = run.num_train + run.num_held_out
    shares = (run.num_train / total, run.num_held_out / total)
    train, held_out = run.sequences(total).split(shares, seed=None)
    return FitData(train, held_out)


def seeded(run: TrackerRun | MemoryRun) -> Training:
    """Training with the run's seed in it."""
    return replace(run.training, seed=run.seed)


def in_torch(mixer: Mixer) -> Any:
    """Give the settings of `seq_torch` that extend these."""
    import seq_torch as st

    fields = {f.name: getattr(mixer, f.name) for f in dataclasses.fields(mixer)}
    return getattr(st, f"{type(mixer).__name__}Config")(**fields)
