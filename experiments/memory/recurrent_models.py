r"""Trained recurrent networks under perturbation, beside the verdicts of linear theory.

A ladder is trained: networks of growing width, each on a linear functional with a given memory,

.. math:: y_k = \sum_{j=0}^{k} \rho(j)\, x_{k-j}, \qquad x_k \sim N(0, 1),

until its error is at most half of that of the network below (or small enough), or its steps are
used up. Or each starts from linear theory and takes all its steps, and its best evaluation counts.
Then the weights of each are moved by beta, in several readings, and the error on further data is
measured: `experiments.memory.perturbation`. A run is one ladder and what it showed.

Source: S. Wang, Z. Li and Q. Li, arXiv:2305.19190, and the code published with it, whose widths
are 8 to 64 and whose first network takes two epochs, the least that it may.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from experiments.memory import ladder, recurrent_presets
from experiments.memory.climbing import climb_on
from experiments.memory.networks import READINGS, Kernel, RecurrentRun, data
from experiments.memory.recurrent_presets import ACTIVATIONS, LENGTH, STARTS, state_rate
from experiments.memory.theory import HEAVY, LIGHT, MAPS, UP_TO
from experiments.run import of_preset
from seqtheory.memory import Airy, Exponential, ExponentialSum, Polynomial, Shift, Sine, TwoParts
from seqtheory.memory_theory import CommonShift
from seqtheory.reparameterisation import Best, Inverse, ReLU
from seqtheory.training import Training

if TYPE_CHECKING:
    from experiments.recorder import Recorder

VERSION = 1
PRESETS = ("smoke", "quick", "paper", *recurrent_presets.MAKERS)
DEFAULT_PRESET = "quick"


def runs(preset: str) -> list[RecurrentRun]:
    """List the runs of a preset, one for each ladder."""
    makers = {"smoke": _smoke, "quick": _quick, "paper": _paper, **recurrent_presets.MAKERS}
    return of_preset(preset, makers)


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
        for activation in ACTIVATIONS
        for p in MAPS[:2]
    ]


def _quick() -> list[RecurrentRun]:
    """Long sequences, of which a slow mode is seen in full; then two controls, of linear networks.

    The first starts from slow modes that an exponential memory does not need; in the second
    sequences have the published length, a time in which a slow mode does not come to explode.
    """
    main = [
        _ladder(kernel, p, activation=activation, seed=seed)
        for seed in (0, 1)
        for kernel in (HEAVY, LIGHT)
        for activation in ACTIVATIONS
        for p in MAPS
    ]
    idle = [_ladder(LIGHT, p, min_rate=STARTS["Polynomial"]) for p in MAPS]
    short = [_ladder(HEAVY, p, length=100) for p in MAPS]
    return [*main, *idle, *short]


def _ladder(
    kernel: Kernel, p: Any, length: int = LENGTH, num_steps: int = 3000, **settings: Any
) -> RecurrentRun:
    """Make the run of a ladder; as many numbers make up the data of each length."""
    training = Training(
        learning_rate=1e-2,
        state_learning_rate=state_rate(p, 1e-3),
        schedule="cosine",
        warmup_steps=100,
        batch_size=4000 // length,
        num_steps=num_steps,
        clip=0.5,
        evaluate_every=200,
    )
    start = STARTS.get(type(kernel).__name__, STARTS["Polynomial"])
    given: dict[str, Any] = {
        "min_rate": start if length == LENGTH else 0.01,
        "num_train": 1_280_000 // length,
        "num_held_out": 64_000 // length,
        "num_test": 16_000 // length,
        "training": training,
    }
    return RecurrentRun(kernel=kernel, parameterisation=p, length=length, **{**given, **settings})


def _paper() -> list[RecurrentRun]:
    """List the published widths, with all activations, matrices and memories; for a GPU."""
    matrices: tuple[Literal["diagonal", "orthogonal"], ...] = ("diagonal", "orthogonal")
    wide: dict[str, Any] = {"widths": (4, 8, 16, 32, 64), "num_steps": 100_000}
    main = [
        _ladder(kernel, p, activation=activation, matrix=matrix, seed=seed, **wide)
        for seed in (0, 1, 2)
        for matrix in matrices
        for kernel in (HEAVY, LIGHT)
        for activation in (*ACTIVATIONS, "hardtanh")
        for p in (*MAPS, Best(b=0.1), Inverse(), ReLU())
    ]
    published = [
        _ladder(kernel, p, length=100, activation=activation, **wide)
        for kernel in (Polynomial(), Exponential())
        for activation in (*ACTIVATIONS, "hardtanh")
        for p in MAPS
    ]
    others = [
        _ladder(kernel, p, activation=activation, **wide)
        for kernel in (ExponentialSum(), ExponentialSum(2), TwoParts(), Airy(), Shift(), Sine())
        for activation in ACTIVATIONS
        for p in MAPS
    ]
    return [*main, *published, *others]


def execute(run: RecurrentRun, recorder: Recorder) -> None:
    """Climb the ladder: train, measure, go on."""
    parts = data(run)
    climb, found = ladder.restored(recorder)
    while climb.rung < len(run.widths):
        climb = climb_on(run, parts, recorder, climb, found)
        found = None
        if recorder.due():
            state = {"climb": vars(climb), "training": None}
            recorder.checkpoint(climb.start - 1, {}, state)
