"""HiPPO: what the states hold, how the matrices come apart, what can be read back."""

from math import factorial

import numpy as np
import pytest
from numpy.polynomial.legendre import Legendre, leggauss

from seqtheory import hippo
from seqtheory.hippo import diagonal_plus_low_rank, fourier, legs, legt
from seqtheory.state_space import zero_order_hold

CASES = [
    *((legs, size) for size in (1, 2, 3, 8, 33, 64, 128)),
    *((legt, size) for size in (1, 2, 3, 8, 33, 64)),
    *((fourier, size) for size in (1, 3, 33, 65)),
]
EACH = pytest.mark.parametrize(
    ("family", "size"), CASES, ids=[f"{type(f).__name__}-{n}" for f, n in CASES]
)
FAMILIES = pytest.mark.parametrize("family", [legs, legt, fourier], ids=lambda f: type(f).__name__)


def moments(family, size, powers, points=200):
    """Integrals of s^power g_n(s) over [0, 1], by Gauss's rule: (power, state)."""
    x, weights = leggauss(points)
    s = (x + 1) / 2
    return (s ** np.asarray(powers)[:, None] * weights / 2) @ family.functions(size, s)


def cell_integrals(size, edges):
    """Integrals of LegS's functions between neighbouring edges in [0, 1]: (cell, state)."""
    columns = []
    for n in range(size):
        primitive = Legendre.basis(n, domain=[0, 1]).integ()
        columns.append(np.sqrt(2 * n + 1) * np.diff(primitive(edges)))
    return np.stack(columns, axis=1)


# What the states hold


@EACH
def test_functions_are_orthonormal(family, size):
    x, weights = leggauss(4 * size + 20)
    g = family.functions(size, (x + 1) / 2)
    np.testing.assert_allclose((weights / 2 * g.T) @ g, np.eye(size), atol=1e-11)


@pytest.mark.parametrize("size", [1, 2, 7, 32])
def test_legs_holds_the_coefficients_of_every_power_of_time(size):
    """u = t^j has the coefficients t^j m_j, and t x' = A x + B u asks for j m = A m + B."""
    A, B = legs(size)
    for power in (0, 1, 2, 5, 40):  # of degrees that the state can represent, and above
        (m,) = moments(legs, size, [power])
        np.testing.assert_allclose(A @ m + B, power * m, atol=1e-10)


def test_legs_over_all_of_time_is_the_projection_of_the_history():
    """t x' = A x + B u is time-invariant in log t, and so solved exactly where u is held."""
    size, steps = 6, 60
    u = np.random.default_rng(0).normal(size=steps)
    state = u[0] * np.eye(size)[0]  # a constant so far
    for k in range(1, steps):
        A, B = zero_order_hold(*legs(size), dt=np.log((k + 1) / k))
        state = A @ state + B * u[k]
    edges = np.arange(steps + 1) / steps
    np.testing.assert_allclose(state, u @ cell_integrals(size, edges), atol=1e-12)


def test_legs_as_s4_runs_it_is_the_projection_of_the_warped_history():
    size, steps, dt = 6, 60, 0.05
    u = np.random.default_rng(1).normal(size=steps)
    A, B = zero_order_hold(*legs(size), dt)
    state = np.zeros(size)
    for value in u:
        state = A @ state + B * value
    edges = legs.position(dt * np.arange(steps, -1, -1))  # the last edge, 1, is now
    np.testing.assert_allclose(state, u @ cell_integrals(size, edges), atol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 7, 20])
def test_legs_has_the_eigenvalues_minus_one_to_minus_n(size):
    A, _ = legs(size)
    np.testing.assert_array_equal(np.diag(A), -np.arange(1.0, size + 1))
    np.testing.assert_array_equal(np.triu(A, 1), 0)


@pytest.mark.parametrize("size", [1, 2, 7, 20])
def test_legt_is_exact_for_polynomials_below_its_size(size):
    """At t = 0 the window is [-1, 0] and u = (s - 1)^j there: A x + B u is the derivative."""
    A, B = legt(size)
    x, weights = leggauss(60)
    s = (x + 1) / 2
    g = legt.functions(size, s) * weights[:, None] / 2
    for power in range(size):
        state = (s - 1) ** power @ g
        derivative = power * (s - 1) ** max(power - 1, 0) @ g
        now = 1.0 if power == 0 else 0.0
        np.testing.assert_allclose(A @ state + B * now, derivative, atol=1e-11)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_legt_delays_by_the_pade_approximant(size):
    """g(0) (z - A)^-1 B agrees with exp(-z) in 2 N coefficients of its series, and in no more."""
    A, B = legt(size)
    column, series = B, []
    for k in range(2 * size + 1):
        column = np.linalg.solve(A, column)
        series.append(-legt.functions(size, 0.0) @ column * factorial(k) * (-1) ** k)
    np.testing.assert_allclose(series[:-1], 1.0, rtol=1e-9)
    assert abs(series[-1] - 1) > 1e-3


