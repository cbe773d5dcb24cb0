r"""Trained recurrent networks under perturbation: do the verdicts of linear theory hold for them?

A ladder is trained: networks of growing width, each on a linear functional with a given memory,

.. math:: y_k = \sum_{j=0}^{k} \rho(j)\, x_{k-j}, \qquad x_k \sim N(0, 1),

until its error is at most half of that of the network below, or its steps are used up. Then the
weights of each are moved by beta, in several readings, and the error on further data is measured:
`experiments.memory.perturbation`. A run is one ladder and all that was measured on it.

Source: S. Wang, Z. Li and Q. Li, arXiv:2305.19190, and the code published with it, whose widths
are 8 to 64 and whose first network takes all its epochs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from experiments.memory import ladder
from experiments.memory.perturbation import PUBLISHED, RECURRENT, SHIFT, perturbed_errors
from experiments.memory.theory import BETAS, HEAVY, LIGHT, MAPS, UP_TO
from experiments.run import Run, canonical
from seqtheory.memory import Airy, Exponential, ExponentialSum, Polynomial, Shift, Sine, TwoParts
from seqtheory.memory_theory import CommonShift, SampledNoise
from seqtheory.reparameterisation import Best, Direct, Exp, Inverse, ReLU, Softplus
from seqtheory.tasks import DecayingMemory
from seqtheory.training import FitData, Training

if TYPE_CHECKING:
    from experiments.memory.ladder import Climb
    from experiments.recorder import Recorder
    from seqtheory.dataset import Dataset

VERSION = 1
PRESETS = ("smoke", "quick", "paper")
DEFAULT_PRESET = "quick"

Activation = Literal["linear", "tanh", "hardtanh"]
Kernel = Exponential | Polynomial | ExponentialSum | Sine | Shift | TwoParts | Airy

READINGS = (
    SHIFT,
    RECURRENT,
    replace(RECURRENT, ball="two"),
    PUBLISHED,
    replace(PUBLISHED, ball="two"),
)


@dataclass(frozen=True, kw_only=True)
class RecurrentRun(Run):
    """A ladder of networks with one memory to learn.

    Parameters
    ----------
    kernel
        The memory.
    activation, parameterisation, matrix, step
        Of the recurrence; see `seq_torch.ResidualRNNConfig`.
    min_rate
        The slowest mode that a network may start with; the fastest is 1, per step.
    widths
        Increasing.
    length, num_train, num_held_out, num_test, data_seed
        Steps of a sequence, how many sequences are for training, for the halving rule and for
        perturbed errors, and the seed that they are drawn from.
    training
        Of each network: `num_steps` is the most it takes, and its seed is the run's.
    betas, readings
        Perturbations.
    late_weight
        Power by which perturbed errors count late steps more; 2 in the published code.
    """

    kernel: Kernel = HEAVY
    activation: Activation = "linear"
    parameterisation: Direct | Exp | Softplus | Best | Inverse | ReLU = field(default_factory=Exp)
    matrix: Literal["diagonal", "orthogonal", "free"] = "diagonal"
    step: Literal["exponential", "euler"] = "exponential"
    min_rate: float = 0.01
    widths: tuple[int, ...] = (4, 8, 16, 32)
    length: int = 100
    num_train: int = 12_800
    num_held_out: int = 512
    num_test: int = 256
    data_seed: int = 0
    training: Training = field(default_factory=Training)
    betas: tuple[float, ...] = BETAS
    readings: tuple[CommonShift | SampledNoise, ...] = READINGS
    late_weight: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what could not give a verdict, before any framework is imported."""
        super().__post_init__()
        if len(self.widths) < 2 or list(self.widths) != sorted(set(self.widths)):
            raise ValueError(f"widths={self.widths}: expected at least two, increasing")
        if self.widths[0] < 1:
            raise ValueError(f"widths={self.widths}: expected widths of 1 and more")
        for name in ("length", "num_train", "num_held_out", "num_test"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: expected 1 or more")
        if not 0 < self.min_rate <= 1:
            raise ValueError(f"min_rate={self.min_rate}: expected a number in (0, 1]")
        if self.late_weight < 0:
            raise ValueError(f"late_weight={self.late_weight}: expected 0 or more")
        if self.training.loss != "squared_error" or self.training.target is not None:
            raise ValueError(
                f"training has loss={self.training.loss!r} and target={self.training.target}: "
                "expected 'squared_error', and no target, since the halving rule sets it"
            )
        if list(self.betas) != sorted(set(self.betas)) or self.betas[:1] != (0.0,):
            raise ValueError(f"betas={self.betas}: expected 0 first, then increasing sizes")
        if UP_TO not in self.betas:
            raise ValueError(f"betas={self.betas}: expected {UP_TO} among them, for the verdicts")
        if not self.readings:
            raise ValueError("readings=(): expected at least one")


def runs(preset: str) -> list[RecurrentRun]:
    """List the runs of a preset, one for each ladder.

    `paper` has the published rate, batch, numbers of sequences and steps, all activations and all
    memories, and recurrences with a matrix; for a GPU.
    """
    if preset == "smoke":
        return _smoke()
    if preset == "quick":
        return _quick()
    if preset == "paper":
        return _paper()
    raise ValueError(f"preset {preset!r}: expected one of {', '.join(PRESETS)}")


def _smoke() -> list[RecurrentRun]:
    training = Training(learning_rate=1e-2, batch_size=16, num_steps=20, evaluate_every=10)
    small: dict[str, Any] = {
        "widths": (2, 4),
        "length": 20,
        "num_train": 64,
        "num_held_out": 16,
        "num_test": 16,
        "betas": (0.0, 1e-3, UP_TO),
        "readings": tuple(
            reading if isinstance(reading, CommonShift) else replace(reading, draws=3)
            for reading in READINGS
        ),
    }
    return [
        RecurrentRun(
            kernel=kernel, activation=activation, parameterisation=p, training=training, **small
        )
        for kernel in (LIGHT, HEAVY)
        for activation in ("linear", "tanh")
        for p in MAPS
    ]


def _quick() -> list[RecurrentRun]:
    training = Training(
        learning_rate=1e-2,
        state_learning_rate=1e-3,
        schedule="cosine",
        warmup_steps=100,
        batch_size=32,
        num_steps=4000,
        clip=0.5,
        evaluate_every=200,
    )
    return [
        RecurrentRun(
            kernel=kernel, activation=activation, parameterisation=p, seed=seed, training=training
        )
        for seed in (0, 1)
        for kernel in (HEAVY, LIGHT)
        for activation in ("linear", "tanh")
        for p in MAPS
    ]


def _paper() -> list[RecurrentRun]:
    training = Training(
        learning_rate=1e-2,
        batch_size=512,
        num_steps=250_000,
        schedule="cosine",
        clip=0.5,
        evaluate_every=250,
    )
    kernels = (
        HEAVY,
        LIGHT,
        Polynomial(),
        Exponential(),
        ExponentialSum(power=1),
        ExponentialSum(power=2),
        TwoParts(),
        Airy(),
        Shift(),
        Sine(),
    )
    activations: tuple[Activation, ...] = ("linear", "tanh", "hardtanh")
    matrices: tuple[Literal["diagonal", "orthogonal"], ...] = ("diagonal", "orthogonal")
    return [
        RecurrentRun(
            kernel=kernel,
            activation=activation,
            parameterisation=p,
            matrix=matrix,
            widths=(8, 16, 32, 64),
            num_train=128_000,
            num_held_out=12_800,
            num_test=12_800,
            seed=seed,
            training=training,
        )
        for seed in (0, 1, 2)
        for matrix in matrices
        for kernel in kernels
        for activation in activations
        for p in (*MAPS, Best(b=0.1), Inverse(), ReLU())
    ]


def execute(run: RecurrentRun, recorder: Recorder) -> None:
    """Climb the ladder: train, measure, go on."""
    parts = data(run)
    climb, found = ladder.restored(recorder)
    while climb.rung < len(run.widths):
        climb = _climb(run, parts, recorder, climb, found)
        found = None
        if recorder.due():
            state = {"climb": vars(climb), "training": None}
            recorder.checkpoint(climb.start - 1, {}, state)


def data(run: RecurrentRun) -> tuple[Dataset, Dataset, Dataset]:
    """Sequences for training, for the halving rule and for perturbed errors."""
    counts = (run.num_train, run.num_held_out, run.num_test)
    total = sum(counts)
    task = DecayingMemory(kernel=run.kernel, length=run.length, num_sequences=total)
    train, held_out, test = task.build(run.data_seed).split([n / total for n in counts], seed=None)
    return train, held_out, test


def model(run: RecurrentRun, width: int) -> Any:
    """Draw the network of that width, in float64."""
    import seq_torch

    mixer = seq_torch.ResidualRNNConfig(
        parameterisation=run.parameterisation,
        matrix=run.matrix,
        activation=run.activation,
        step=run.step,
        min_rate=run.min_rate,
    )
    inputs, output = seq_torch.LinearInput(channels=1), seq_torch.StepOutput(size=1)
    config = seq_torch.recurrent_stack(mixer, inputs, output, width=width)
    return config.build(run.seed).double()


def _climb(
    run: RecurrentRun,
    parts: tuple[Dataset, Dataset, Dataset],
    recorder: Recorder,
    climb: Climb,
    found: Any,
) -> Climb:
    """Train the network of one rung, and log what it is and how it bears perturbations."""
    import torch

    import seq_torch
    from experiments.fitting import fit_recorded

    train, held_out, test = parts
    width, network = run.widths[climb.rung], model(run, run.widths[climb.rung])
    share = (climb.rung, len(run.widths))
    rung: Any = ladder.Rung(recorder, climb, found, share, quantity="training", width=width)
    target = None if climb.error is None else climb.error / math.sqrt(2)
    training = replace(run.training, seed=run.seed, target=target)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    before = _memory(network.to(device), run.length)
    history = fit_recorded(
        seq_torch.fit, network, FitData(train, held_out), training, rung, device=device
    )
    error = float(history.evaluations[-1].metrics["rmse"])
    zero = float(np.sqrt(np.mean(held_out.targets**2)))
    step = climb.start + history.step + 1
    recorder.log(
        step,
        quantity="network",
        width=width,
        status=history.status,
        steps=history.step,
        error=(error / zero) ** 2,
        target=None if target is None else (target / zero) ** 2,
        rates=np.sort(_rates(network)),
        parameters=sum(p.numel() for p in network.parameters()),
        memory_before=before,
        memory=_memory(network, run.length),
    )
    for line in _perturbed(run, network, test):
        recorder.log(step, width=width, **line)
    tensors = {name: value.numpy(force=True) for name, value in network.state_dict().items()}
    recorder.save(f"width_{width}", tensors)
    return climb.above(history.step, error)


def _perturbed(run: RecurrentRun, network: Any, test: Dataset) -> Iterator[dict[str, Any]]:
    """Give one line for each reading."""
    for reading in run.readings:
        errors = perturbed_errors(network, test, reading, run.betas, run.late_weight)
        # Six digits: a draw is one of thirty, and a record holds thousands.
        rounded = [[float(f"{value:.6g}") for value in row] for row in errors]
        yield {
            "quantity": "perturbation",
            "reading": canonical(reading),
            "betas": run.betas,
            "errors": rounded,
        }


def _memory(network: Any, horizon: int) -> np.ndarray:
    """Memory function from the state of zero; a network with biases comes to no rest before."""
    from seq_torch import array_model
    from seqtheory.memory_theory import memory_function

    return memory_function(array_model(network), horizon, channels=1, directions=2, check=())


def _rates(network: Any) -> np.ndarray:
    """Share of itself that each mode of the linear recurrence loses in a step."""
    from seq_torch.mixers.residual_rnn import ResidualRNN

    (recurrence,) = (m for m in network.modules() if isinstance(m, ResidualRNN))
    return recurrence.config.transition.distance(recurrence.w.numpy(force=True))
