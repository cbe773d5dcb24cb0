"""Linear functionals under perturbation: verdicts, readings, norms and counter-examples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtheory import memory
from seqtheory import reparameterisation as rp
from seqtheory.memory_theory import (
    CommonShift,
    ExponentialFit,
    SampledNoise,
    WorstVertex,
    fit_exponentials,
    perturbation_error,
    stable_approximation,
)

LAW = settings(deadline=None, derandomize=True, max_examples=20)
NINETENTHS, HEAVY = memory.Exponential(rate=-np.log(0.9)), memory.Polynomial(1.0, 1.1)
MAPS = [rp.Direct(), rp.Exp(), rp.Softplus(), rp.Best()]


# Fits


def test_best_fit_recovers_an_exponential_sum():
    truth = ExponentialFit(np.array([0.05, 0.4]), np.array([0.7, -1.5]))
    found = fit_exponentials(truth, 2)
    np.testing.assert_allclose(found.rates, truth.rates, rtol=1e-5)
    np.testing.assert_allclose(found.coefficients, truth.coefficients, rtol=1e-5)


@pytest.mark.parametrize("kernel", [HEAVY, memory.Airy(), memory.TwoParts()], ids=repr)
def test_best_fit_is_no_worse_than_any_grid_of_rates_and_improves_with_width(kernel):
    t = np.arange(101.0)

    def error(fit):
        return np.linalg.norm(kernel(t) - fit(t))

    best = [error(fit_exponentials(kernel, width)) for width in (1, 2, 4)]
    for width, found in zip((1, 2, 4), best, strict=True):
        for slowest in (0.01, 0.03, 0.1):
            assert found <= error(fit_exponentials(kernel, width, slowest=slowest)) * (1 + 1e-9)
    assert best[0] > best[1] > best[2]


# Readings


# beta = 1e-2, exponential kernel, widths 4 and 8: common shift, and worst case over signs.
WORST = {
    rp.Direct(): (1.109, 1.303),
    rp.Exp(): (0.175, 0.188),
    rp.Softplus(): (0.170, 0.169),
    rp.Best(): (0.1475, 0.1555),
}


@pytest.mark.parametrize("p", MAPS, ids=repr)
def test_worst_case_has_the_values_over_signs_and_ascent_adds_little(p):
    for width, expected in zip((4, 8), WORST[p], strict=True):
        for steps, slack in ((0, 0.0), (40, 0.05)):
            found = perturbation_error(
                NINETENTHS, p, width, [1e-2], slowest=0.1, perturbation=WorstVertex(steps=steps)
            )[0]
            assert expected * (1 - 4e-3) <= found <= expected * (1 + 4e-3 + slack)


@pytest.mark.parametrize("norm", ["l1", "l2", "sup"])
@given(
    p=st.sampled_from(MAPS),
    width=st.integers(1, 5),
    beta=st.floats(1e-4, 0.3),
    seed=st.integers(0, 100),
)
@LAW
def test_the_worst_case_is_the_largest_reading(norm, p, width, beta, seed):
    def error(perturbation):
        return perturbation_error(
            NINETENTHS, p, width, [beta], slowest=0.1, perturbation=perturbation, norm=norm
        )[0]

    worst = error(WorstVertex())
    for other in (CommonShift(), SampledNoise(seed=seed), SampledNoise(ball="two", seed=seed)):
        # Where the maximum lies inside, ascent may stop just short of what a draw hits.
        assert error(other) <= worst * (1 + 1e-3)


def test_ascent_finds_a_maximum_inside_the_box():
    # Best turns back at w = 0, so the fastest mode that it reaches lies inside, not at a corner.
    fit = ExponentialFit(np.array([1.99]), np.array([1.0]))
    w = float(rp.Best().inverse(-1.99))
    beta = 1.7 * w
    corners = perturbation_error(
        fit, rp.Best(), fit, [beta], perturbation=WorstVertex(steps=0, starts=1)
    )[0]
    grid = [
        perturbation_error(fit, _Moved(rp.Best(), d), fit, [0.0])[0]
        for d in np.linspace(-beta, beta, 201)
    ]
    found = perturbation_error(fit, rp.Best(), fit, [beta], perturbation="vertices")[0]
    assert found >= corners
    assert found == pytest.approx(max(grid), rel=1e-3)


class _Moved(rp.Reparameterisation):
    """A map whose weights, once found, are read `by` further on."""

    def __init__(self, inner, by):
        self.inner, self.by = inner, by

    def __call__(self, w):
        return self.inner(w + self.by)

    def derivative(self, w):
        return self.inner.derivative(w + self.by)

    def inverse(self, eigenvalue):
        return self.inner.inverse(eigenvalue)


def test_gradient_of_the_error_is_its_slope():
    from seqtheory.memory_theory._functional_norms import FunctionalNorm
    from seqtheory.memory_theory._perturbations import PerturbedFit

    rng, times = np.random.default_rng(0), np.arange(30.0)
    for norm in ("l1", "l2", "sup"):
        fit = PerturbedFit(
            rp.Softplus(), np.zeros(3), rng.normal(size=3), times, HEAVY(times),
            FunctionalNorm(norm, 1.0),
        )  # fmt: skip
        w = rng.normal(size=(4, 3))
        for i, h in enumerate(1e-6 * np.eye(3)):
            slope = (fit.error(w + h) - fit.error(w - h)) / 2e-6
            np.testing.assert_allclose(fit.gradient(w)[:, i], slope, rtol=1e-4, atol=1e-7)


def test_published_protocol_takes_all_tensors_and_a_running_maximum():
    betas = [0.0, 1e-3, 3e-3, 1e-2]

    def error(**noise):
        way = SampledNoise(**noise)
        return perturbation_error(HEAVY, rp.Exp(), 4, betas, slowest=0.02, perturbation=way)

    recurrent, every = error(), error(parameters="all")
    assert recurrent[0] == every[0]
    assert every[3] > 3 * recurrent[3]  # here the coefficients matter more
    np.testing.assert_array_equal(error(running_maximum=True), np.maximum.accumulate(recurrent))
    assert np.all(error(draws=90) >= recurrent)
    assert np.any(error(draws=90) > recurrent)
    np.testing.assert_array_equal(error(seed=1), error(seed=1))
    assert np.any(error(seed=1) != error(seed=2))


def test_divergence_is_infinite_and_not_a_crash():
    found = perturbation_error(NINETENTHS, rp.Direct(), 4, [0.0, 1.0, 500.0], slowest=0.1)
    assert np.all(np.isfinite(found[:2]))
    assert np.isinf(found[2])
    for way in ("vertices", "gaussian"):
        found = perturbation_error(
            NINETENTHS, rp.Direct(), 3, [500.0], slowest=0.1, perturbation=way
        )
        assert np.isinf(found[0])


# Verdicts


@pytest.mark.parametrize("p", MAPS, ids=repr)
def test_verdicts_on_heavy_and_exponential_memory(p):
    betas = [0.0, 1e-3, 1e-2]
    heavy = stable_approximation(
        HEAVY, p, (2, 4, 8), betas, slowest=(0.1, 0.02, 0.004), short_horizon=True
    )
    light = stable_approximation(NINETENTHS, p, (2, 4, 8), betas, slowest=0.1)
    assert light.is_stable
    assert heavy.is_stable == (p != rp.Direct())
    if p == rp.Direct():
        assert [(c.beta, c.narrow, c.wide) for c in heavy.crossings] == [(1e-2, 4, 8)]
        assert heavy.growth[-1, -1] > 100
    np.testing.assert_array_equal(heavy.limit, heavy.errors[1:].max(axis=0))


def test_the_worst_case_makes_exponential_memory_cross_under_some_maps():
    found = {
        p: stable_approximation(
            NINETENTHS, p, (4, 8), [0.0, 1e-2], slowest=0.1,
            perturbation=WorstVertex(steps=0),
        ).is_stable
        for p in MAPS
    }  # fmt: skip
    assert found == {rp.Direct(): False, rp.Exp(): False, rp.Softplus(): True, rp.Best(): False}


# Counter-examples: sum of k^-2 e^(-t / k^power), in the sup norm, truncated at width m.


def truncated(power, width):
    k = np.arange(1.0, width + 1)
    return ExponentialFit(k**-power, k**-2)


def curves(power, p_of_width):
    kernel, betas = memory.ExponentialSum(power=power), np.array([0.0, 1e-2, 0.1])
    return np.stack(
        [
            perturbation_error(
                kernel, p_of_width(m), truncated(power, m), betas,
                norm="sup", horizon=500, dt=10.0,
            )
            for m in (4, 16, 64)
        ]
    )  # fmt: skip


def one_over_k(width):
    return rp.Rescaled(rp.Direct(), tuple(1.0 / k for k in range(1, width + 1)))


def test_rescaling_lifts_one_counter_example_and_not_the_other():
    plain, rescaled = curves(1, lambda m: rp.Direct()), curves(1, one_over_k)
    # At beta = 0 the error is the tail, about 1 / m.
    np.testing.assert_allclose(plain[:, 0], [0.2213, 0.0606, 0.0155], rtol=1e-2)
    assert plain[1, 2] > 1e3
    assert plain[2, 2] > plain[1, 2]
    assert np.all(np.diff(rescaled, axis=0) < 0)  # wider is better at every beta
    assert np.all(rescaled[-1] <= rescaled[-1, 0] + np.array([0.0, 1e-2, 0.1]))
    # Rates 1 / k^2 are weights of 1 / k under that rescaling, and beta passes them. The slowest
    # mode, 1 / 4096, needs the horizon of 5000.
    second = curves(2, one_over_k)
    assert second[2, 2] > 1e3
    assert second[2, 2] > second[1, 2] > second[0, 2]
    safe = curves(2, lambda m: rp.Exp())
    assert np.all(np.diff(safe, axis=0) < 0)


# Bad input


@pytest.mark.parametrize(
    ("kernel", "norm", "message"),
    [
        (memory.Sine(), "l1", "not integrable"),
        (memory.Sine(), "sup", "never fades"),
        (memory.Polynomial(1.0, 1.0), "l1", "not integrable"),
        (memory.Polynomial(1.0, 0.5), "l2", "not square-integrable"),
        (memory.ExponentialSum(power=1), "l1", "not integrable"),
        (memory.ExponentialSum(power=2), "l2", "not square-integrable"),
    ],
    ids=repr,
)
def test_kernels_without_the_norm_are_refused(kernel, norm, message):
    with pytest.raises(ValueError, match=message):
        perturbation_error(kernel, rp.Exp(), 2, [0.0], slowest=0.1, norm=norm)


@pytest.mark.parametrize(
    ("kernel", "norm"),
    [
        (memory.Polynomial(1.0, 1.0), "l2"),
        (memory.Polynomial(1.0, 0.1), "sup"),
        (memory.Polynomial(1.0, 1.01), "l1"),
        (memory.ExponentialSum(power=1), "l2"),
        (memory.ExponentialSum(power=2), "sup"),
        *((k, "l1") for k in (memory.Airy(), memory.Shift(), memory.TwoParts(), HEAVY)),
    ],
    ids=repr,
)
def test_kernels_with_the_norm_are_taken(kernel, norm):
    found = perturbation_error(kernel, rp.Exp(), 2, [0.0], slowest=0.1, norm=norm)
    assert np.isfinite(found[0])


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"slowest": 0.004}, ValueError, r"horizon, 100, is shorter .* 1 / 0.004 = 250"),
        ({"parameterisation": rp.Exp().discrete()}, TypeError, "continuous"),
        ({"width": 13, "perturbation": "vertices"}, ValueError, r"2\^13 vertices"),
        ({"norm": "l3"}, ValueError, "norm='l3'"),
        ({"betas": [0.1, 0.0]}, ValueError, "sorted"),
        ({"betas": [-0.1]}, ValueError, "not negative"),
        ({"slowest": None, "fastest": 0.005}, ValueError, "expected less than fastest"),
    ],
)
def test_perturbation_error_says_what_is_wrong(settings, error, message):
    good = {"parameterisation": rp.Exp(), "width": 2, "betas": [0.0], "slowest": 0.1}
    with pytest.raises(error, match=message):
        perturbation_error(HEAVY, **{**good, **settings})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"widths": (4,)}, "at least two"),
        ({"widths": (4, 2)}, "increasing"),
        ({"betas": [1e-3, 1e-2]}, "0 first"),
        ({"betas": [0.0, 0.5]}, "up to up_to=0.01"),
        ({"slowest": (0.1, 0.1, 0.1)}, "3 slowest rates for 2"),
    ],
)
def test_stable_approximation_says_what_is_wrong(settings, message):
    good = {"widths": (2, 4), "betas": [0.0, 1e-2], "slowest": 0.1}
    with pytest.raises(ValueError, match=message):
        stable_approximation(HEAVY, rp.Exp(), **{**good, **settings})


def test_bad_settings_of_perturbations_and_fits_are_refused():
    for build, message in [
        (lambda: SampledNoise(draws=0), "draws=0"),
        (lambda: SampledNoise(ball="one"), "ball='one'"),
        (lambda: WorstVertex(starts=0), "starts=0"),
        (lambda: ExponentialFit([1.0], [1.0, 2.0]), "one of each"),
        (lambda: ExponentialFit([0.0], [1.0]), "positive"),
        (lambda: fit_exponentials(HEAVY, 0), "width=0"),
    ]:
        with pytest.raises(ValueError, match=message):
            build()
