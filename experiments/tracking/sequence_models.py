r"""State tracking in torch: each transition class on each task, and then at eight times the length.

A model is one block, mixer, linear map with GLU, residual and LayerNorm, between tokens and a
readout at every position. Linear CDEs have unit vectors for tokens, so that every token has a
matrix of its own; the other mixers have a trained embedding.

Preset `quick` holds the cells that decide the study's claims; `prediction` every task with every
class, so that what theory calls possible or impossible (`seqtheory.expressivity`) stands beside
what training finds; its runs include those of `quick`. `paper` has the lengths of the published
experiments.

Source: R. Grazzi et al., arXiv:2411.12537, section 5 (eigenvalue range); B. Walker et al.,
arXiv:2505.17761, section 6 (structured linear CDEs).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from experiments.tracking import tracking_run
from experiments.tracking.models import MODELS, STRUCTURED, Model, mixer
from experiments.tracking.tasks import Task
from experiments.tracking.tracking_run import TrackingRun
from seqtheory.tasks import (
    CycleNavigation,
    EvenPairs,
    FiniteAutomaton,
    GroupWords,
    ModularCounting,
    Parity,
)
from seqtheory.training import Training

if TYPE_CHECKING:
    import numpy as np

    from experiments.recorder import Recorder

VERSION = 2
PRESETS = ("smoke", "quick", "prediction", "paper")
DEFAULT_PRESET = "quick"

SEEDS = (0, 1, 2)


@dataclass(frozen=True, kw_only=True)
class SequenceModelRun(TrackingRun):
    """One model of a transition class.

    Parameters
    ----------
    model
        The class; see `experiments.tracking.models`.
    """

    model: Model = "mamba_signed"

    def __post_init__(self) -> None:
        """Refuse what could not be built."""
        super().__post_init__()
        if self.model not in MODELS:
            raise ValueError(f"model={self.model!r}: expected one of {', '.join(MODELS)}")
        if self.model in STRUCTURED and self.width < self.task.num_tokens:
            raise ValueError(
                f"width={self.width} with model={self.model!r}: expected at least "
                f"{self.task.num_tokens}, a unit vector for each token"
            )


_REGULAR: dict[str, Any] = {"min_length": 3, "max_length": 20, "num_sequences": 50_000}
TASKS: dict[str, Task] = {
    "parity": Parity(**_REGULAR),
    "even_pairs": EvenPairs(**_REGULAR),
    "flip_flop": FiniteAutomaton(**_REGULAR),
    "counting": ModularCounting(modulus=3, **_REGULAR),
    "cycle": CycleNavigation(cycle=5, **_REGULAR),
    "S3": GroupWords("S3", 12, 50_000),
    "Z60": GroupWords("Z60", 12, 50_000),
    "A5": GroupWords("A5", 12, 50_000),
}
"""Tasks of two cores, at the lengths that are trained on."""

PARITY: tuple[Model, ...] = ("mamba", "mamba_signed", "delta_net", "delta_net_signed")
COUNTING: tuple[Model, ...] = (
    "mamba", "mamba_signed", "complex_diagonal", "delta_net_signed", "delta_product"
)  # fmt: skip
DIAGONALS: tuple[Model, ...] = ("mamba", "mamba_signed", "complex_diagonal")
SHORT_WORDS = GroupWords("A5", 6, 50_000)


def runs(preset: str) -> list[SequenceModelRun]:
    """List the runs of a preset."""
    if preset == "smoke":
        return _smoke()
    if preset == "quick":
        return _quick()
    if preset == "prediction":
        return [
            _run(task, model, seed) for task in TASKS.values() for model in MODELS for seed in SEEDS
        ]
    if preset == "paper":
        return _paper()
    raise ValueError(f"preset {preset!r}: expected one of {', '.join(PRESETS)}")


def _quick() -> list[SequenceModelRun]:
    chosen: list[tuple[Task, tuple[Model, ...]]] = [
        (TASKS["parity"], PARITY),
        (TASKS["counting"], COUNTING),
        (TASKS["flip_flop"], ("mamba",)),  # which Mamba can learn, so that its failures count
        (TASKS["A5"], (*STRUCTURED, *DIAGONALS, "rnn")),
        (SHORT_WORDS, DIAGONALS),
        (TASKS["Z60"], ("complex_diagonal",)),
    ]
    return [
        _run(task, model, seed) for task, models in chosen for model in models for seed in SEEDS
    ]


def _run(task: Task, model: Model, seed: int, steps: int | None = None) -> SequenceModelRun:
    width, state_dim, rate = SETTINGS.get(model, OTHERS)
    words = isinstance(task, GroupWords)
    large = task.num_tokens > 16
    training = Training(
        loss="cross_entropy",
        learning_rate=rate,
        batch_size=64,
        auxiliary_batch_size=64,
        num_steps=steps or (WORD_STEPS if large else STEPS),
        schedule="cosine",
        warmup_steps=100,
        weight_decay=0.01,
        clip=1.0,
        evaluate_every=250,
    )
    return SequenceModelRun(
        task=task,
        model=model,
        seed=seed,
        width=max(width, 64) if large else width,
        state_dim=state_dim,
        pairs=words,
        training=training,
    )


# Steps on tasks of few tokens, and on words of groups of order 60.
STEPS, WORD_STEPS = 1_000, 2_500
# Width, entries of the state (see `mixer`) and rate.
SETTINGS: dict[Model, tuple[int, int, float]] = {
    "s4d": (32, 16, 3e-3),
    "mamba": (32, 8, 3e-3),
    "mamba_signed": (32, 8, 3e-3),
    "complex_diagonal": (32, 32, 3e-3),
    "block_diagonal": (32, 64, 1e-2),
    "low_rank": (32, 32, 3e-3),
    "dense": (32, 32, 5e-3),
    "rnn": (64, 64, 1e-3),
}
OTHERS = (32, 8, 3e-3)
STATES: dict[Model, int] = dict.fromkeys((*STRUCTURED, "complex_diagonal"), 128)
"""Entries of the state where `paper` has not 16."""


def _smoke() -> list[SequenceModelRun]:
    task = Parity(min_length=2, max_length=6, num_sequences=400)
    training = Training(
        loss="cross_entropy", learning_rate=1e-2, num_steps=6, evaluate_every=3, batch_size=16
    )
    return [
        SequenceModelRun(
            task=task,
            model=model,
            width=8,
            state_dim=8,
            num_held_out=50,
            num_longer=20,
            training=training,
        )
        for model in MODELS
    ]


def _paper() -> list[SequenceModelRun]:
    """List two layers at the published lengths, 3 to 40, and numbers of steps; for a GPU."""
    lengths = {"min_length": 3, "max_length": 40, "num_sequences": 1_000_000}
    training = Training(
        loss="cross_entropy",
        learning_rate=1e-3,
        batch_size=256,
        num_steps=100_000,
        schedule="cosine",
        warmup_steps=1_000,
        weight_decay=0.01,
        clip=1.0,
        evaluate_every=5_000,
    )
    found: list[Task] = [
        GroupWords(task.group, 40) if isinstance(task, GroupWords) else replace(task, **lengths)
        for task in TASKS.values()
    ]
    return [
        SequenceModelRun(
            task=task,
            model=model,
            seed=seed,
            depth=2,
            width=128,
            state_dim=STATES.get(model, 16),
            pairs=isinstance(task, GroupWords),
            training=training,
        )
        for task in found
        for model in MODELS
        for seed in SEEDS
    ]


def execute(run: SequenceModelRun, recorder: Recorder) -> None:
    """Train the model, then test it at every length."""
    import torch

    import seq_torch
    from experiments.fitting import fit_recorded

    data = tracking_run.fit_data(run)
    model = seq_torch.SequenceModelConfig(
        mixer=mixer(run.model, run.state_dim),
        input=seq_torch.TokenInput(vocabulary=run.task.num_tokens, one_hot=run.model in STRUCTURED),
        output=seq_torch.StepOutput(size=run.task.num_classes),
        width=run.width,
        depth=run.depth,
    ).build(run.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    recorder.note(device=device, parameters=sum(p.numel() for p in model.parameters()))
    fit_recorded(seq_torch.fit, model, data, run.seeded_training, recorder, device=device)
    tracking_run.note_longer(
        run, recorder, lambda data: seq_torch.evaluate(model, data, run.training)
    )
    tracking_run.note_prediction(run, recorder, lambda tokens: _scores(model, tokens, device))
    if run.keep_model:
        recorder.save("model", {k: v.numpy(force=True) for k, v in model.state_dict().items()})


def _scores(model: Any, tokens: np.ndarray, device: str) -> np.ndarray:
    import torch

    model.eval()
    with torch.no_grad():
        parts = [model(part.to(device)) for part in torch.tensor(tokens).split(100)]
    return torch.cat(parts).double().numpy(force=True)
