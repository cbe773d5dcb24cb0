"""From an equation to S4's kernel: each step against the one before it."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from seqtheory import memory_theory as mt
from seqtheory import state_space as ss
from seqtheory.hippo import DPLR, diagonal_plus_low_rank, fourier, legs, legt

LAW = settings(deadline=None, derandomize=True, max_examples=30)
RULES = pytest.mark.parametrize("rule", [ss.zero_order_hold, ss.bilinear, ss.euler])
LENGTHS = [1, 2, 3, 4, 7, 8, 9, 64, 101, 1000, 1024, 4095, 4096]


def stable(rng, size):
    A = rng.normal(size=(size, size))
    A -= (np.linalg.eigvals(A).real.max() + 0.2) * np.eye(size)
    return A, rng.normal(size=size), rng.normal(size=size)


def random_form(rng, size, rank):
    """A diagonal plus low-rank system that is neither real nor a HiPPO matrix."""

    def draw(*shape):
        return rng.normal(size=shape) + 1j * rng.normal(size=shape)

    values = -rng.uniform(0.1, 2.0, size) + 10j * rng.normal(size=size)
    return DPLR(values, 0.3 * draw(size, rank), draw(size), np.eye(size)), draw(size)


def relative(found, expected):
    return np.abs(found - expected).max() / np.abs(expected).max()


# Discretisation


@given(seed=st.integers(0, 10_000), size=st.integers(1, 7), dt=st.sampled_from([0.01, 0.3, 2.0]))
@LAW
def test_zero_order_hold_is_the_exponential_and_its_integral(seed, size, dt):
    A, B, _ = stable(np.random.default_rng(seed), size)
    A_bar, B_bar = ss.zero_order_hold(A, B, dt)
    np.testing.assert_allclose(A_bar, linalg.expm(dt * A), atol=1e-12)
    by_inverse = np.linalg.solve(A, (A_bar - np.eye(size)) @ B)
    np.testing.assert_allclose(B_bar, by_inverse, atol=1e-11)


def test_zero_order_hold_takes_a_singular_matrix():
    chain = np.diag(np.ones(2), -1)  # u integrated once, twice, and three times
    A_bar, B_bar = ss.zero_order_hold(chain, np.eye(3)[0], 2.0)
    np.testing.assert_allclose(A_bar, [[1, 0, 0], [2, 1, 0], [2, 2, 1]], atol=1e-15)
    np.testing.assert_allclose(B_bar, [2, 2, 8 / 6], atol=1e-15)


@pytest.mark.parametrize("size", [4, 5])
def test_zero_order_hold_is_that_of_memory_theory(size):
    A, B, C = stable(np.random.default_rng(0), size)
    system = mt.ContinuousSystem(mt.Dense(A), B[:, None], C[None])
    u = np.random.default_rng(1).normal(size=(3, 40))
    found = ss.recurrence(*ss.zero_order_hold(A, B, 0.2), C, u)
    np.testing.assert_allclose(found, system.discretise(0.2)(u[..., None])[..., 0], atol=1e-12)


@pytest.mark.parametrize(("rule", "order"), [(ss.euler, 1), (ss.bilinear, 2)])
def test_order_of_a_rule(rule, order):
    A, B, _ = stable(np.random.default_rng(2), 5)
    exact = linalg.expm(A)
    errors = [
        np.abs(np.linalg.matrix_power(rule(A, B, 1 / steps)[0], steps) - exact).max()
        for steps in (400, 800)
    ]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.1)


@RULES
@pytest.mark.parametrize("size", [4, 5])
def test_a_rule_acts_on_complex_systems_as_on_their_real_form(rule, size):
    A, B, _ = stable(np.random.default_rng(3), size)
    T = np.random.default_rng(4).normal(size=(size, size)) + 1j * np.eye(size)
    back = np.linalg.inv(T)
    A_bar, B_bar = rule(T @ A @ back, T @ B, 0.1)
    expected = rule(A, B, 0.1)
    assert not np.iscomplexobj(expected[0])
    assert not np.iscomplexobj(expected[1])
    np.testing.assert_allclose(back @ A_bar @ T, expected[0], atol=1e-10)
    np.testing.assert_allclose(back @ B_bar, expected[1], atol=1e-10)


def test_the_bilinear_rule_keeps_stability_and_eulers_does_not():
    def radius(rule, dt, size=64):
        return np.abs(np.linalg.eigvals(rule(*legs(size), dt)[0])).max()

    # triangular, so that the eigenvalues -1, ..., -64 are on the diagonal
    for dt in (0.001, 0.1, 10.0):
        diagonal = np.diag(ss.bilinear(*legs(64), dt)[0])
        assert np.abs(diagonal).max() < 1
    assert radius(ss.euler, 1.99 / 64) < 1 < radius(ss.euler, 2.01 / 64)


# Recurrence and convolution


@given(
    seed=st.integers(0, 10_000), size=st.integers(1, 6), length=st.sampled_from([1, 2, 7, 8, 33])
)
@LAW
def test_convolution_equals_recurrence(seed, size, length):
    rng = np.random.default_rng(seed)
    A, B, C = stable(rng, size)
    model = (*ss.bilinear(A, B, 0.1), C)
    u = rng.normal(size=(2, 3, length))
    by_recurrence = ss.recurrence(*model, u)
    by_convolution = ss.convolve(ss.kernel(*model, length + seed % 2), u)
    np.testing.assert_allclose(by_convolution, by_recurrence, atol=1e-10)


def test_the_kernel_holds_the_powers():
    A, B, C = stable(np.random.default_rng(5), 4)
    A = linalg.expm(A)
    expected = [C @ np.linalg.matrix_power(A, k) @ B for k in range(30)]
    np.testing.assert_allclose(ss.kernel(A, B, C, 30), expected, atol=1e-12)


# Generating function


@given(
    seed=st.integers(0, 10_000), size=st.integers(1, 6), length=st.sampled_from([1, 2, 7, 8, 33])
)
@LAW
def test_the_generating_function_is_the_polynomial_of_the_kernel(seed, size, length):
    rng = np.random.default_rng(seed)
    A, B, C = stable(rng, size)
    model = (*ss.bilinear(A, B, 0.1), C)
    z = rng.uniform(-1, 1, 5) + 1j * rng.uniform(-1, 1, 5)
    expected = np.polynomial.polynomial.polyval(z, ss.kernel(*model, length))
    np.testing.assert_allclose(ss.generating_function(*model, length, z), expected, atol=1e-9)


@pytest.mark.parametrize("radius", [1.0, 0.97])
@pytest.mark.parametrize("length", [1, 2, 7, 8, 100])
def test_the_kernel_comes_back_from_the_circle(length, radius):
    A, B, C = stable(np.random.default_rng(6), 5)
    model = (*ss.bilinear(A, B, 0.1), C)
    values = ss.generating_function(*model, length, ss.circle(length, radius))
    expected = ss.kernel(*model, length)
    np.testing.assert_allclose(ss.coefficients(values, radius), expected, atol=1e-11)


@pytest.mark.parametrize("radius", [1.0, 0.97])
def test_truncation_moves_into_the_output_on_the_circle(radius):
    A, B, C = stable(np.random.default_rng(7), 5)
    A, B = ss.bilinear(A, B, 0.1)
    z = ss.circle(12, radius)
    output = ss.truncated_output(A, C, 12, radius)
    infinite = [output @ np.linalg.solve(np.eye(5) - point * A, B) for point in z]
    np.testing.assert_allclose(infinite, ss.generating_function(A, B, C, 12, z), atol=1e-12)


@pytest.mark.parametrize("length", [1, 2, 5, 6, 4096])
def test_the_circle_is_the_grid_of_the_fourier_transform(length):
    z = ss.circle(length)
    np.testing.assert_allclose(z, np.exp(-2j * np.pi * np.arange(length) / length), atol=1e-15)
    np.testing.assert_array_equal(z[1:], z[:0:-1].conj())
    assert z[0] == 1
    assert length % 2 or z[length // 2] == -1


# Diagonal plus low rank


@pytest.mark.parametrize("dt", [1e-3, 0.1, 3.0])
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 4, 7])
def test_the_dplr_step_is_the_dense_bilinear_step(size, rank, dt):
    rng = np.random.default_rng(size)
    form, _ = random_form(rng, size, rank)
    A_bar, B_bar = ss.bilinear(form.matrix, form.input, dt)
    states = rng.normal(size=(3, 2, size)) + 1j * rng.normal(size=(3, 2, size))
    inputs = rng.normal(size=(3, 2))
    expected = states @ A_bar.T + inputs[..., None] * B_bar
    np.testing.assert_allclose(ss.dplr_step(form, dt, states, inputs), expected, atol=1e-11)


@pytest.mark.parametrize(
    ("family", "size"), [(legs, 64), (legs, 33), (legt, 64), (legt, 33), (fourier, 33)]
)
def test_unrolled_dplr_steps_are_the_dense_recurrence(family, size):
    form = diagonal_plus_low_rank(size, family)
    C = np.random.default_rng(8).normal(size=size)
    u = np.random.default_rng(9).normal(size=200)
    state, outputs = np.zeros(size), []
    for value in u:
        state = ss.dplr_step(form, 0.02, state, value)
        outputs.append(C @ form.eigenvectors @ state)
    expected = ss.recurrence(*ss.bilinear(*family(size), 0.02), C, u)
    assert relative(np.array(outputs), expected) < 1e-11


@pytest.mark.parametrize("dt", [1e-3, 0.1, 1.0])
@pytest.mark.parametrize("size", [1, 2, 3, 16, 33, 64])
def test_the_s4_kernel_is_the_dense_recurrence(size, dt):
    form = diagonal_plus_low_rank(size)
    C = np.random.default_rng(size).normal(size=size)
    dense = ss.kernel(*ss.bilinear(*legs(size), dt), C, max(LENGTHS))
    for length in LENGTHS:
        found = ss.dplr_kernel(form, C @ form.eigenvectors, dt, length)
        assert relative(found, dense[:length]) < 1e-10, length


@pytest.mark.parametrize("length", [1, 2, 7, 8, 1000, 1001])
@pytest.mark.parametrize(
    ("family", "size"), [(legt, 1), (legt, 8), (legt, 9), (fourier, 1), (fourier, 9)]
)
def test_a_smaller_circle_keeps_away_from_modes_that_do_not_decay(family, size, length):
    form = diagonal_plus_low_rank(size, family)
    C = np.random.default_rng(size).normal(size=size)
    dense = ss.kernel(*ss.bilinear(*family(size), 0.05), C, length)
    found = ss.dplr_kernel(form, C @ form.eigenvectors, 0.05, length, radius=np.exp(-1 / length))
    assert relative(found, dense) < 1e-10


@pytest.mark.parametrize("length", [6, 7])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_cauchy_sums_are_the_dense_generating_function(rank, length):
    form, C = random_form(np.random.default_rng(rank), 5, rank)
    model = (*ss.bilinear(form.matrix, form.input, 0.1), C)
    for radius in (1.0, 0.9):
        expected = ss.generating_function(*model, length, ss.circle(length, radius))
        found = ss.dplr_generating_function(form, C, 0.1, length, radius=radius)
        np.testing.assert_allclose(found, expected, rtol=1e-11)


@pytest.mark.parametrize("length", [2, 4, 1000, 4096])
def test_the_value_at_minus_one_is_exact(length):
    """There (1 - z) / (1 + z) is infinite, the resolvent is I / 2, and A has dropped out."""
    form, C = random_form(np.random.default_rng(10), 5, 2)
    truncated = ss.truncated_output(ss.dplr_bilinear(form, 0.1)[0], C, length)
    value = ss.dplr_generating_function(form, C, 0.1, length)[length // 2]
    assert value == pytest.approx(0.05 * truncated @ form.input, rel=1e-15)


def test_memory_does_not_grow_with_the_length():
    form = diagonal_plus_low_rank(64)
    C = form.input

    def extra(length):
        tracemalloc.start()
        try:
            result = ss.dplr_generating_function(form, C, 0.01, length)
            return tracemalloc.get_traced_memory()[1] - result.nbytes
        finally:
            tracemalloc.stop()

    extra(8)
    # a table (frequency, state) of the longer one would take 268 MB
    assert extra(2**18) == pytest.approx(extra(2**14), rel=0.05)
    assert extra(2**18) < 2**24


# Bad input

ONE = np.ones((1, 1)), np.ones(1), np.ones(1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ss.bilinear(np.ones((2, 3)), np.ones(2), 0.1), ValueError, r"\(state, state\)"),
        (lambda: ss.euler(np.ones((0, 0)), np.ones(0), 0.1), ValueError, r"shape \(0, 0\)"),
        (lambda: ss.bilinear(np.ones((2, 2)), np.ones((2, 1)), 0.1), ValueError, r"B has shape"),
        (lambda: ss.bilinear(*ONE[:2], 0.0), ValueError, "dt=0.0: expected a positive number"),
        (lambda: ss.bilinear(*ONE[:2], 2.0), ValueError, "2 / dt = 1.0 is an eigenvalue"),
        (lambda: ss.euler([[np.nan]], np.ones(1), 0.1), ValueError, "A holds NaN"),
        (lambda: ss.euler([["a"]], np.ones(1), 0.1), TypeError, "expected numbers"),
        (lambda: ss.recurrence(*ONE, np.ones((3, 0))), ValueError, "at least one step"),
        (lambda: ss.recurrence(*ONE, np.ones(3) * 1j), ValueError, "expected real numbers"),
        (lambda: ss.recurrence(ONE[0] * 1j, *ONE[1:], np.ones(3)), ValueError, "complex"),
        (lambda: ss.kernel(*ONE, 0), ValueError, "length=0"),
        (lambda: ss.convolve(np.ones(3), np.ones(4)), ValueError, "at least 4 steps"),
        (lambda: ss.generating_function(*ONE, 3, [1.0]), ValueError, "inverse of an eigenvalue"),
        (lambda: ss.generating_function(*ONE, 2.0, [1.0]), TypeError, "expected an integer"),
        (lambda: ss.circle(4, radius=-1.0), ValueError, "radius=-1.0"),
        (lambda: ss.circle(0), ValueError, "length=0"),
    ],
)
def test_state_space_says_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: ss.dplr_kernel(f, np.ones(3), 0.1, 8), r"C has shape \(3,\); expected \(4,\)"),
        (lambda f: ss.dplr_kernel(f, np.ones(4), -0.1, 8), "dt=-0.1"),
        (lambda f: ss.dplr_kernel(f, np.ones(4), 0.1, 8, radius=0.0), "radius=0.0"),
        (lambda f: ss.dplr_step(f, 0.1, np.ones(3), 1.0), r"expected \(..., 4\)"),
        (lambda f: ss.dplr_step(f, 0.0, np.ones(4), 1.0), "dt=0.0"),
        (
            lambda f: ss.dplr_step(f._replace(eigenvalues=np.ones(4)), 2.0, np.ones(4), 1.0),
            "2 / dt = 1.0 is an eigenvalue",
        ),
        (
            lambda _: ss.dplr_kernel(diagonal_plus_low_rank(3, legt), np.ones(3), 0.1, 8),
            r"real part of 0, .* give radius=exp\(-1 / length\)",
        ),
        (
            lambda f: ss.dplr_kernel(f._replace(eigenvalues=-f.eigenvalues), np.ones(4), 0.1, 8),
            "take the dense kernel",
        ),
    ],
)
def test_dplr_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call(diagonal_plus_low_rank(4))
