"""The reference solution of a linear CDE, against signatures and closed forms."""

import numpy as np
import pytest
from scipy.linalg import expm

from seqtheory.linear_cde import solve
from seqtheory.signature import coefficient, signature, words


def random_path(seed, channels, time):
    return np.random.default_rng(seed).normal(size=(time, channels)).cumsum(axis=0) / 4


def random_equation(seed, channels, width):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(channels, width, width)) / np.sqrt(width)
    return A, rng.normal(size=(width, channels)), rng.normal(size=width)


@pytest.mark.parametrize("word", [(0,), (0, 1), (1, 0, 2), (2, 2, 2), (0, 1, 2, 1)])
def test_nilpotent_equation_returns_a_signature_coordinate(word):
    path, width = random_path(0, 3, 40), len(word) + 1
    A = np.zeros((3, width, width))
    for i, letter in enumerate(word):
        A[letter, i + 1, i] = 1
    states = solve(A, np.zeros((width, 3)), np.eye(width)[0], path)
    expected = [coefficient(path, word[:n]) for n in range(width)]
    np.testing.assert_allclose(states[-1], expected, rtol=1e-12, atol=1e-13)
    midway = coefficient(path[:21], word)
    np.testing.assert_allclose(states[20, -1], midway, rtol=1e-12, atol=1e-13)


def test_nilpotent_forcing_returns_a_signature_coordinate():
    path = random_path(1, 2, 30)
    A, B = np.zeros((2, 2, 2)), np.zeros((2, 2))
    A[1, 1, 0] = 1  # channel 1 moves the first component to the second
    B[0, 0] = 1  # channel 0 feeds the first component
    last = solve(A, B, np.zeros(2), path)[-1]
    np.testing.assert_allclose(last, [coefficient(path, w) for w in [(0,), (0, 1)]], rtol=1e-12)


def test_solution_is_the_sum_over_words():
    path = random_path(2, 2, 12) * 0.3
    A, _, initial = random_equation(3, 2, 5)
    states = [initial]
    for word in words(2, 12):
        state = initial
        for letter in word:
            state = A[letter] @ state
        states.append(state)
    total = np.concatenate([[1.0], signature(path, 12)]) @ np.array(states)
    last = solve(A, np.zeros((5, 2)), initial, path)[-1]
    np.testing.assert_allclose(last, total, rtol=1e-9, atol=1e-9)


def test_constant_control_is_the_matrix_exponential():
    A, B, initial = random_equation(4, 2, 6)
    direction = np.array([0.7, -0.4])
    line = np.linspace(0, 1, 9)[:, None] * direction
    M, f = np.tensordot(direction, A, axes=1), B @ direction
    expected = expm(M) @ initial + np.linalg.solve(M, (expm(M) - np.eye(6)) @ f)
    states = solve(A, B, initial, line)
    np.testing.assert_allclose(states[-1], expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(states[0], initial)


def test_scalar_equation_without_matrices_integrates_the_forcing():
    path = random_path(5, 3, 20)
    B = np.arange(6.0).reshape(2, 3)
    states = solve(np.zeros((3, 2, 2)), B, np.ones(2), path)
    np.testing.assert_allclose(states, 1 + (path - path[0]) @ B.T, rtol=1e-12, atol=1e-12)


def test_arguments_are_converted_to_float64():
    A, B, initial = random_equation(6, 2, 3)
    path = random_path(6, 2, 5).astype(np.float32)
    states = solve(A, B, initial, path)
    assert states.dtype == np.float64
    np.testing.assert_array_equal(states, solve(A, B, initial, path.astype(np.float64)))


def test_one_vertex_is_the_initial_state():
    A, B, initial = random_equation(6, 2, 3)
    np.testing.assert_array_equal(solve(A, B, initial, np.zeros((1, 2))), initial[None])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"A": np.zeros((3, 3, 3))}, r"A has shape \(3, 3, 3\); expected .* = \(2, 3, 3\)"),
        ({"B": np.zeros((2, 3))}, r"B has shape \(2, 3\); expected .* = \(3, 2\)"),
        ({"initial": np.zeros((3, 1))}, "initial has shape"),
        ({"path": np.zeros((4, 5, 2))}, "one path at a time"),
        ({"path": np.zeros((0, 2))}, "path has shape"),
        ({"path": np.full((4, 2), np.nan)}, "path holds NaN or infinity"),
        ({"A": np.full((2, 3, 3), np.inf)}, "A holds NaN or infinity"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(changed, message):
    good = {"A": np.zeros((2, 3, 3)), "B": np.zeros((3, 2)), "initial": np.zeros(3)}
    with pytest.raises(ValueError, match=message):
        solve(**({**good, "path": np.zeros((4, 2))} | changed))


def test_complex_arguments_are_refused():
    with pytest.raises(TypeError, match="path has dtype complex128"):
        solve(np.zeros((2, 3, 3)), np.zeros((3, 2)), np.zeros(3), np.zeros((4, 2), complex))
