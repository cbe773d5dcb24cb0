"""Networks of the memory study: one ladder of them as a run, their data, and how they are built."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from experiments.data.random_filter import RandomFilter
from experiments.kept_model import Keep, no_model, require_keep
from experiments.memory.perturbation import PUBLISHED, RECURRENT, SHIFT
from experiments.memory.protocol import Protocol, TheoryStart, an_rnn, no_protocol, no_start
from experiments.memory.theory import BETAS, HEAVY, UP_TO
from experiments.run import Run
from seqtheory.checks import require_choice, require_fraction, require_integer, require_positive
from seqtheory.memory import Airy, Exponential, ExponentialSum, Polynomial, Shift, Sine, TwoParts
from seqtheory.memory_theory import CommonShift, SampledNoise
from seqtheory.reparameterisation import Best, Direct, Exp, Inverse, ReLU, Softplus
from seqtheory.tasks import DecayingMemory
from seqtheory.training import Training

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from seqtheory.dataset import Dataset

Activation = Literal["linear", "tanh", "hardtanh"]
Kernel = Exponential | Polynomial | ExponentialSum | Sine | Shift | TwoParts | Airy
Model = Literal["rnn", "ssm", "lru"]

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
        The memory; or a random network whose response to the inputs is to be learnt.
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
    enough
        Squared error, over that of predicting zero, at which each network is done. A memory that
        few modes hold exactly could not be halved again and again.
    betas, readings
        Perturbations.
    late_weight
        Power by which perturbed errors count late steps more; 2 in the published code.
    keep_model
        Whether the record holds each width's network as ``model_<width>``: false, true, or "best"
        for that of its best evaluation (see `experiments.kept_model`).
    model
        "rnn": the recurrence; "ssm": a linear one between two networks of this activation
        (`seq_torch.ResidualSSMConfig`); "lru": the diagonal one with the gain that the published
        code calls LRU.
    start
        Start each network from theory, train it for all its steps, and take its best evaluation.
    protocol
        Train and perturb as the published code does.
    """

    kernel: Kernel | RandomFilter = HEAVY
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
    enough: float = 1e-5
    betas: tuple[float, ...] = BETAS
    readings: tuple[CommonShift | SampledNoise, ...] = READINGS
    late_weight: float = 0.0
    keep_model: Keep = no_model
    model: Model = an_rnn
    start: TheoryStart | None = no_start
    protocol: Protocol | None = no_protocol

    def __post_init__(self) -> None:
        """Refuse what could not give a verdict, before any framework is imported."""
        super().__post_init__()
        require_keep(self.keep_model)
        if len(self.widths) < 2 or list(self.widths) != sorted(set(self.widths)):
            raise ValueError(f"widths={self.widths}: expected at least two, increasing")
        if self.widths[0] < 1:
            raise ValueError(f"widths={self.widths}: expected widths of 1 and more")
        for name in ("length", "num_train", "num_held_out", "num_test"):
            require_integer(name, getattr(self, name), minimum=1)
        require_fraction("min_rate", self.min_rate, one=True)
        for name in ("enough", "late_weight"):
            require_positive(name, getattr(self, name), zero_allowed=True)
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
        self._check_model()

    def _check_model(self) -> None:
        require_choice("model", self.model, ("rnn", "ssm", "lru"))
        if self.model == "lru" and self.matrix != "diagonal":
            raise ValueError(f"model='lru' with matrix={self.matrix!r}: expected 'diagonal'")
        if self.start is None:
            return
        if self.protocol is not None:
            raise ValueError("start and protocol: expected one of them, which says how to begin")
        self.start.check(self.widths)
        if self.step == "euler" and self.start.fastest >= 2:
            raise ValueError(
                f"start.fastest={self.start.fastest} with step='euler': expected below 2, from "
                "where on a mode grows"
            )

    @property
    def takes_best(self) -> bool:
        """Whether a network is that of its best evaluation, and not that of its last step."""
        return self.start is not None or self.protocol is not None


def data(run: RecurrentRun) -> tuple[Dataset, Dataset, Dataset]:
    """Sequences for training, for the halving rule and for perturbed errors."""
    counts = (run.num_train, run.num_held_out, run.num_test)
    total = sum(counts)
    if isinstance(run.kernel, RandomFilter):
        task: Any = replace(run.kernel, length=run.length, num_sequences=total)
    else:
        task = DecayingMemory(kernel=run.kernel, length=run.length, num_sequences=total)
    train, held_out, test = task.build(run.data_seed).split([n / total for n in counts], seed=None)
    return train, held_out, test


def model(run: RecurrentRun, width: int) -> Any:
    """Draw the network of that width, in float64."""
    import seq_torch

    published = run.protocol is not None
    mixer: Any = seq_torch.ResidualRNNConfig(
        parameterisation=run.parameterisation,
        matrix=run.matrix,
        activation="linear" if run.model == "ssm" else run.activation,
        step=run.step,
        min_rate=run.min_rate,
        initialisation="upstream" if published else "rates",
        upstream_gain=run.model == "lru",
    )
    if run.model == "ssm":
        between = "hardtanh" if run.activation == "hardtanh" else "tanh"
        mixer = seq_torch.ResidualSSMConfig(recurrence=mixer, activation=between)
    inputs, output = seq_torch.LinearInput(channels=1), seq_torch.StepOutput(size=1)
    config = seq_torch.recurrent_stack(mixer, inputs, output, width=width)
    return config.build(run.seed).double()


def recurrence_of(network: Any) -> Any:
    """Find the one residual recurrence of a network."""
    from seq_torch.mixers.residual_rnn import ResidualRNN

    (recurrence,) = (m for m in network.modules() if isinstance(m, ResidualRNN))
    return recurrence


def rates(network: Any) -> np.ndarray:
    """Share of itself that each mode of the linear recurrence loses in a step."""
    recurrence = recurrence_of(network)
    return recurrence.config.transition.distance(recurrence.w.numpy(force=True))


def fill(network: Any, tensors: Mapping[str, np.ndarray]) -> None:
    """Put the tensors of a record into a network of that width."""
    import torch

    network.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()})
