r"""Is stability about the optimiser? The largest rate at which a run still learns, by optimiser.

A record is a ladder over learning rates: one map, one optimiser, one memory, one seed, and a
training from the same start at every rate. The rate is constant, since a falling one lets a run
recover; what is left of the squared error at the end is recorded, and `experiments.stability.edges`
says what has learnt. `seqtheory.reparameterisation.stable_rate` predicts the largest rate of the
modes' weights up to a constant: gradient descent orders the maps as 1 / G, and under Adam, which
divides gradients out, the stable maps nearly tie. The prediction was written before any training.

Of the network of theory (`networks.Modes`) the weights of the modes alone have the rates of the
grid. In the published layer (`networks.Layer`) all parameters share them, so that it ends where the
first of them breaks down; of `networks.States` the recurrence alone has them. The grids were laid
by trials with the seed 100, which no preset has.

Source: S. Wang and Q. Li, arXiv:2311.14495, sections 3 and 4.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from experiments.run import Run, of_preset
from experiments.stability.networks import Layer, Modes, States
from experiments.stability.training_run import Map
from seqtheory.checks import require_choice, require_integer
from seqtheory.memory import Exponential, Polynomial
from seqtheory.reparameterisation import Best, Direct, Exp, Softplus
from seqtheory.tasks import DecayingMemory
from seqtheory.training import FitData, Training

if TYPE_CHECKING:
    from experiments.recorder import Recorder
    from seqtheory.training import History

Rule = Literal["adamw", "sgd", "momentum"]

VERSION = 1
PRESETS = ("smoke", "quick", "modes", "states")
DEFAULT_PRESET = "quick"

MAPS: tuple[Map, ...] = (Direct(), Exp(), Softplus(), Best())
SEEDS = range(10)
SHORT_TO_LONG = tuple(Exponential(1 / time_scale) for time_scale in (2, 8, 32))
_ENDS: tuple[Rule, ...] = ("sgd", "adamw")
PUBLISHED_MEMORIES = (Exponential(), Exponential(0.1), Polynomial())


@dataclass(frozen=True, kw_only=True)
class LadderRun(Run):
    """Trainings of one network from one start, at every rate of a grid.

    Parameters
    ----------
    parameterisation
        From trained weights to eigenvalues.
    network
        What is trained, and which of its parameters have the rate of the grid.
    kernel
        Memory of the linear functional to learn.
    rates
        Learning rates, the largest first.
    length, num_sequences, held_out, data_seed
        Of the sequences; the last `held_out` are not trained on.
    training
        All else; its rates and its seed are set by the run.
    """

    parameterisation: Map = field(default_factory=Best)
    network: Modes | Layer | States = field(default_factory=Modes)
    kernel: Exponential | Polynomial = field(default_factory=Exponential)
    rates: tuple[float, ...] = (1.0, 0.1)
    length: int = 100
    num_sequences: int = 1000
    held_out: int = 200
    data_seed: int = 42
    training: Training = field(default_factory=Training)

    def __post_init__(self) -> None:
        """Refuse what could not be trained, before any framework is imported."""
        super().__post_init__()
        if list(self.rates) != sorted(set(self.rates), reverse=True) or not self.rates:
            raise ValueError(f"rates={self.rates}: expected at least one, the largest first")
        if self.rates[-1] <= 0:
            raise ValueError(f"rates={self.rates}: expected rates above 0")
        require_integer("length", self.length, minimum=1)
        require_integer("held_out", self.held_out, 1, self.num_sequences - 1)
        require_choice("training.loss", self.training.loss, ("squared_error",))


def grid(largest: float, count: int) -> tuple[float, ...]:
    """Rates downwards from the largest, three to a decade, to three digits."""
    return tuple(float(f"{largest * 10 ** (-k / 3):.3g}") for k in range(count))


def runs(preset: str) -> list[LadderRun]:
    """List the runs of a preset; `modes` is the half of `quick` with the network of theory.

    `states` has the published layer too, of which the recurrence alone is swept.
    """
    ladder = {
        "smoke": _smoke,
        "quick": lambda: [*_modes(), *_layers()],
        "modes": _modes,
        "states": _states,
    }
    return of_preset(preset, ladder)


def _smoke() -> list[LadderRun]:
    sizes = {"length": 20, "num_sequences": 40, "held_out": 10, "rates": (1.0, 0.01)}
    small = [
        LadderRun(network=network, training=_training(optimiser, 8, 5), **sizes)
        for network in (Modes(width=2), Layer(width=2, state_dim=2))
        for optimiser in _ENDS
    ]
    return _repeated(small, (Exponential(),), (0,))


def _modes() -> list[LadderRun]:
    """List ladders of the network of theory: optimiser, rate of the readout, grid."""
    rules: tuple[tuple[Rule, float, int], ...] = (
        ("sgd", 3e-3, 15),
        ("momentum", 1e-3, 15),
        ("adamw", 1e-2, 10),
    )
    sweeps = [
        LadderRun(
            network=Modes(others=others),
            rates=grid(10.0, count),
            training=_training(optimiser, 32, 300),
        )
        for optimiser, others, count in rules
    ]
    return _repeated(sweeps, SHORT_TO_LONG, SEEDS)


def _layers() -> list[LadderRun]:
    """List those of the published layer; AdamW has the published decay, of every weight."""
    rules: tuple[tuple[Rule, float, float], ...] = (
        ("sgd", 0.0, 2.15),
        ("momentum", 0.0, 1.0),
        ("adamw", 0.0, 10.0),
        ("adamw", 0.01, 10.0),
    )
    sweeps = [
        LadderRun(
            network=Layer(),
            rates=grid(largest, 9),
            training=_training(optimiser, 32, 200, decay),
        )
        for optimiser, decay, largest in rules
    ]
    return _repeated(sweeps, PUBLISHED_MEMORIES, SEEDS)


def _states() -> list[LadderRun]:
    """List those of the published layer of which the recurrence alone is swept."""
    rules: tuple[tuple[Rule, float], ...] = (("sgd", 0.05), ("adamw", 0.01))
    sweeps = [
        LadderRun(
            network=States(others=others),
            rates=grid(10.0, 9),
            training=_training(optimiser, 32, 200),
        )
        for optimiser, others in rules
    ]
    return _repeated(sweeps, PUBLISHED_MEMORIES, SEEDS[:5])


def _training(optimiser: Rule, batch_size: int, num_steps: int, decay: float = 0.0) -> Training:
    return Training(
        optimiser=optimiser,
        batch_size=batch_size,
        num_steps=num_steps,
        evaluate_every=num_steps,
        weight_decay=decay,
    )


def _repeated(
    sweeps: Sequence[LadderRun], kernels: Iterable[Exponential | Polynomial], seeds: Iterable[int]
) -> list[LadderRun]:
    """Repeat each sweep with every memory, map and seed."""
    return [
        replace(sweep, kernel=kernel, parameterisation=parameterisation, seed=seed)
        for sweep in sweeps
        for kernel in kernels
        for parameterisation in MAPS
        for seed in seeds
    ]


def execute(run: LadderRun, recorder: Recorder) -> None:
    """Train at every rate; what is left of the error at the end of each is a line of metrics."""
    import seq_torch

    data, zero = _data(run)
    found = recorder.restore()
    start = 0 if found is None else found.step
    recorder.note(zero=zero)
    for step, rate in enumerate(run.rates[start:], start + 1):
        model = run.network.build(run.parameterisation, run.seed)
        training = replace(run.network.at_rate(run.training, rate), seed=run.seed)
        history = seq_torch.fit(model, data, training)
        recorder.log(step, rate=rate, steps=history.step, left=_left(history, zero))
        recorder.progress(step, len(run.rates))
        if recorder.due() and step < len(run.rates):
            recorder.checkpoint(step, {})


def _left(history: History, zero: float) -> float:
    """Share of the squared error of predicting zero at the end; NaN if training diverged."""
    rmse = history.evaluations[-1].metrics["rmse"]
    if history.status == "diverged" or not isinstance(rmse, float):
        return math.nan
    return rmse**2 / zero


def _data(run: LadderRun) -> tuple[FitData, float]:
    """Sequences, and the held-out mean squared error of predicting zero."""
    task = DecayingMemory(run.kernel, length=run.length, num_sequences=run.num_sequences)
    share = run.held_out / run.num_sequences
    learnt, left = task.build(run.data_seed).split((1 - share, share), seed=None)
    return FitData(learnt, left), float(np.mean(left.targets**2))
