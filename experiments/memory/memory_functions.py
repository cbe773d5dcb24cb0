r"""Memory functions of sequence models, as they are drawn and as training leaves them.

.. math:: M[k] = \max_x |y_k - y_{k-1}| / |x|, \qquad x_0 = x_1 = \dots = x,

measured on models with one mixer between two affine maps. Those that are trained learn a linear
functional with a given memory. For the linear diagonal recurrence theory bounds M by an
exponential, whatever was learnt:

.. math:: M(t) \le (d + 1)\, \theta_{\max}^2\, e^{-\beta t} .

Source: S. Wang, Z. Li and Q. Li, arXiv:2305.19190, definition 3.1 (measured there on RNN, GRU and
LSTM); S. Wang and Q. Li, arXiv:2311.14495, theorem 3.3, the bound.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from experiments.guest import Guest, guest_mixer, in_place_of, no_guest, require_model
from experiments.kept_model import Keep, no_model, require_keep
from experiments.memory.theory import HEAVY
from experiments.run import Run, of_preset
from seqtheory.checks import require_choice, require_integer, require_positive
from seqtheory.memory import Exponential, Polynomial
from seqtheory.tasks import DecayingMemory
from seqtheory.training import FitData, Training

if TYPE_CHECKING:
    from experiments.recorder import Recorder

VERSION = 1
PRESETS = ("smoke", "quick", "paper")
DEFAULT_PRESET = "quick"

Model = Literal["diagonal", "rnn", "gru", "lstm", "s4d", "mamba", "transformer"]
MODELS: tuple[Model, ...] = get_args(Model)


@dataclass(frozen=True, kw_only=True)
class MemoryFunctionRun(Run):
    """One model, before and after it learns one memory.

    Parameters
    ----------
    model
        The mixer; "diagonal" is a linear recurrence with exponential weights.
    kernel
        The memory to learn.
    width, state_dim
        Channels; state per channel of S4D and Mamba.
    length, num_train, num_held_out, data_seed
        Steps of a sequence, how many sequences, and what they are drawn from.
    horizon
        Steps over which memory is measured; more than `length` asks what lies beyond training.
    amplitude
        Size of the input with which memory is measured; it matters for nonlinear models.
    training
        Its seed is the run's.
    guest
        A mixer of one's own, where `model` is "guest" (see `experiments.guest`).
    keep_model
        Whether the record holds the trained model: false, true, or "best" for that of its best
        evaluation (see `experiments.kept_model`).
    """

    model: Model | Literal["guest"] = "diagonal"
    kernel: Exponential | Polynomial = HEAVY
    width: int = 16
    state_dim: int = 16
    length: int = 100
    num_train: int = 12_800
    num_held_out: int = 512
    data_seed: int = 0
    horizon: int = 200
    amplitude: float = 1.0
    training: Training = field(default_factory=Training)
    guest: Guest | None = no_guest
    keep_model: Keep = no_model

    def __post_init__(self) -> None:
        """Refuse what could not be built or measured."""
        super().__post_init__()
        require_keep(self.keep_model)
        require_model(self.model, self.guest, MODELS)
        for name in ("width", "state_dim", "length", "num_train", "num_held_out", "horizon"):
            require_integer(name, getattr(self, name), minimum=1)
        if self.width % 4 or self.state_dim % 2:
            raise ValueError(
                f"width={self.width}, state_dim={self.state_dim}: expected multiples of 4, for the "
                "heads of the transformer, and of 2, for conjugate pairs"
            )
        require_positive("amplitude", self.amplitude)
        require_choice("training.loss", self.training.loss, ("squared_error",))


def runs(preset: str) -> list[MemoryFunctionRun]:
    """List the runs of a preset: every model, from one seed or several."""
    training = Training(
        learning_rate=3e-3,
        schedule="cosine",
        warmup_steps=100,
        batch_size=32,
        num_steps=1500,
        clip=1.0,
        evaluate_every=250,
    )
    short = replace(training, num_steps=4, evaluate_every=2, warmup_steps=0)
    long = replace(training, num_steps=50_000, batch_size=128)
    small: dict[str, Any] = {"length": 20, "num_train": 64, "num_held_out": 8, "horizon": 20}
    ladder = {
        "smoke": lambda: _every_model(1, training=short, **small),
        "quick": lambda: _every_model(2, training=training),
        "paper": lambda: _every_model(3, training=long, width=64),
    }
    return of_preset(preset, ladder)


def _every_model(seeds: int, **settings: Any) -> list[MemoryFunctionRun]:
    return [
        MemoryFunctionRun(model=model, seed=seed, **settings)
        for seed in range(seeds)
        for model in MODELS
    ]


def bench(mixer: Guest, preset: str) -> list[MemoryFunctionRun]:
    """Give the runs of a preset with a guest in place of Mamba."""
    return in_place_of("mamba", runs(preset), mixer)


def execute(run: MemoryFunctionRun, recorder: Recorder) -> None:
    """Train, and note the memory of the model before and after."""
    import torch

    import seq_torch
    from experiments.fitting import fit_recorded

    total = run.num_train + run.num_held_out
    shares = (run.num_train / total, run.num_held_out / total)
    task = DecayingMemory(kernel=run.kernel, length=run.length, num_sequences=total)
    train, held_out = task.build(run.data_seed).split(shares, seed=None)
    model = _config(run).build(run.seed).double()
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    recorder.note(
        parameters=sum(p.numel() for p in model.parameters()),
        predict_zero=float(np.sqrt(np.mean(held_out.targets**2))),
        random=_measured(run, model),
    )
    training = replace(run.training, seed=run.seed)
    split = FitData(train, held_out)
    fit_recorded(seq_torch.fit, model, split, training, recorder, keep_model=run.keep_model)
    recorder.note(trained=_measured(run, model))


def _config(run: MemoryFunctionRun) -> Any:
    import seq_torch

    inputs, output = seq_torch.LinearInput(channels=1), seq_torch.StepOutput(size=1)
    return seq_torch.recurrent_stack(_mixer(run), inputs, output, width=run.width)


def _mixer(run: MemoryFunctionRun) -> Any:
    from seq_torch import mixers

    match run.model:
        case "diagonal":
            return mixers.ResidualRNNConfig(matrix="diagonal", activation="linear")
        case "rnn":
            return mixers.RNNConfig()
        case "gru":
            return mixers.GRUConfig()
        case "lstm":
            return mixers.LSTMConfig()
        case "s4d":
            return mixers.S4DConfig(state_dim=run.state_dim)
        case "mamba":
            return mixers.MambaConfig(block=False, state_dim=run.state_dim)
        case "guest":
            return guest_mixer(mixers, run.guest)
        case "transformer":
            return mixers.TransformerConfig(heads=4, feed_forward=4 * run.width)


def _measured(run: MemoryFunctionRun, model: Any) -> dict[str, Any]:
    """Memory at some ages, from the state of zero, and the bound where there is one."""
    import seq_torch
    from seqtheory.memory_theory import memory_function

    model.eval()
    whole = memory_function(
        seq_torch.array_model(model),
        run.horizon,
        channels=1,
        directions=2,
        amplitude=run.amplitude,
        check=(),
    )
    ages = np.unique(np.round(np.geomspace(1, run.horizon, 60))).astype(int) - 1
    bound = _envelope(model, ages) if run.model == "diagonal" else None
    return {"ages": ages, "memory": whole[ages], "envelope": bound}


def _envelope(model: Any, ages: np.ndarray) -> np.ndarray:
    """Bound of theory for a linear diagonal recurrence, from its own weights."""
    from experiments.memory.networks import rates
    from seqtheory.memory_theory import memory_envelope

    maps = (*model.embedding.parameters(), model.readout.weight)
    norms = [float(np.linalg.norm(p.numpy(force=True))) for p in maps]
    slowest = float((-np.log1p(-rates(model))).min())
    return memory_envelope(ages, rate=slowest, channels=1, largest_norm=max(norms))
