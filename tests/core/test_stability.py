"""Which maps are stable, the margin of a network, envelopes, rates, and gradient variances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtheory import reparameterisation as rp
from seqtheory.memory_theory import (
    ContinuousSystem,
    Dense,
    Diagonal,
    DiscreteSystem,
    Jordan,
    asymptotic_rate,
    gradient_variance,
    memory_envelope,
    memory_function,
    stability_functional,
    stability_margin,
    stability_verdict,
    state_variance,
    weight_gradient_variance,
)

LAW = settings(deadline=None, derandomize=True, max_examples=25)


class Square(rp.Reparameterisation):
    """-exp(w^2): stable nowhere near infinity, since its ratio grows with w."""

    def __repr__(self):
        return "Square()"

    def __call__(self, w):
        return -np.exp(np.minimum(np.square(w), 600.0))

    def derivative(self, w):
        return 2 * w * self(w)

    def inverse(self, eigenvalue):
        return np.sqrt(np.log(-np.asarray(eigenvalue)))


@pytest.mark.parametrize(
    ("p", "stable", "reason"),
    [
        (rp.Direct(), False, "never forget"),
        (rp.ReLU(), False, "never forget"),
        (rp.Exp(), True, "finite"),
        (rp.Softplus(), True, "finite"),
        (rp.Sigmoid(), True, "finite"),
        (rp.Inverse(), True, "finite"),
        (rp.Inverse(b=0.0), False, ""),
        (rp.Best(), True, "finite"),
        (rp.Best(b=0.1), True, "finite"),
        (rp.Best(b=0.0), False, ""),
        (Square(), False, "supremum is infinite"),
    ],
    ids=repr,
)
def test_stable_maps_are_told_from_others(p, stable, reason):
    verdict = stability_verdict(p)
    assert verdict.is_stable == stable
    assert reason in verdict.reason


def test_stability_functional_of_the_other_maps_is_its_closed_form():
    betas = np.array([0.01, 0.1, 0.5])
    np.testing.assert_allclose(
        stability_functional(rp.Sigmoid(), betas), np.expm1(betas), rtol=1e-5
    )
    np.testing.assert_allclose(stability_functional(rp.Inverse(b=0.4), betas), betas / 0.4)


def test_a_direct_weight_is_less_stable_the_longer_its_memory():
    from seqtheory.memory_theory._stability import _relative_changes

    found = _relative_changes(rp.Direct(), np.array([-1.0, -0.1, -0.01, -0.004]), 0.005)
    np.testing.assert_allclose(found, [0.005025, 0.052632, 1.0, np.inf], atol=5e-7)


# Margin


@pytest.mark.parametrize("p", [rp.Exp(), rp.Softplus(), rp.Sigmoid(), rp.Best(), rp.Inverse()])
def test_margin_is_the_slowest_rate_of_a_stable_map(p):
    w = p.inverse([-0.9, -0.02, -0.4])
    assert stability_margin(p, w) == pytest.approx(0.02)
    assert stability_margin(p, w, upstream=True) == pytest.approx(0.02)
    assert stability_margin(rp.Sampled(p), w) == pytest.approx(1 - np.exp(-0.02))


def test_margin_counts_modes_at_zero_and_beyond_two():
    w = np.array([0.3, -1.0, 0.0, 1.2])
    assert stability_margin(rp.ReLU(), w) == 0.0
    assert stability_margin(rp.ReLU(), w, upstream=True) == pytest.approx(0.3)
    fast = np.array([0.3, 2.5])  # h_{k+1} = (1 - 2.5) h_k grows
    assert stability_margin(rp.Euler(rp.ReLU()), fast) == pytest.approx(-0.5)
    assert stability_margin(rp.Euler(rp.ReLU()), fast, upstream=True) == pytest.approx(0.3)
    assert stability_margin(rp.Euler(rp.ReLU(), dt=0.33), fast) == pytest.approx(0.33 * 0.3)
    assert stability_margin(rp.Direct(), [-0.2, 0.1]) == pytest.approx(-0.1)


@given(weights=st.lists(st.floats(-3.0, 3.0), min_size=1, max_size=6))
@LAW
def test_margin_is_positive_exactly_if_the_recurrence_forgets(weights):
    p = rp.Euler(rp.Direct())
    margin, radius = stability_margin(p, weights), np.abs(p(weights)).max()
    assert margin == pytest.approx(1 - radius)
    if abs(margin) > 1e-12:
        assert (margin > 0) == (radius < 1)


def test_margin_says_what_is_wrong():
    with pytest.raises(ValueError, match="at least one"):
        stability_margin(rp.Exp(), [])
    with pytest.raises(ValueError, match="finite"):
        stability_margin(rp.Exp(), [np.nan])
    with pytest.raises(ValueError, match="no mode decays"):
        stability_margin(rp.ReLU(), [-1.0], upstream=True)
    with pytest.raises(TypeError, match="such as Exp"):
        stability_margin(np.exp, [1.0])


# Envelope


@pytest.mark.parametrize("activation", [np.tanh, lambda h: np.clip(h, -1, 1), lambda h: h])
@given(seed=st.integers(0, 10_000), width=st.integers(1, 6), channels=st.integers(1, 3))
@LAW
def test_memory_of_state_space_models_stays_below_the_envelope(activation, seed, width, channels):
    rng, dt, horizon = np.random.default_rng(seed), 0.1, 60
    beta = rng.uniform(0.1, 1.0)
    rates = beta + rng.exponential(1.0, width)
    rates[0] = beta
    U, b, c = (rng.normal(size=shape) for shape in ((width, channels), width, width))
    keep = np.exp(-rates * dt)
    held = (1 - keep) / rates

    def model(x):
        h, outputs = np.tile(b / rates, (len(x), 1)), []  # from its state of rest
        for k in range(x.shape[1]):
            h = keep * h + held * (x[:, k] @ U.T + b)
            outputs.append(activation(h) @ c[:, None])
        return np.stack(outputs, axis=1)

    largest = max(np.linalg.norm(U, 2), np.linalg.norm(b), np.linalg.norm(c))
    bound = memory_envelope(
        dt * np.arange(horizon), rate=beta, channels=channels, largest_norm=largest
    )
    for amplitude in (0.1, 3.0):
        found = memory_function(
            model, horizon, channels=channels, dt=dt, directions=16, amplitude=amplitude
        )
        # Each step reports an average over it, and the bound is that of its start.
        assert np.all(found <= bound * (1 + 1e-9) + 1e-12)


def test_envelope_is_reached_up_to_its_constant():
    # One mode, one channel and no bias: M(t) = |c U| e^{-beta t}, half of the bound.
    system = ContinuousSystem(Diagonal([-0.3]), [[2.0]], [[2.0]])
    t = np.linspace(0, 10, 11)
    bound = memory_envelope(t, rate=0.3, channels=1, largest_norm=2.0)
    np.testing.assert_allclose(system.memory(t), bound / 2)
    with pytest.raises(ValueError, match="negative"):
        memory_envelope([-1.0], rate=0.3, channels=1, largest_norm=2.0)


# Asymptotic rate against the spectrum


@given(seed=st.integers(0, 10_000))
@LAW
def test_asymptotic_rate_is_that_of_the_spectrum(seed):
    rng = np.random.default_rng(seed)
    values = -np.array([0.2, 0.7, 1.1, 2.0]) * rng.uniform(0.8, 1.2)
    basis = np.eye(4) + 0.2 * rng.normal(size=(4, 4))
    system = ContinuousSystem(
        Dense(basis @ np.diag(values) @ np.linalg.inv(basis)), np.ones((4, 1)), np.eye(4)
    )
    t = np.linspace(0.0, 60.0, 121)
    assert asymptotic_rate(t, system.memory(t)).value == pytest.approx(system.rate, rel=1e-3)


def test_asymptotic_rate_of_jordan_and_oscillating_systems():
    k = np.arange(1.0, 300.0)
    block = DiscreteSystem(Jordan(((0.9, 3),)), [[0.0], [0.0], [1.0]], [[1.0, 0.0, 0.0]])
    memory_of_block = block.memory(300)[1:]
    wrong, right = (asymptotic_rate(k[2:], memory_of_block[2:], block=m).value for m in (1, 3))
    assert right == pytest.approx(block.rate, rel=1e-3)
    assert wrong < 0.95 * block.rate  # k^2 0.9^k falls more slowly than 0.9^k for long
    turning = ContinuousSystem(Diagonal([-0.1 + 2j]), [[1.0]], [[1.0]], conjugate_pairs=True)
    t = np.linspace(0.0, 80.0, 801)
    assert asymptotic_rate(t, turning.memory(t)).value == pytest.approx(0.1, rel=0.05)


def test_asymptotic_rate_of_a_heavy_tail_keeps_falling():
    rates = []
    for end in (100.0, 1000.0, 10_000.0):
        t = np.linspace(0.0, end, 500)
        rates.append(asymptotic_rate(t, (1 + t) ** -1.8).value * end)
    assert max(rates) / min(rates) < 1.1  # like 1 / horizon


@pytest.mark.parametrize(
    ("times", "values", "settings", "message"),
    [
        (np.arange(8.0), np.ones(8), {}, "at least 12"),
        (np.arange(20.0), np.exp(-0.01 * np.arange(20.0)), {}, "shorter than the slowest mode"),
        (np.arange(20.0), np.zeros(20), {}, "positive"),
        (np.arange(20.0), np.ones(20), {"tail": 0.1}, "leaves at least 6"),
        (np.arange(20.0), np.ones(20), {"block": 2, "tail": 1.0}, "nor the tail hold 0"),
    ],
)
def test_asymptotic_rate_says_what_is_wrong(times, values, settings, message):
    with pytest.raises(ValueError, match=message):
        asymptotic_rate(times, values, **settings)


# Variances as eigenvalues approach one


def direct_sums(value, correlation, normalised):
    """Variances of h and dh/dlambda from impulse responses, summed until nothing is left."""
    n = np.arange(6000)
    response, sensitivity = value**n, n * value ** np.maximum(n - 1.0, 0.0)
    if normalised:
        gamma = np.sqrt(1 - value**2)
        response, sensitivity = gamma * response, gamma * sensitivity - value / gamma * response

    def variance(r):
        total = correlation[0] * (r @ r)
        return total + sum(2 * R * (r[d:] @ r[:-d]) for d, R in enumerate(correlation) if d)

    return variance(response), variance(sensitivity)


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("correlation", [(1.0,), (2.0, -0.7), (1.0, 0.8, 0.5, 0.2)])
@pytest.mark.parametrize("value", [-0.6, 0.0, 0.5, 0.9, 0.99])
def test_variances_are_their_direct_sums(value, correlation, normalised):
    h, slope = direct_sums(value, correlation, normalised)
    assert state_variance(value, correlation, normalised=normalised) == pytest.approx(h, rel=1e-9)
    found = gradient_variance(value, correlation, normalised=normalised)
    assert found == pytest.approx(slope, rel=1e-9)


def test_variances_have_the_published_values():
    np.testing.assert_allclose(state_variance([0.9, 0.99]), [5.2631579, 50.2512563], atol=5e-8)
    found = gradient_variance([0.9, 0.99])
    np.testing.assert_allclose(found, [263.886864, 251262.626], rtol=2e-9)


def test_variance_of_a_simulated_recurrence_is_the_closed_form():
    x = np.random.default_rng(0).standard_normal((4000, 200))
    h = slope = 0.0
    for k in range(x.shape[1]):
        h, slope = 0.9 * h + x[:, k], 0.9 * slope + h
    assert np.var(h) == pytest.approx(state_variance(0.9), rel=0.1)
    assert np.var(slope) == pytest.approx(gradient_variance(0.9), rel=0.1)


@pytest.mark.parametrize(
    ("p", "plain", "normalised"),
    [
        (rp.Direct(), 3, 2),
        (rp.Exp(), 1, 0),
        (rp.Softplus(), 1, 0),
        (rp.Best(), 0, -1),
        (rp.Inverse(), -1, -2),
    ],
    ids=repr,
)
def test_gradient_grows_with_a_power_of_the_time_scale_that_the_map_decides(p, plain, normalised):
    discrete, tau = p.discrete(), np.array([1e3, 1e4])
    w = discrete.inverse(1 - 1 / tau)
    for power, scaled in ((plain, False), (normalised, True)):
        found = weight_gradient_variance(discrete, w, normalised=scaled)
        assert np.log10(found[1] / found[0]) == pytest.approx(power, abs=2e-3)


def test_variances_say_what_is_wrong():
    for value in (1.0, -1.2, np.nan):
        with pytest.raises(ValueError, match="no state is stationary"):
            state_variance(value)
    for correlation in ((), (0.0,), (1.0, 2.0), (np.nan,)):
        with pytest.raises(ValueError, match="R_0"):
            gradient_variance(0.5, correlation)
    with pytest.raises(TypeError, match=r"add \.discrete\(\)"):
        weight_gradient_variance(rp.Exp(), 0.0)
