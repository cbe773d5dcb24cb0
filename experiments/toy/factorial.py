r"""The factorial of Figure 1, trained: what decides whether one layer of the bare S6 is enough.

The design crosses what a model is fed (values, increments, both), what is read out (last position,
mean), whether C follows the input, and one layer or two, as `toy.representable` does for weights
set by hand. Layers are :math:`x + W\,\mathrm{S6}(x)`, without activation and norm. Every step of
training draws fresh paths, so no model can overfit, and all models are measured on the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from experiments.kept_model import Keep, require_keep
from experiments.run import Run, of_preset
from experiments.toy.fed import FED, Fed, FedPaths, walks
from experiments.toy.growing import GrowingPaths
from seqtheory import metrics
from seqtheory.checks import require_choice, require_flag, require_integer
from seqtheory.tasks import SignatureLabels
from seqtheory.training import FitData, Training

if TYPE_CHECKING:
    from experiments.recorder import Recorder

VERSION = 1
PRESETS = ("smoke", "quick", "long", "area")
DEFAULT_PRESET = "quick"

Readout = Literal["last", "mean"]
READOUTS: tuple[Readout, ...] = ("last", "mean")
HELD_OUT = 4_000
SEEDS = 3
DECISIVE: tuple[tuple[Fed, Readout, bool], ...] = (
    ("increments", "last", False),
    ("increments", "last", True),
    ("both", "last", False),
    ("both", "mean", True),
    ("values", "mean", True),
)
"""Ways that `long` trains on longer paths: floors of theory, known exactly, as published."""


@dataclass(frozen=True, kw_only=True)
class FactorialRun(Run):
    """One cell of the design, trained from one seed.

    Parameters
    ----------
    seed
        Of the weights and of the paths that are trained on.
    task
        The held-out paths and their integral; the paths that are trained on are drawn alike.
    data_seed
        Of the held-out paths.
    fed
        The paths' values, their increments (0 at the first position), or both; of unit variance.
    readout
        Of the last position, or of the mean over positions.
    input_dependent_C
        Whether C follows the input. Otherwise it is one trained vector.
    depth, width, state_dim
        Layers, channels, and states per channel.
    training
        Rate, steps, batch; its seed is the run's.
    grow_over
        Steps of training over which walks grow from two steps to all (`toy.growing`); 0 for none.
    keep_model
        Whether the record holds the trained model (see `experiments.kept_model`).
    """

    task: SignatureLabels = field(default_factory=lambda: walks(3, 20, HELD_OUT))
    data_seed: int = 1234
    fed: Fed = "both"
    readout: Readout = "mean"
    input_dependent_C: bool = True
    depth: int = 1
    width: int = 32
    state_dim: int = 16
    training: Training = field(default_factory=Training)
    grow_over: int = 0
    keep_model: Keep = False

    def __post_init__(self) -> None:
        """Refuse what could not give a result, before any framework is imported."""
        super().__post_init__()
        require_keep(self.keep_model)
        require_integer("task.channels", self.task.channels, 2, 3)
        FedPaths(self.task, self.fed)
        require_integer("data_seed", self.data_seed, minimum=0)
        require_choice("readout", self.readout, READOUTS)
        require_flag("input_dependent_C", self.input_dependent_C)
        for name in ("depth", "width", "state_dim"):
            require_integer(name, getattr(self, name), minimum=1)
        require_integer("grow_over", self.grow_over, 0, self.training.num_steps)
        require_choice("training.loss", self.training.loss, ("squared_error",))


def runs(preset: str) -> list[FactorialRun]:
    """List the runs of a preset."""
    design = tuple(product(FED, READOUTS, (False, True)))
    few = Training(num_steps=20, evaluate_every=10)
    ladder = {
        "smoke": lambda: _cells(DECISIVE[1::2], walks(3, 6, 50), 1, few, width=8, state_dim=4),
        "quick": lambda: _cells(design, walks(3, 20, HELD_OUT), SEEDS, _recipe(20_000)),
        "long": lambda: _cells(DECISIVE, walks(3, 100, HELD_OUT), SEEDS, _recipe(8_000)),
        "area": lambda: _cells(design, walks(2, 20, HELD_OUT), SEEDS, _recipe(4_000)),
    }
    return of_preset(preset, ladder)


def _recipe(num_steps: int) -> Training:
    return Training(
        learning_rate=1e-2,
        schedule="cosine",
        warmup_steps=num_steps // 20,
        batch_size=64,
        num_steps=num_steps,
        clip=1.0,
        evaluate_every=num_steps // 20,
    )


def _cells(
    design: tuple[tuple[Fed, Readout, bool], ...],
    task: SignatureLabels,
    seeds: int,
    training: Training,
    **sizes: Any,
) -> list[FactorialRun]:
    return [
        FactorialRun(
            task=task,
            fed=fed,
            readout=readout,
            input_dependent_C=follows,
            depth=depth,
            seed=seed,
            training=training,
            grow_over=training.num_steps * 3 // 5,
            **sizes,
        )
        for fed, readout, follows in design
        for depth in (1, 2)
        for seed in range(seeds)
    ]


def execute(run: FactorialRun, recorder: Recorder) -> None:
    """Train the model; its held-out error at every evaluation is the result."""
    import torch

    import seq_torch
    from experiments.fitting import fit_recorded

    paths = FedPaths(run.task, run.fed)
    held_out = paths.build(run.data_seed)
    model = model_config(run).build(run.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    recorder.note(
        num_held_out=len(held_out),
        predict_zero=float(metrics.rmse(np.zeros(len(held_out)), held_out.targets)),
        parameters=sum(p.numel() for p in model.parameters()),
        device=device,
    )
    training = replace(run.training, seed=run.seed)
    split = FitData(GrowingPaths(paths, run.grow_over), held_out)
    keep = run.keep_model
    fit_recorded(seq_torch.fit, model, split, training, recorder, keep_model=keep, device=device)


def model_config(run: FactorialRun) -> Any:
    """Give the settings of a run's model."""
    import seq_torch
    from seq_torch import mixers

    mean = run.readout == "mean"
    features = run.task.channels * (2 if run.fed == "both" else 1)
    return seq_torch.SequenceModelConfig(
        mixer=mixers.MambaConfig(
            block=False, state_dim=run.state_dim, input_dependent_C=run.input_dependent_C
        ),
        input=seq_torch.LinearInput(channels=features),
        output=seq_torch.MeanOutput(size=1) if mean else seq_torch.LastOutput(size=1),
        width=run.width,
        depth=run.depth,
        activation="none",
        norm="none",
    )
