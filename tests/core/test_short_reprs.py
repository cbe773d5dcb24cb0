"""Results say their verdict first, in one line, whatever arrays they hold."""

from __future__ import annotations

import numpy as np
import pytest

from seqtheory.diagnostics import fit_probe, predict_horizon, representation_distance
from seqtheory.expressivity import Transition, predict, real_irreducibles
from seqtheory.group import group
from seqtheory.memory import Polynomial
from seqtheory.memory_theory import (
    ContinuousSystem,
    Dense,
    Diagonal,
    fit_decay,
    fit_exponentials,
    stability_verdict,
    stable_approximation,
)
from seqtheory.reparameterisation import Direct, Exp, ReLU
from seqtheory.representation import representation
from seqtheory.tasks import Parity


def horizon(turn: float):
    words = np.random.default_rng(0).integers(0, 4, (200, 16)).cumsum(axis=1)
    angles = np.radians(turn) * words
    return predict_horizon(np.stack([np.cos(angles), np.sin(angles)], axis=-1), words % 4)


def lost():
    return predict_horizon(np.zeros((20, 8, 2)), np.arange(160).reshape(20, 8) % 2)


AGES = np.arange(1.0, 100.0)
FIGURE = {"slowest": (0.02, 0.004), "short_horizon": True}


def approximation(reparameterisation):
    heavy_tail = Polynomial(1.0, 1.1)
    return stable_approximation(heavy_tail, reparameterisation, (4, 8), [0.0, 1e-2], **FIGURE)


def distance():
    matrices = representation("S3").matrices
    return representation_distance(matrices, representation("S3"))


RESULTS = {
    "horizon": (lambda: horizon(91.0), "Horizon(drifts: "),
    "no drift": (lambda: horizon(90.0), "Horizon(no drift: 4 classes, margin 0.707"),
    "lost": (lost, "Horizon(not separated: 2 classes"),
    "decay": (lambda: fit_decay(AGES, AGES**-1.0), "DecayFit(polynomial: scale "),
    "curve": (lambda: fit_decay(AGES, 0.9**AGES).selected, "DecayCurve(exponential: scale 1"),
    "distance": (distance, "RepresentationDistance("),
    "intertwiner": (lambda: distance().parts[0], "Intertwiner(residual "),
    "probe": (
        lambda: fit_probe(np.array([[-1.0], [0.0], [1.0]]), np.arange(3), 3),
        "LinearProbe(3 classes read off 1 numbers)",
    ),
    "sum": (lambda: fit_exponentials(Polynomial(1.0, 1.1), 8), "ExponentialFit(8 modes: rates "),
    "crossing": (lambda: approximation(Direct()), "StableApproximation(not stable: width 8 is "),
    "stable": (lambda: approximation(Exp()), "StableApproximation(stable up to beta 0.01: "),
    "unstable map": (lambda: stability_verdict(ReLU()), "StabilityVerdict(not stable: "),
    "system": (
        lambda: ContinuousSystem(Diagonal(-AGES), np.ones((99, 1)), np.ones((1, 99))),
        "ContinuousSystem(Diagonal of width 99, channels 1, outputs 1)",
    ),
    "diagonal": (lambda: Diagonal(-AGES), "Diagonal(width 99: moduli 1 to 99)"),
    "dense": (lambda: Dense(np.eye(99)), "Dense(width 99)"),
    "irreducible": (
        lambda: real_irreducibles(group("A5"))[-1],
        "Irreducible(dimension 5: kernel of 1 in a group of order 60)",
    ),
    "verdict": (
        lambda: predict(Parity(), Transition("diagonal", "unit")),
        "Verdict(impossible: ",
    ),
}


@pytest.mark.parametrize("name", RESULTS)
def test_the_verdict_comes_first_in_one_line(name):
    make, start = RESULTS[name]
    said = repr(make())
    assert said.startswith(start), said
    assert said.endswith(")")
    assert len(said) <= 110
    assert "\n" not in said
    assert "array" not in said


def test_what_a_repr_leaves_out_is_still_there():
    found = horizon(91.0)
    assert f"{found.steps:.4g} steps" in repr(found)
    assert found.used.shape == (16,)
    assert found.centroids.shape == (4, 2)
