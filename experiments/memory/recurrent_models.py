r"""Trained recurrent networks under perturbation, beside the verdicts of linear theory.

A ladder is trained: networks of growing width, each on a linear functional with a given memory,

.. math:: y_k = \sum_{j=0}^{k} \rho(j)\, x_{k-j}, \qquad x_k \sim N(0, 1),

until its error is at most half of that of the network below (or small enough), or its steps are
used up. Then the weights of each are moved by beta, in several readings, and the error on further
data is measured: `experiments.memory.perturbation`. A run is one ladder and what it showed.

Source: S. Wang, Z. Li and Q. Li, arXiv:2305.19190, and the code published with it, whose widths
are 8 to 64 and whose first network takes all its epochs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from experiments.memory import ladder
from experiments.memory.networks import (
    READINGS,
    Activation,
    Kernel,
    RecurrentRun,
    data,
    model,
    rates,
)
from experiments.memory.perturbation import perturbed_errors
from experiments.memory.theory import HEAVY, LIGHT, MAPS, UP_TO
from experiments.run import canonical, of_preset
from seqtheory.memory import Airy, Exponential, ExponentialSum, Polynomial, Shift, Sine, TwoParts
from seqtheory.memory_theory import CommonShift
from seqtheory.reparameterisation import Best, Direct, Inverse, ReLU
from seqtheory.training import FitData, Training

if TYPE_CHECKING:
    from experiments.memory.ladder import Climb
    from experiments.recorder import Recorder
    from seqtheory.dataset import Dataset

VERSION = 1
PRESETS = ("smoke", "quick", "paper")
DEFAULT_PRESET = "quick"

ACTIVATIONS: tuple[Activation, ...] = ("linear", "tanh")
# Ten times the time scale of the slowest mode of width 4 that fits the polynomial memory.
LENGTH = 1000
# The slowest mode that a network starts with, per step: about that of the memory, or of a sequence.
STARTS = {"Exponential": 0.05, "Polynomial": 1e-3}


def runs(preset: str) -> list[RecurrentRun]:
    """List the runs of a preset, one for each ladder."""
    return of_preset(preset, {"smoke": _smoke, "quick": _quick, "paper": _paper})


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
        # A weight that is itself an eigenvalue moves on a scale of its own.
        state_learning_rate=1e-3 if isinstance(p, (Direct, ReLU)) else None,
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
        climb = _climb(run, parts, recorder, climb, found)
        found = None
        if recorder.due():
            state = {"climb": vars(climb), "training": None}
            recorder.checkpoint(climb.start - 1, {}, state)


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
    from experiments.recorder import Diverged

    train, held_out, test = parts
    width, network = run.widths[climb.rung], model(run, run.widths[climb.rung])
    share = (climb.rung, len(run.widths))
    rung: Any = ladder.Rung(recorder, climb, found, share, quantity="training", width=width)
    zero = float(np.sqrt(np.mean(held_out.targets**2)))
    half = 0.0 if climb.error is None else climb.error / math.sqrt(2)
    target = max(half, math.sqrt(run.enough) * zero)
    training = replace(run.training, seed=run.seed, target=target)
    network.to("cuda" if torch.cuda.is_available() else "cpu")
    before = _memory(network, run)
    try:
        split, keep = FitData(train, held_out), run.keep_model
        history = fit_recorded(seq_torch.fit, network, split, training, rung, keep_model=keep)
    except Diverged as diverged:
        step = climb.start + diverged.step
        raise Diverged(step, diverged.reason, width=width, **diverged.facts) from None
    error = float(history.evaluations[-1].metrics["rmse"])
    step = climb.start + history.step + 1
    recorder.log(
        step,
        quantity="network",
        width=width,
        status=history.status,
        steps=history.step,
        error=(error / zero) ** 2,
        target=(target / zero) ** 2,
        rates=_rounded(np.sort(rates(network))),
        parameters=sum(p.numel() for p in network.parameters()),
        ages=_ages(run),
        memory_before=before,
        memory=_memory(network, run),
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
        yield {
            "quantity": "perturbation",
            "reading": canonical(reading),
            "betas": run.betas,
            "errors": [_rounded(row) for row in errors],
        }


def _memory(network: Any, run: RecurrentRun) -> list[float]:
    """Memory function from the state of zero; a network with biases comes to no rest before."""
    from seq_torch import array_model
    from seqtheory.memory_theory import memory_function

    model = array_model(network)
    whole = memory_function(model, run.length, channels=1, directions=2, check=())
    return _rounded(whole[_ages(run)])


def _ages(run: RecurrentRun) -> np.ndarray:
    """Choose the steps at which memory is recorded, about twenty to a decade."""
    return np.unique(np.round(np.geomspace(1, run.length, 60))).astype(int) - 1


def _rounded(values: np.ndarray) -> list[float]:
    """Six digits, for numbers of which a record holds thousands."""
    return [float(f"{value:.6g}") for value in values]
