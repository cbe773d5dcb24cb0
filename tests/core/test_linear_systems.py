"""Closed forms of linear systems: against each other, against quadrature, against probes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, linalg

from seqtheory.memory_theory import (
    ContinuousSystem,
    Dense,
    Diagonal,
    DiscreteSystem,
    Jordan,
    memory_function,
)

LAW = settings(deadline=None, derandomize=True, max_examples=25)
PROBES = pytest.mark.parametrize("probe", ["step", "impulse"])


def stable_matrix(rng, width):
    matrix = rng.normal(size=(width, width))
    return matrix - (np.linalg.eigvals(matrix).real.max() + 0.3) * np.eye(width)


def random_transition(kind, rng, width=4):
    if kind == "diagonal":
        return Diagonal(-rng.uniform(0.05, 3.0, width))
    if kind == "dense":
        return Dense(stable_matrix(rng, width))
    return Jordan(((-rng.uniform(0.2, 1.0), 3), (-rng.uniform(0.2, 1.0), width - 3)))


def random_system(kind, seed, channels=2, outputs=2):
    rng = np.random.default_rng(seed)
    transition = random_transition(kind, rng)
    return ContinuousSystem(
        transition, rng.normal(size=(4, channels)), rng.normal(size=(outputs, 4))
    )


KINDS = pytest.mark.parametrize("kind", ["diagonal", "dense", "jordan"])


@KINDS
@PROBES
@pytest.mark.parametrize("dt", [0.05, 1.0])
def test_measured_memory_is_the_cell_averages(kind, probe, dt):
    system = random_system(kind, 0)
    found = memory_function(system.discretise(dt), 40, channels=2, dt=dt, probe=probe)
    np.testing.assert_allclose(found, system.cell_averages(40, dt), rtol=0, atol=1e-10)


@KINDS
@given(seed=st.integers(0, 10_000), dt=st.sampled_from([0.01, 0.3, 2.0]))
@LAW
def test_discrete_and_continuous_closed_forms_agree(kind, seed, dt):
    system = random_system(kind, seed)
    np.testing.assert_allclose(
        system.discretise(dt).memory(25), system.cell_averages(25, dt), rtol=1e-9, atol=1e-10
    )


@KINDS
def test_cell_averages_are_integrals_of_the_kernel(kind):
    system, dt, k = random_system(kind, 3, channels=1, outputs=1), 0.7, 3

    def kernel(t):
        return float(system.kernel([t])[0, 0, 0])

    area, _ = integrate.quad(kernel, k * dt, (k + 1) * dt, epsabs=1e-13)
    assert system.cell_averages(k + 1, dt)[k] == pytest.approx(abs(area) / dt, abs=1e-12)


@KINDS
def test_transitions_agree_with_their_matrix(kind):
    rng = np.random.default_rng(4)
    transition, vectors = random_transition(kind, rng), rng.normal(size=(4, 3))
    matrix, times = transition.matrix, np.array([0.0, 0.4, 5.0])
    expected = np.stack([linalg.expm(matrix * t) @ vectors for t in times])
    np.testing.assert_allclose(transition.exponential(times, vectors), expected, atol=1e-12)
    for steps in (0, 1, 2, 7):
        expected = np.linalg.matrix_power(matrix, steps) @ vectors
        np.testing.assert_allclose(transition.power(steps, vectors), expected, atol=1e-10)
    expected = np.linalg.solve(matrix, (linalg.expm(0.4 * matrix) - np.eye(4)) @ vectors)
    np.testing.assert_allclose(transition.integral(0.4, vectors), expected, atol=1e-12)
    np.testing.assert_allclose(transition.sampled(0.4).matrix, linalg.expm(0.4 * matrix))


@pytest.mark.parametrize("transition", [Diagonal(np.zeros(2)), Dense(np.zeros((2, 2)))])
def test_an_integrator_has_a_memory_that_never_ends(transition):
    system = ContinuousSystem(transition, np.ones((2, 1)), np.array([[1.0, 2.0]]))
    np.testing.assert_allclose(system.cell_averages(5, 0.3), 3.0, rtol=1e-14)
    assert system.rate == 0


def test_power_of_a_jordan_block_is_its_closed_form():
    rho, k = 0.9, np.arange(40)
    system = DiscreteSystem(Jordan(((rho, 2),)), np.array([[0.0], [1.0]]), np.array([[1.0, 0.0]]))
    expected = k * rho ** np.maximum(k - 1.0, 0.0)
    np.testing.assert_allclose(system.memory(40), expected, rtol=1e-13)
    assert system.memory(40).argmax() in (9, 10)  # k rho^(k-1) peaks at -1 / log(rho) = 9.49
    assert system.rate == pytest.approx(-np.log(0.9))


def test_a_mode_for_a_conjugate_pair_is_the_real_system_of_both():
    value, dt = -0.2 + 2.0j, 0.1
    pair = ContinuousSystem(Diagonal([value]), [[1.0]], [[0.3 - 0.4j]], conjugate_pairs=True)
    both = ContinuousSystem(
        Diagonal([value, value.conjugate()]), [[1.0], [1.0]], [[0.3 - 0.4j, 0.3 + 0.4j]]
    )
    rotation = Dense([[-0.2, 2.0], [-2.0, -0.2]])
    real = ContinuousSystem(rotation, [[1.0], [0.0]], [[0.6, -0.8]])
    t = np.linspace(0, 5, 11)
    np.testing.assert_allclose(pair.kernel(t), both.kernel(t), atol=1e-14)
    np.testing.assert_allclose(
        pair.memory(t), np.abs(np.exp(-0.2 * t) * (0.6 * np.cos(2 * t) + 0.8 * np.sin(2 * t)))
    )
    np.testing.assert_allclose(pair.cell_averages(20, dt), both.cell_averages(20, dt), atol=1e-14)
    assert pair.rate == pytest.approx(0.2)
    assert real.rate == pytest.approx(0.2)
    found = memory_function(pair.discretise(dt), 20, channels=1, dt=dt)
    np.testing.assert_allclose(found, pair.cell_averages(20, dt), atol=1e-10)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Diagonal(np.ones((2, 2))), r"shape \(width,\), but got \(2, 2\)"),
        (lambda: Dense(np.ones((2, 3))), r"shape \(width, width\), but got \(2, 3\)"),
        (lambda: Dense([[np.nan]]), "finite"),
        (lambda: Jordan(()), r"pairs \(eigenvalue, size\)"),
        (lambda: Jordan(((0.5, 0),)), "sizes of at least 1"),
        (lambda: ContinuousSystem(Diagonal([-1.0]), [[1.0, 2.0]], [[1.0, 2.0]]), "read_out"),
        (lambda: ContinuousSystem(Diagonal([-1.0]), [[1.0], [1.0]], [[1.0, 1.0]]), "width 1"),
        (lambda: ContinuousSystem(Diagonal([-1j]), [[1.0]], [[1.0]]).memory([1.0]), "complex"),
        (lambda: ContinuousSystem(Diagonal([-1.0]), [[1.0]], [[1.0]]).memory([-1.0]), "negative"),
        (lambda: DiscreteSystem(Diagonal([0.5]), [[1.0]], [[1.0]], dt=0.0), "dt=0.0"),
        (lambda: DiscreteSystem(Diagonal([0.5]), [[1.0]], [[1.0]])(np.ones((1, 5, 2))), "inputs"),
    ],
)
def test_linear_systems_say_what_is_wrong(build, message):
    with pytest.raises(ValueError, match=message):
        build()
