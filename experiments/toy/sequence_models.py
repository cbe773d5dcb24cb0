"""Trained S4, S5 and Mamba on signature labels: the torch half of Figure 1.

Every model reads a whole path and predicts one signature coefficient of it. Linear models, one
S4 or S5 layer or two without an activation between them, cannot do better than predicting zero;
an activation or a selective recurrence can.

Source: N. Muca Cirone et al., arXiv:2402.19047, Figure 1. `baseline="published"` is the code at
publication (mean over time, GELU, residuals), `baseline="2024-05"` the preprint's (last state, ReLU
before the linear map, no residual).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from experiments.guest import Guest, guest_mixer, in_place_of, no_guest, require_model
from experiments.kept_model import Keep, require_keep
from experiments.run import Run, of_preset
from seqtheory import metrics
from seqtheory.checks import require_choice, require_fraction, require_integer
from seqtheory.tasks import SignatureLabels
from seqtheory.training import FitData, Training

if TYPE_CHECKING:
    from experiments.recorder import Recorder

VERSION = 1
PRESETS = (
    *("smoke", "quick", "seeds", "published-step", "fixed-C"),
    *("preprint", "paper", "paper-preprint"),
)
DEFAULT_PRESET = "quick"

Model = Literal["s4", "s5", "mamba"]
Baseline = Literal["published", "2024-05"]
MODELS: tuple[Model, ...] = get_args(Model)
BASELINES: tuple[Baseline, ...] = get_args(Baseline)
SHAPES = ((1, False), (2, False), (2, True))
"""Depth, and whether there is an activation."""
# A state of Mamba costs a scan over time; those of S4 (a convolution) and of S5 (shared by all
# channels) cost little.
QUICK_STATES: dict[Model, int] = {"s4": 64, "s5": 64, "mamba": 16}


@dataclass(frozen=True, kw_only=True)
class SequenceModelRun(Run):
    """One model trained on one data set.

    Parameters
    ----------
    task, data_seed
        The paths and their labels.
    model, depth, nonlinear
        The mixer, the number of layers, and whether an activation stands in each.
    baseline
        Which published arrangement of the layers.
    width, state_dim
        Channels, and state per channel (of S5, in all).
    input_dependent_C
        Of Mamba; the preprint also has a fixed one.
    published_step
        Whether S4 takes the published double softplus, with steps near 0.7 whatever was asked.
    training
        Rate, steps, batch; its seed is the run's.
    keep_model
        Whether the record holds the trained model: false, true, or "best" for that of its best
        evaluation (see `experiments.kept_model`).
    guest
        A mixer of one's own, where `model` is "guest" (see `experiments.guest`).
    """

    task: SignatureLabels = field(default_factory=SignatureLabels)
    data_seed: int = 1234
    model: Model | Literal["guest"] = "s4"
    depth: int = 1
    nonlinear: bool = False
    baseline: Baseline = "published"
    width: int = 64
    state_dim: int = 64
    input_dependent_C: bool = True
    published_step: bool = False
    training: Training = field(default_factory=Training)
    keep_model: Keep = False
    guest: Guest | None = no_guest

    def __post_init__(self) -> None:
        """Refuse what could not give a result, before any framework is imported."""
        super().__post_init__()
        require_keep(self.keep_model)
        require_model(self.model, self.guest, MODELS)
        require_choice("baseline", self.baseline, BASELINES)
        for name in ("depth", "width", "state_dim"):
            require_integer(name, getattr(self, name), minimum=1)
        require_fraction("task.train_fraction", self.task.train_fraction)  # some are held out
        require_choice("training.loss", self.training.loss, ("squared_error",))


def runs(preset: str) -> list[SequenceModelRun]:
    """List the runs of a preset."""
    ladder = {
        "smoke": _smoke,
        "quick": lambda: _quick("published"),
        "seeds": lambda: _quick("published", seeds=3),
        "published-step": lambda: _of("s4", published_step=True),
        "fixed-C": lambda: _of("mamba", input_dependent_C=False),
        "preprint": lambda: _quick("2024-05"),
        "paper": lambda: _paper("published"),
        "paper-preprint": lambda: _paper("2024-05"),
    }
    return of_preset(preset, ladder)


def bench(mixer: Guest, preset: str) -> list[SequenceModelRun]:
    """Give the runs of a preset with a guest in place of Mamba, or of the first model."""
    return in_place_of("mamba", runs(preset), mixer)


def _smoke() -> list[SequenceModelRun]:
    training = Training(learning_rate=1e-3, num_steps=20, evaluate_every=10)
    return _cells(1, 200, dict.fromkeys(MODELS, 4), length=20, width=8, training=training)


def _quick(baseline: Baseline, seeds: int = 1) -> list[SequenceModelRun]:
    training = Training(learning_rate=1e-3, num_steps=4_000, evaluate_every=200, schedule="cosine")
    return _cells(seeds, 12_500, QUICK_STATES, training=training, baseline=baseline)


def _of(model: Model, **settings: bool) -> list[SequenceModelRun]:
    """Make the runs of one model on three seeds, with another setting of it."""
    runs = _quick("published", seeds=3)
    return [replace(run, **settings) for run in runs if run.model == model]


def _paper(baseline: Baseline) -> list[SequenceModelRun]:
    training = Training(learning_rate=1e-4, num_steps=1_000_000, evaluate_every=10_000)
    states = dict.fromkeys(MODELS, 256)
    return _cells(5, 100_000, states, width=256, training=training, baseline=baseline)


def _cells(
    seeds: int, num_paths: int, states: dict[Model, int], length: int = 100, **settings: Any
) -> list[SequenceModelRun]:
    return [
        SequenceModelRun(
            task=SignatureLabels(
                channels=channels, num_paths=num_paths, length=length, dtype="float32"
            ),
            model=model,
            depth=depth,
            nonlinear=nonlinear,
            seed=seed,
            state_dim=states[model],
            **settings,
        )
        for channels in (2, 3)
        for model in MODELS
        for depth, nonlinear in SHAPES
        for seed in range(seeds)
    ]


def execute(run: SequenceModelRun, recorder: Recorder) -> None:
    """Train the model; its held-out error at every evaluation is the result."""
    import torch

    import seq_torch
    from experiments.fitting import fit_recorded

    data = run.task.build(run.data_seed)
    train, held_out = data.split((run.task.train_fraction, 1 - run.task.train_fraction), seed=None)
    model = _config(run).build(run.seed)
    recorder.note(
        num_train=len(train),
        num_held_out=len(held_out),
        predict_zero=float(metrics.rmse(np.zeros(len(held_out)), held_out.targets)),
        parameters=sum(p.numel() for p in model.parameters()),
    )
    training = replace(run.training, seed=run.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    recorder.note(device=device)
    split = FitData(train, held_out)
    keep = run.keep_model
    fit_recorded(seq_torch.fit, model, split, training, recorder, keep_model=keep, device=device)


def _config(run: SequenceModelRun) -> Any:
    import seq_torch

    published = run.baseline == "published"
    nonlinearity = "gelu" if published else "relu"
    return seq_torch.SequenceModelConfig(
        mixer=_mixer(run),
        input=seq_torch.LinearInput(channels=run.task.channels),
        output=seq_torch.MeanOutput(size=1) if published else seq_torch.LastOutput(size=1),
        width=run.width,
        depth=run.depth,
        activation=nonlinearity if run.nonlinear else "none",
        residual=published,
        norm="none",
        order=run.baseline,
    )


def _mixer(run: SequenceModelRun) -> Any:
    from seq_torch import mixers

    match run.model:
        case "s4":
            return mixers.S4Config(state_dim=run.state_dim, published_step=run.published_step)
        case "s5":
            return mixers.S5Config(state_dim=run.state_dim)
        case "guest":
            return guest_mixer(mixers, run.guest)
        case "mamba":
            return mixers.MambaConfig(
                block=False, state_dim=run.state_dim, input_dependent_C=run.input_dependent_C
            )
