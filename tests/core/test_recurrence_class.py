"""A recurrence is named from Jacobians alone: which numbers remember, and what moves them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg

from seqtheory.diagnostics import Recurrence, classify_recurrence, memory_levels
from seqtheory.diagnostics._block_kind import block_kind
from seqtheory.expressivity import Transition

RNG = np.random.default_rng(0)
INPUTS = 12


def orthogonal(size):
    return np.linalg.qr(RNG.standard_normal((size, size)))[0]


def reflections(size, factors, strongest, decay=False):
    made = []
    for _ in range(INPUTS):
        matrix = np.eye(size) * (RNG.uniform(0.2, 1) if decay else 1.0)
        for _ in range(factors):
            key = RNG.standard_normal(size)
            key /= np.linalg.norm(key)
            matrix = matrix @ (np.eye(size) - RNG.uniform(0, strongest) * np.outer(key, key))
        made.append(matrix)
    return np.stack(made)


def turned(values):
    basis = RNG.standard_normal((values.shape[1], values.shape[1]))
    return basis @ (values[:, :, None] * np.linalg.inv(basis))


def rotations(size):
    skew = RNG.standard_normal((size, size))
    return np.stack([linalg.expm((skew - skew.T) * t) for t in RNG.uniform(-2, 2, INPUTS)])


def drawn(*shape):
    return RNG.standard_normal((INPUTS, *shape))


def one_hot(size):
    matrices = np.zeros((INPUTS, size, size))
    rows = RNG.integers(0, size, (INPUTS, size))
    matrices[np.arange(INPUTS)[:, None], rows, np.arange(size)] = RNG.uniform(-1, 1, rows.shape)
    return matrices


def sparse(size):
    mask = (RNG.uniform(size=(size, size)) < 0.4) | np.roll(np.eye(size, dtype=bool), 1, axis=0)
    return drawn(size, size) * mask


FAMILIES = {
    "positive": (turned(RNG.uniform(0, 1, (INPUTS, 5))), ("diagonal", "unit", 1)),
    "signed": (turned(RNG.uniform(-1, 1, (INPUTS, 5))), ("diagonal", "signed", 1)),
    "turning": (rotations(6), ("diagonal", "complex", 1)),
    "one matrix": (np.repeat(drawn(6, 6)[:1], INPUTS, 0), ("diagonal", "complex", 1)),
    "nothing": (np.zeros((INPUTS, 3, 3)), ("diagonal", "unit", 1)),
    "delta": (reflections(5, 1, 1.0), ("householder", "unit", 1)),
    "delta signed": (reflections(5, 1, 2.0), ("householder", "signed", 1)),
    "product": (reflections(7, 3, 2.0), ("householder", "signed", 3)),
    "product of shrinking": (reflections(7, 3, 1.0), ("householder", "unit", 3)),
    "decaying product": (reflections(7, 2, 2.0, decay=True), ("householder", "signed", 2)),
    "too large for a reflection": (reflections(7, 2, 5.0), ("diagonal_plus_low_rank", "signed", 2)),
    "routing": (one_hot(5), ("one_hot_diagonal", "complex", 1)),
    "hadamard": (
        linalg.hadamard(8) * drawn(1, 8) / 8**0.5,
        ("walsh_hadamard", "complex", 1),
    ),
    "sparse": (sparse(8), ("sparse", "complex", 1)),
    "low rank": (
        drawn(9, 2) @ drawn(2, 9) + drawn(9, 1) * np.eye(9),
        ("diagonal_plus_low_rank", "complex", 2),
    ),
    "dense": (drawn(6, 6), ("dense", "complex", 1)),
    "dense and shrinking": (
        drawn(6, 6) / np.linalg.norm(drawn(6, 6), 2, axis=(1, 2)).max() / 2,
        ("dense", "complex", 1),
    ),
    "shear": (np.array([[1.0, 1.0], [0.0, 1.0]])[None] ** np.ones((INPUTS, 1, 1)), None),
    "fetching": (one_hot(5).swapaxes(1, 2), ("diagonal_one_hot", "complex", 1)),
    "reflection times signed": (
        reflections(5, 1, 2.0) * RNG.uniform(-1, 1, (INPUTS, 1, 5)),
        ("householder_diagonal", "signed", 1),
    ),
    "reflection times large": (
        reflections(5, 1, 2.0) * RNG.uniform(-3, 3, (INPUTS, 1, 5)),
        ("diagonal_plus_low_rank", "complex", 1),
    ),
}
REAL_ALONE = {"shear", "too large for a reflection", "reflection times signed"}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_of_matrices_is_named(name):
    matrices, expected = FAMILIES[name]
    found = block_kind(matrices, 1e-7)
    if expected is None:  # a fixed matrix without a basis of eigenvectors
        assert found.kind == "sparse"
        return
    kind, spectrum, factors = expected
    spectra = ("signed", "complex") if "too large" in name else (spectrum,)
    assert (found.kind, found.factors) == (kind, factors)
    assert found.spectrum in spectra


@pytest.mark.parametrize("name", sorted(set(FAMILIES) - REAL_ALONE))
def test_a_complex_family_is_named_as_a_real_one_is(name):
    matrices, (kind, _, factors) = FAMILIES[name]
    phases = np.exp(1j * np.random.default_rng(0).uniform(0, 6, matrices.shape[1]))
    found = block_kind(phases[:, None] * matrices * phases.conj(), 1e-7)
    assert (found.kind, found.factors) in {(kind, factors), ("dense", 1)}
    if kind in (
        *("diagonal", "one_hot_diagonal", "diagonal_one_hot"),
        *("sparse", "diagonal_plus_low_rank"),
    ):
        assert found.kind == kind


# Which numbers remember


def test_levels_are_counted_through_windows():
    step = np.zeros((6, 6))
    step[0, 0] = 0.9  # a sum
    step[1, 0] = step[2, 1] = 1.0  # a window of it
    step[3, 2] = step[3, 3] = 1.0  # a sum behind the window
    step[4, 5] = step[5, 4] = 1.0  # a circle of two
    assert memory_levels(step[None]).tolist() == [0, -1, -1, 1, 0, 0]
    passed = memory_levels(step[None], transparent=np.arange(6) == 0)
    assert passed.tolist() == [-1, -1, -1, 0, 0, 0]


def test_a_number_that_feeds_back_in_one_sample_remembers():
    assert memory_levels(np.array([[[0.0]], [[0.5]]])).tolist() == [0]
    assert memory_levels(np.zeros((2, 3, 3))).tolist() == [-1] * 3


# Whole recurrences


def state_free(matrices):
    """One draw of weights, two states: the Jacobian is the same at both."""
    return np.repeat(matrices[None, :, None], 2, axis=2)


def classified(matrices, **settings):
    jacobians = state_free(matrices)
    return classify_recurrence(jacobians, memory_levels(matrices), **settings)


def test_blocks_are_found_in_any_order():
    whole = np.zeros((INPUTS, 9, 9))
    for start in (0, 3, 6):
        whole[:, start : start + 3, start : start + 3] = drawn(3, 3)
    order = RNG.permutation(9)
    found = classified(whole[:, order[:, None], order])
    assert found.transition == Transition("block_diagonal", "complex", size=3)
    assert found.blocks == ((3, 3),)


def test_copies_of_an_action_are_blocks_of_it():
    found = classified(np.kron(np.eye(4), reflections(5, 2, 2.0)))
    assert found.transition == Transition("householder", "signed", factors=2)
    assert found.blocks == ((5, 4),)
    assert found.norm <= 1 + 1e-12


def test_windows_are_set_apart():
    matrices = np.zeros((INPUTS, 4, 4))
    matrices[:, 1, 0] = matrices[:, 2, 1] = 1.0
    matrices[:, 3, 2], matrices[:, 3, 3] = 1.0, RNG.uniform(0, 1, INPUTS)
    found = classified(matrices)
    assert (found.numbers, found.shifts) == (1, 3)
    assert found.transition == Transition("diagonal", "unit")
    nothing = classify_recurrence(state_free(matrices[:, :3, :3]), np.full(3, -1))
    assert (nothing.kind, nothing.shifts) == ("none", 3)


def test_what_moves_with_the_state_is_nonlinear():
    jacobians = state_free(drawn(3, 3))
    jacobians[0, :, 1, 1] *= 1.01
    found = classify_recurrence(jacobians, np.zeros(3, dtype=int))
    assert (found.kind, found.transition) == ("nonlinear", None)
    assert "1 of 3 numbers" in found.reason


def test_a_recurrence_that_governs_another_is_one_of_two_layers():
    first, second = RNG.uniform(0, 1, INPUTS), RNG.uniform(0, 1, (INPUTS, 3))
    jacobians = np.zeros((1, INPUTS, 3, 2, 2))
    jacobians[..., 0, 0] = first[:, None]
    jacobians[..., 1, 0] = RNG.standard_normal((INPUTS, 3))
    second[:, 2] = second[:, 0]  # the state that moves the second alone
    jacobians[..., 1, 1] = second
    found = classify_recurrence(jacobians, np.array([0, 1]))
    assert found.transition == Transition("diagonal", "unit", layers=2)
    jacobians[:, :, 2, 1, 1] *= 1.1
    assert classify_recurrence(jacobians, np.array([0, 1])).kind == "nonlinear"


def test_one_matrix_for_all_inputs_is_fixed():
    found = classified(np.repeat(drawn(4, 4)[:1], INPUTS, 0))
    assert found.transition is not None
    assert not found.transition.input_dependent
    assert found.commuting


def test_what_differs_between_draws_of_weights_alone_is_fixed():
    several = np.concatenate([state_free(np.repeat(m[None], 3, 0)) for m in drawn(4, 4)[:2]])
    found = classify_recurrence(several, np.zeros(4, dtype=int))
    assert found.transition == Transition("diagonal", "complex", input_dependent=False)
    assert found.blocks == ((1, 4),)


def test_complex_numbers_are_one_and_phases_are_of_modulus_one():
    values = np.exp(1j * RNG.uniform(0, 6, INPUTS))
    pair = np.stack([[values.real, -values.imag], [values.imag, values.real]]).transpose(2, 0, 1)
    found = classified(pair, pairs=np.array([True, False]))
    assert found.transition == Transition("diagonal", "complex")
    turning = classify_recurrence(
        np.ones((1, INPUTS, 2, 1, 1)),
        np.array([-1]),
        turns=RNG.uniform(0, 6, (1, INPUTS, 1)),
    )
    assert turning.transition == Transition("diagonal", "complex")
    assert (turning.numbers, turning.shifts, turning.phases) == (1, 0, 1)


def test_the_verdict_comes_first():
    found = classified(np.kron(np.eye(4), reflections(5, 2, 2.0)))
    start = "linear: identity plus 2 rank-one terms, reflections, input-dependent"
    assert repr(found) == f"Recurrence({start})"
    assert str(found).startswith(f"{start} (norm within 1; ")
    long = Recurrence("not probed", "because " * 30)
    assert len(repr(long)) <= 100
