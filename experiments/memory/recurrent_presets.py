"""Ladders that start from theory, the table of verdicts, the published protocol, and filters."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any, NamedTuple

from experiments.data.random_filter import RandomFilter
from experiments.memory.networks import Activation, Kernel, Model, RecurrentRun
from experiments.memory.perturbation import PUBLISHED, SHIFT
from experiments.memory.protocol import Protocol, TheoryStart
from experiments.memory.theory import HEAVY, LIGHT, MAPS, UP_TO
from seqtheory.memory import Exponential, Polynomial
from seqtheory.reparameterisation import Direct, Exp, ReLU, Softplus
from seqtheory.training import Training

ACTIVATIONS: tuple[Activation, ...] = ("linear", "tanh")
# Ten times the time scale of the slowest mode of width 4 that fits the polynomial memory.
LENGTH = 1000
# The slowest mode that a network starts with, per step: about that of the memory, or of a sequence.
STARTS = {"Exponential": 0.05, "Polynomial": 1e-3}

SEEDS = range(5)
WIDTHS = (4, 8, 16, 32)
# The slowest rates of these widths in theory, down to one over the length of a sequence.
SLOWEST = {LIGHT: (0.1,) * 4, HEAVY: (0.02, 0.004, 0.002, 0.001)}
PUBLISHED_BETAS = (0.0, *sorted({*(1e-3 * 2 ** (i / 2) for i in range(21)), UP_TO}))


class Row(NamedTuple):
    """A row of the published table of verdicts, as settings of a run."""

    model: Model
    matrix: Any
    parameterisation: Any


TABLE = {
    "diagonal RNN": Row("rnn", "diagonal", Direct()),
    "vanilla RNN": Row("rnn", "orthogonal", Direct()),
    "SSM": Row("ssm", "diagonal", Direct()),
    "LRU": Row("lru", "diagonal", Exp()),
    "stable RNN": Row("rnn", "diagonal", Softplus()),
}


def state_rate(p: Any, rate: float) -> float | None:
    """Step size of a weight that is itself an eigenvalue, and so moves on a scale of its own."""
    return rate if isinstance(p, (Direct, ReLU)) else None


def started() -> list[RecurrentRun]:
    """List the main ladders of `quick` and those of hardtanh, from theory, of five seeds."""
    return [
        _started(kernel, p, activation, seed)
        for seed in SEEDS
        for kernel in (HEAVY, LIGHT)
        for activation in (*ACTIVATIONS, "hardtanh")
        for p in MAPS
    ]


def verdicts() -> list[RecurrentRun]:
    """List the ladders of the published table: five models and two memories, of five seeds."""
    return [
        _started(kernel, row.parameterisation, "hardtanh", seed, row.model, row.matrix)
        for seed in SEEDS
        for kernel in (HEAVY, LIGHT)
        for row in TABLE.values()
    ]


def _started(
    kernel: Any,
    p: Any,
    activation: Activation,
    seed: int,
    model: Model = "rnn",
    matrix: Any = "diagonal",
) -> RecurrentRun:
    training = Training(
        learning_rate=1e-3,
        state_learning_rate=state_rate(p, 1e-4),
        schedule="cosine",
        warmup_steps=50,
        batch_size=4,
        num_steps=500,
        clip=0.5,
        evaluate_every=50,
    )
    return RecurrentRun(
        seed=seed,
        kernel=kernel,
        parameterisation=p,
        activation=activation,
        model=model,
        matrix=matrix,
        min_rate=STARTS[type(kernel).__name__],
        widths=WIDTHS,
        length=LENGTH,
        num_train=1280,
        num_held_out=64,
        num_test=16,
        training=training,
        start=TheoryStart(slowest=SLOWEST[kernel]),
    )


def published() -> list[RecurrentRun]:
    """List the ladders of the published code: three models, and one activation of two more."""
    diagonal, vanilla = Row("rnn", "diagonal", ReLU()), Row("rnn", "free", ReLU())
    models = (diagonal, vanilla, Row("rnn", "free", Softplus()))
    more = (Row("ssm", "free", ReLU()), Row("lru", "diagonal", Exp()))
    activations: tuple[Activation, ...] = (*ACTIVATIONS, "hardtanh")
    cells = list(itertools.product(models, activations))
    cells += itertools.product(more, activations[-1:])
    return [
        _published(kernel, row, activation)
        for kernel in (Polynomial(), Exponential())
        for row, activation in cells
    ]


def published_short() -> list[RecurrentRun]:
    """List the same with at most 20 epochs, and errors on a tenth of the sequences: for a CPU."""
    return [_short(run, num_steps=5_000, num_test=1280) for run in published()]


def filters() -> list[RecurrentRun]:
    """List ladders of networks that learn random networks, in the published protocol."""
    size = {"num_train": 12_800, "num_held_out": 1280, "num_test": 1280}
    first = Protocol(first_steps=50)
    runs = [
        _published(RandomFilter(network=network), row, activation)
        for network in ("rnn", "transformer")
        for activation in (*ACTIVATIONS, "hardtanh")
        for row in (Row("rnn", "diagonal", p) for p in (ReLU(), *MAPS[1:]))
    ]
    return [_filter(run, first, size) for run in runs]


def filters_short() -> list[RecurrentRun]:
    """List those of hardtanh with at most 40 epochs, and errors on 256 sequences: for a CPU."""
    runs = [run for run in filters() if run.activation == "hardtanh"]
    return [_short(run, num_steps=1_000, num_test=256) for run in runs]


def _short(run: RecurrentRun, num_steps: int, num_test: int) -> RecurrentRun:
    return replace(run, training=replace(run.training, num_steps=num_steps), num_test=num_test)


def _filter(run: RecurrentRun, protocol: Protocol, size: dict[str, int]) -> RecurrentRun:
    """Widths 8 to 256, and a tenth of the sequences: epochs have 25 steps."""
    training = replace(run.training, num_steps=25_000, evaluate_every=25)
    widths = (8, 16, 32, 64, 128, 256)
    return replace(run, widths=widths, training=training, protocol=protocol, **size)


def _published(kernel: Kernel | RandomFilter, row: Row, activation: Activation) -> RecurrentRun:
    """Make a ladder of up to 1,000 epochs of 250 steps, by the plateau schedule."""
    training = Training(
        learning_rate=1e-2, batch_size=512, num_steps=250_000, clip=0.5, evaluate_every=250
    )
    return RecurrentRun(
        kernel=kernel,
        parameterisation=row.parameterisation,
        activation=activation,
        model=row.model,
        matrix=row.matrix,
        step="exponential" if row.model == "lru" else "euler",
        widths=(8, 16, 32, 64),
        length=100,
        num_train=128_000,
        num_held_out=12_800,
        num_test=12_800,
        training=training,
        enough=0.0,
        betas=PUBLISHED_BETAS,
        readings=(SHIFT, PUBLISHED),
        late_weight=4.0,  # p = 2 in the published code, whose weights enter squared
        protocol=Protocol(),
    )


MAKERS = {
    "started": started,
    "verdicts": verdicts,
    "published": published,
    "published-short": published_short,
    "filters": filters,
    "filters-short": filters_short,
}
"""Function that makes the runs of each preset of this file."""
