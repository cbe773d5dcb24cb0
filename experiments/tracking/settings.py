"""Tasks and settings of two cores, which both halves of the study share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from experiments.tracking.models import Model
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

AnyRun = TypeVar("AnyRun", bound=TrackingRun)

SEEDS = (0, 1, 2)
MORE_SEEDS = (0, 1, 2, 3, 4)

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
SHORT_WORDS = GroupWords("A5", 6, 50_000)

# Steps on tasks of few tokens, and on words of groups of order 60.
STEPS, WORD_STEPS = 1_000, 2_500
# Width, entries of the state (see `models.mixer`) and rate.
SETTINGS: dict[Model, tuple[int, int, float]] = {
    "s4d": (32, 16, 3e-3),
    "mamba": (32, 8, 3e-3),
    "mamba_signed": (32, 8, 3e-3),
    "complex_diagonal": (32, 32, 3e-3),
    "diagonal": (32, 64, 5e-3),
    "block_diagonal": (32, 64, 1e-2),
    "low_rank": (32, 32, 3e-3),
    "dense": (32, 32, 5e-3),
    "rnn": (64, 64, 1e-3),
    "pd_ssm": (32, 16, 3e-3),
    "pd_ssm_rows": (32, 16, 3e-3),
}
OTHERS = (32, 8, 3e-3)


def short(kind: type[AnyRun], task: Task, model: Model, seed: int) -> AnyRun:
    """Make the run of a task and a class that two cores can train."""
    width, state_dim, rate = SETTINGS.get(model, OTHERS)
    large = task.num_tokens > 16
    training = Training(
        loss="cross_entropy",
        learning_rate=rate,
        batch_size=64,
        auxiliary_batch_size=64,
        num_steps=WORD_STEPS if large else STEPS,
        schedule="cosine",
        warmup_steps=100,
        weight_decay=0.01,
        clip=1.0,
        evaluate_every=250,
    )
    return kind(
        task=task,
        model=model,
        seed=seed,
        width=max(width, 64) if large else width,
        state_dim=state_dim,
        pairs=isinstance(task, GroupWords),
        training=training,
    )


def shorts(
    kind: type[AnyRun],
    chosen: Mapping[Task, Sequence[Model]],
    seeds: Sequence[int] = SEEDS,
) -> list[AnyRun]:
    """Make those runs of models on tasks, from every seed."""
    return [
        short(kind, task, model, seed)
        for task, models in chosen.items()
        for model in models
        for seed in seeds
    ]


def smoke(kind: type[AnyRun], model: Model) -> AnyRun:
    """Make a run of seconds that decides nothing."""
    training = Training(
        loss="cross_entropy", learning_rate=1e-2, num_steps=6, evaluate_every=3, batch_size=16
    )
    return kind(
        task=Parity(min_length=2, max_length=6, num_sequences=400),
        model=model,
        width=8,
        state_dim=8,
        num_held_out=50,
        num_longer=20,
        training=training,
    )
