"""Settings of the runs, by task: short ones for two cores, and the published ones.

`FIRST` is the first published code of S4 in torch, arXiv:2111.00396; `LATER` the settings of A. Gu
et al., arXiv:2206.12037, appendix, bidirectional; `ANNOTATED` the published code in JAX. The
replication's question needs every norm in every place, so `FIRST` is the grid's budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from experiments.data import CIFAR10
from experiments.lra.tasks import (
    DRAWN_IMAGES,
    DRAWN_REVIEWS,
    IMAGES,
    LIST_OPS,
    REVIEWS,
    SHORT_LIST_OPS,
    SHORT_REVIEWS,
    SMALL_IMAGES,
    Task,
)
from experiments.lra.training_run import AnyRun, LongRangeRun, Model, Norm, Position, grid
from seqtheory.tasks import ListOps
from seqtheory.training import Training

SEEDS = (0, 1, 2, 3, 4)
STATE_RATE = 1e-3
"""Learning rate of the recurrence's own parameters, in all published codes and here."""
RATE = 1e-2
"""Learning rate of the grid."""
RATES = (3e-3, RATE, 3e-2)
"""Learning rates that the preset `rates` compares."""
STEPS = (500, 2_000, 8_000)
"""Numbers of steps that the preset `steps` compares."""
PEER_RATES: dict[Model, float] = {"mamba": 3e-3, "transformer": 1e-3}
"""Learning rates of models that do not bear S4's."""


class Short(NamedTuple):
    """A task that two cores can train on: what, for how many steps of how many rows."""

    task: Task
    num_steps: int
    batch_size: int
    evaluate_every: int


class Published(NamedTuple):
    """Published settings of a task; `rows` are those that are trained on."""

    task: Task
    rows: int
    epochs: int
    batch_size: int
    rate: float
    decay: float
    depth: int
    width: int
    state_dim: int
    norm: Norm
    position: Position
    dropout: float = 0.0


# Steps that take about as long as each other. Batches of ListOps divide its 20,000 rows: the
# frameworks treat a short last batch differently.
SHORT = {
    "list_ops": Short(SHORT_LIST_OPS, 2_000, 50, 200),
    "images": Short(SMALL_IMAGES, 1_000, 32, 100),
    "reviews": Short(SHORT_REVIEWS, 600, 32, 100),
}
DRAWN = {
    "drawn-images": SHORT["images"]._replace(task=DRAWN_IMAGES),
    "drawn-reviews": SHORT["reviews"]._replace(task=DRAWN_REVIEWS),
}
"""What stands in for images and reviews where there are none, with their steps."""
TASK_PRESETS = ("images", "reviews", *DRAWN)
"""Presets with the grid of one task."""
FIRST = {
    "list_ops": Published(LIST_OPS, 96_000, 50, 50, 0.01, 0.01, 6, 128, 64, "batch", "post"),
    "images": Published(IMAGES, 45_000, 100, 50, 0.004, 0.01, 6, 512, 64, "batch", "post", 0.2),
    "reviews": Published(REVIEWS, 22_500, 40, 50, 0.01, 0.01, 4, 128, 64, "batch", "pre"),
}
LATER = {
    "list_ops": Published(LIST_OPS, 96_000, 40, 32, 0.01, 0.05, 8, 256, 4, "batch", "post"),
    "images": Published(IMAGES, 45_000, 200, 50, 0.01, 0.05, 6, 512, 64, "layer", "post", 0.1),
    "reviews": Published(
        replace(REVIEWS, max_bytes=4096), 22_500, 32, 16, 0.01, 0.05, 6, 256, 4, "batch", "pre"
    ),
}
ANNOTATED = {
    "list_ops": Published(LIST_OPS, 96_000, 50, 50, 0.01, 0.01, 4, 64, 64, "layer", "pre", 0.2),
    "images": Published(CIFAR10(), 45_000, 100, 100, 0.01, 0.01, 4, 128, 64, "layer", "pre", 0.2),
}


def smoke(kind: type[AnyRun]) -> AnyRun:
    """Make a run of seconds that decides nothing; its data are drawn, so that it needs no file."""
    return kind(
        task=replace(SHORT_LIST_OPS, task=ListOps(min_length=3, max_length=24, num_examples=400)),
        depth=2,
        width=8,
        state_dim=4,
        training=_training(6, 8, rate=1e-2, decay=0.01, evaluate_every=2),
    )


def short(kind: type[AnyRun], name: str) -> AnyRun:
    """Make the run of a task that two cores can train."""
    task, num_steps, batch_size, evaluate_every = {**SHORT, **DRAWN}[name]
    return kind(
        task=task,
        depth=3,
        width=32,
        state_dim=16,
        feed_forward=64,
        training=_training(
            num_steps, batch_size, rate=RATE, decay=0.01, evaluate_every=evaluate_every
        ),
    )


def task_grid(kind: type[AnyRun], name: str) -> list[AnyRun]:
    """List S4 with every norm in every place on a task of `SHORT` or `DRAWN`, for all seeds."""
    return grid(short(kind, name), SEEDS)


def rates(kind: type[AnyRun]) -> list[AnyRun]:
    """List the grid on ListOps at every rate, seed after seed."""
    run = short(kind, "list_ops")
    trainings = [replace(run.training, learning_rate=rate) for rate in RATES]
    return _repeated([replace(run, training=training) for training in trainings])


def steps(kind: type[AnyRun]) -> list[AnyRun]:
    """List the grid on ListOps with fewer and more steps, each evaluated as many times."""
    run = short(kind, "list_ops")
    _, usual, batch_size, every = SHORT["list_ops"]
    trainings = [
        _training(n, batch_size, rate=RATE, decay=0.01, evaluate_every=every * n // usual)
        for n in STEPS
    ]
    return _repeated([replace(run, training=training) for training in trainings])


def _repeated(runs: Sequence[AnyRun]) -> list[AnyRun]:
    return [run for seed in SEEDS for one in runs for run in grid(one, (seed,))]


def published(kind: type[AnyRun], settings: Published, *, bidirectional: bool = False) -> AnyRun:
    """Make the run of published settings, evaluated after every epoch."""
    per_epoch = -(-settings.rows // settings.batch_size)
    return kind(
        task=settings.task,
        norm=settings.norm,
        position=settings.position,
        depth=settings.depth,
        width=settings.width,
        state_dim=settings.state_dim,
        feed_forward=2 * settings.width,
        dropout=settings.dropout,
        bidirectional=bidirectional,
        training=_training(
            settings.epochs * per_epoch,
            settings.batch_size,
            rate=settings.rate,
            decay=settings.decay,
            evaluate_every=per_epoch,
        ),
    )


def peer(run: LongRangeRun, model: Model) -> LongRangeRun:
    """Another model on the budget of a run: its layers, width, steps and batches."""
    rate = PEER_RATES.get(model, run.training.learning_rate)
    state_dim = {"s5": run.width, "lru": run.width, "mamba": 16}.get(model, run.state_dim)
    training = replace(run.training, learning_rate=rate)
    return replace(run, model=model, state_dim=state_dim, training=training)


def _training(
    num_steps: int, batch_size: int, *, rate: float, decay: float, evaluate_every: int
) -> Training:
    return Training(
        loss="cross_entropy",
        learning_rate=rate,
        state_learning_rate=STATE_RATE,
        schedule="cosine",
        warmup_steps=num_steps // 10,
        batch_size=batch_size,
        num_steps=num_steps,
        weight_decay=decay,
        evaluate_every=evaluate_every,
    )
