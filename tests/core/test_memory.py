"""Memory kernels: values, limits and what they refuse."""

import math

import numpy as np
import pytest
from scipy import integrate

from seqtheory import memory

KERNELS = [
    memory.Exponential(),
    memory.Polynomial(),
    memory.Sine(),
    memory.Shift(),
    memory.TwoParts(),
    memory.Airy(),
    memory.ExponentialSum(power=1, num_terms=50),
    memory.ExponentialSum(power=2, num_terms=50),
]


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_kernels_act_elementwise(kernel):
    t = np.linspace(0.0, 20.0, 12).reshape(3, 4)
    values = kernel(t)
    assert values.shape == t.shape
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, [[float(kernel(s)) for s in row] for row in t], rtol=1e-12)


def test_kernels_have_the_published_formulas():
    t = np.array([0.0, 1.0, 9.0, 10.0, 11.0, 12.5])
    np.testing.assert_allclose(memory.Exponential(0.5)(t), np.exp(-t / 2), rtol=1e-15)
    np.testing.assert_allclose(memory.Polynomial()(t), 1 / (1 + 0.1 * t) ** 1.1, rtol=1e-14)
    np.testing.assert_allclose(memory.Sine()(t), np.sin(t))
    np.testing.assert_array_equal(memory.Shift()(t), [0, 0, 0, 1, 0, 0])
    np.testing.assert_allclose(memory.TwoParts()(t), np.exp(-t) + np.exp(-((t - 9) ** 2)))


def test_airy_solves_its_differential_equation():
    # Ai'' = s Ai at s = t - shift, by central differences.
    kernel, t, h = memory.Airy(shift=6.0), np.linspace(1.0, 12.0, 40), 1e-3
    second = (kernel(t + h) - 2 * kernel(t) + kernel(t - h)) / h**2
    np.testing.assert_allclose(second, (t - 6.0) * kernel(t), atol=1e-5)


@pytest.mark.parametrize(("t", "value"), [(10.0, 0.0715266766), (99.0, 0.0063095734)])
def test_polynomial_is_a_mixture_of_exponentials_down_to_rate_zero(t, value):
    p = 1.1
    mixture = integrate.quad(lambda s: s ** (p - 1) * np.exp(-s - s * t), 0, np.inf)[0]
    assert mixture / math.gamma(p) == pytest.approx(value, abs=1e-9)
    assert float(memory.Polynomial(1.0, p)(t)) == pytest.approx(value, abs=5e-11)


@pytest.mark.parametrize("power", [1, 2])
def test_exponential_sum_is_within_its_bound_of_the_long_sum(power):
    t = np.array([0.0, 1e-9, 0.3, 5.0, 80.0, 1e3, 1e4])
    k = np.arange(1, 200_001, dtype=float)
    long_sum = np.array([np.sum(np.exp(-s / k**power) / k**2) for s in t])
    # The terms left out add up to at most this, the sum of k^-2 beyond.
    left_out = 1 / k[-1]
    for terms in (10, 100):
        value = memory.ExponentialSum(power, terms)(t)
        bound = 1 / (12 * terms**3)
        assert np.all(value >= long_sum - bound)
        assert np.all(value <= long_sum + left_out + bound)
    # Two truncations agree to the coarser bound: the tail is not merely small, it is right.
    fine = memory.ExponentialSum(power, 2000)(t)
    coarse = memory.ExponentialSum(power, 20)(t)
    assert np.abs(fine - coarse).max() <= 1 / (12 * 20**3)
    assert fine[0] == pytest.approx(np.pi**2 / 6, abs=2e-11)


def test_exponential_sum_has_a_heavy_tail():
    # integral over k of the terms: about 1 / t for power 1, sqrt(pi / 4 t) for power 2.
    t = 1e8
    assert float(memory.ExponentialSum(1)(t)) * t == pytest.approx(1.0, rel=1e-4)
    assert float(memory.ExponentialSum(2)(t)) * math.sqrt(t) == pytest.approx(
        math.sqrt(math.pi) / 2, rel=1e-3
    )


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
@pytest.mark.parametrize("t", [-1.0, np.nan])
def test_ages_before_zero_are_refused(kernel, t):
    with pytest.raises(ValueError, match="zero or positive"):
        kernel(np.array([0.0, t]))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: memory.Exponential(rate=0.0), ValueError, "rate=0.0: expected a positive"),
        (lambda: memory.Exponential(rate="fast"), TypeError, "expected a positive number"),
        (lambda: memory.Polynomial(power=-1.0), ValueError, "power"),
        (lambda: memory.Polynomial(rate=np.inf), ValueError, "finite"),
        (lambda: memory.Airy(shift=-1.0), ValueError, "shift"),
        (lambda: memory.ExponentialSum(power=3), ValueError, "1 or 2"),
        (lambda: memory.ExponentialSum(num_terms=1), ValueError, "at least 2"),
        (lambda: memory.Sine()(np.array([1j])), TypeError, "complex"),
    ],
)
def test_bad_settings_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("kernel", "error", "message"),
    [
        (lambda t: t[:-1], ValueError, "one value per time"),
        (lambda t: np.where(t > 2, np.nan, t), ValueError, "nan at t = 3"),
        (lambda t: 1j * t, TypeError, "real"),
    ],
)
def test_sample_refuses_what_is_not_a_kernel(kernel, error, message):
    with pytest.raises(error, match=message):
        memory.sample(kernel, np.arange(5.0))