@pytest.mark.parametrize("size", [1, 3, 9, 33])
def test_fourier_is_exact_for_waves_of_its_own_frequencies(size):
    frequencies = 2 * np.pi * np.arange(size // 2 + 1)
    error = hippo.reconstruction_error(size, np.linspace(0, 1, 7), frequencies, fourier)
    np.testing.assert_allclose(error, 0, atol=1e-12)
    between = hippo.reconstruction_error(size, [0.5], frequencies + np.pi, fourier)
    assert between.min() > 1e-3


# How the matrices come apart


@EACH
def test_a_hippo_matrix_is_normal_minus_low_rank(family, size):
    A, _ = family(size)
    K, P = family.antisymmetric(size), family.low_rank(size)
    np.testing.assert_array_equal(K, -K.T)
    normal = family.damping * np.eye(size) + K
    np.testing.assert_allclose(normal - P @ P.T, A, rtol=0, atol=1e-13 * np.abs(A).max())
    assert P.shape == (size, 2 if family is legt else 1)


@EACH
def test_the_normal_part_has_orthonormal_eigenvectors(family, size):
    values, vectors = hippo.normal_part(size, family)
    assert (values.real == family.damping).all()
    assert (np.diff(values.imag) <= 0).all()
    np.testing.assert_allclose(vectors.conj().T @ vectors, np.eye(size), atol=1e-12)
    normal = family.damping * np.eye(size) + family.antisymmetric(size)
    scale = np.abs(normal).max()
    np.testing.assert_allclose(vectors * values @ vectors.conj().T, normal, atol=1e-13 * scale)


@EACH
def test_diagonal_plus_low_rank_is_the_hippo_matrix(family, size):
    A, B = family(size)
    form = diagonal_plus_low_rank(size, family)
    V = form.eigenvectors
    np.testing.assert_allclose(V @ form.matrix @ V.conj().T, A, atol=1e-13 * np.abs(A).max())
    np.testing.assert_allclose(V @ form.input, B, atol=1e-13 * np.abs(B).max())
    np.testing.assert_allclose(V.conj().T @ V, np.eye(size), atol=1e-12)


@EACH
def test_states_are_exact_conjugate_pairs(family, size):
    form = diagonal_plus_low_rank(size, family)
    assert form.low_rank.shape == ((size, 2) if family is legt else (size,))
    for rows in (form.eigenvalues, form.low_rank, form.input, form.eigenvectors.T):
        np.testing.assert_array_equal(rows, rows[::-1].conj())
    assert (form.input.real > 0).all()
    assert (form.input.imag == 0).all()


def test_legs_low_rank_is_its_input_over_the_root_of_two():
    form = diagonal_plus_low_rank(16)
    np.testing.assert_allclose(form.low_rank, form.input / np.sqrt(2), atol=1e-13)


# What can be read back


@FAMILIES
def test_a_constant_is_read_back_at_all_ages(family):
    A, B = family(9)
    state = -np.linalg.solve(A, B) * 3.0
    np.testing.assert_allclose(hippo.reconstruct(state, [0.0, 0.3, 1.0], family), 3.0, atol=1e-11)


@pytest.mark.parametrize(
    ("family", "size"), [(legs, 12), (legt, 5), (fourier, 13)], ids=["legs", "legt", "fourier"]
)
def test_the_predicted_error_is_the_error_of_a_long_run(family, size):
    dt, steps, omega, ages = 1e-3, 20_000, 7.0, np.array([0.0, 0.2, 0.7, 1.0])
    A, B = zero_order_hold(*family(size), dt)
    times = dt * np.arange(1, steps + 1)
    state = np.zeros(size)
    for wave in np.exp(1j * omega * (times - dt / 2)):  # held from the middle of each step
        state = A @ state + B * wave
    found = hippo.reconstruct(state, ages, family)
    error = np.abs(found - np.exp(1j * omega * (times[-1] - ages)))
    expected = hippo.reconstruction_error(size, ages, [omega], family)[:, 0]
    np.testing.assert_allclose(error, expected, atol=1e-3)
    assert expected.max() > 0.05


@pytest.mark.parametrize("omega", [0.5, 3.0, 20.0])
@pytest.mark.parametrize("size", [1, 4, 30])
def test_legs_forgets_a_wave_by_a_closed_form(size, omega):
    law = omega**2 / (omega**2 + size**2)
    A, B = legs(size)
    state = np.linalg.solve(1j * omega * np.eye(size) - A, B)
    assert 1 - np.linalg.norm(state) ** 2 == pytest.approx(law, rel=1e-9)
    x, weights = leggauss(10)
    panels, end = 500, 25
    ages = end / panels * (np.arange(panels)[:, None] + (x + 1) / 2).ravel()
    error = hippo.reconstruction_error(size, ages, [omega])[:, 0]
    found = np.exp(-ages) * error**2 @ np.tile(weights / 2, panels) * end / panels
    assert found == pytest.approx(law, rel=1e-5)


@pytest.mark.parametrize("omega", [2.0, 5.0, 20.0])
@pytest.mark.parametrize("size", [32, 64, 128])
def test_legs_loses_a_wave_at_the_age_where_it_outruns_the_polynomials(size, omega):
    horizon = np.log1p((size / omega) ** 2)
    ages = np.linspace(0.2, 2, 2000) * horizon
    error = hippo.reconstruction_error(size, ages, [omega])[:, 0]
    first = ages[np.argmax(error > 0.5)]
    assert 0.98 < first / horizon < 1.06


def test_older_inputs_are_coarser_and_more_states_hold_more():
    band, ages = np.linspace(0, 20, 101), np.linspace(0.1, 3.1, 300)
    squares = np.array(
        [hippo.reconstruction_error(size, ages, band) ** 2 for size in (8, 16, 32, 64, 128)]
    )
    errors = squares.reshape(5, 3, -1).mean(axis=2)  # by size, and by age in three parts
    assert (np.diff(errors, axis=0) < 0).all()
    assert (np.diff(errors, axis=1) > 0).all()


def test_a_window_of_legendre_polynomials_is_sharp_and_converges_faster_than_any_power():
    band, ages = np.linspace(0, 20, 101), np.linspace(0, 1, 11)
    worst = [hippo.reconstruction_error(size, ages, band, legt).max() for size in (8, 16, 24, 32)]
    assert worst[0] > 0.5
    assert worst[1] < 0.1
    assert worst[2] < 1e-6
    assert worst[3] < 1e-9


# Bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: legs(0), "size=0: expected an integer of at least"),
        (lambda: diagonal_plus_low_rank(-1), "size=-1: expected an integer of at least"),
        (lambda: hippo.normal_part(0, legt), "size=0: expected an integer of at least"),
        (lambda: fourier(4), r"size=4 .* use 5 \(or 3\)"),
        (lambda: diagonal_plus_low_rank(4, fourier), "size=4"),
        (lambda: legt.position([0.5, 1.5]), "between 0 and 1, but run from 0.5 to 1.5"),
        (lambda: fourier.position([-0.1]), "between 0 and 1"),
        (lambda: legs.position([-0.1]), "zero or positive, but hold -0.1"),
        (lambda: legs.functions(3, np.nan), "between 0 and 1"),
        (lambda: hippo.reconstruct(np.array(1.0), [0.0]), "one state or more"),
        (lambda: hippo.reconstruct(np.zeros((2, 0)), [0.0]), "one state or more"),
        (lambda: hippo.reconstruct(np.ones(3), [2.0], legt), "ages in the window"),
        (lambda: hippo.reconstruction_error(3, [0.0], [np.nan]), "frequencies must be"),
        (lambda: hippo.reconstruction_error(3, [[0.0]], [1.0]), "ages must be"),
    ],
)
def test_hippo_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_size_is_an_integer():
    with pytest.raises(TypeError, match="expected an integer"):
        legs(2.0)


@FAMILIES
def test_a_clip_that_binds_nothing_leaves_the_system_as_it_is(family):
    form = diagonal_plus_low_rank(9, family)
    loose = hippo.clipped(form, bound=1e3)
    V = loose.eigenvectors
    assert np.abs(V[0].imag).max() < 1e-12
    A, B = family(9)
    np.testing.assert_allclose(V @ loose.matrix @ V.conj().T, A, atol=1e-10)
    np.testing.assert_allclose(V @ loose.input, B, atol=1e-10)
    tight = hippo.clipped(form, bound=0.1).input
    assert np.abs(tight.imag).max() <= 0.1
    np.testing.assert_array_equal(tight.real, loose.input.real)
