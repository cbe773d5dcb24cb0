"""Memory functions, stability and decay against closed forms and published values."""

import numpy as np
import pytest
from scipy import linalg

from seqtheory import memory, memory_theory
from seqtheory import reparameterisation as rp
from seqtheory.memory_theory import (
    fit_decay,
    memory_function,
    perturbation_error,
    stability_functional,
)
from seqtheory.tasks.decaying_memory import causal_convolution


def linear_system(transition, read_in, read_out, offset=0.0):
    """h_k = transition h_{k-1} + read_in x_k, y = read_out h + offset."""

    def model(x):
        h = np.zeros((len(x), len(transition)))
        outputs = []
        for k in range(x.shape[1]):
            h = h @ transition.T + x[:, k] @ read_in.T
            outputs.append(h @ read_out.T + offset)
        return np.stack(outputs, axis=1)

    return model


def random_system(seed, width=5, channels=3, outputs=2):
    rng = np.random.default_rng(seed)
    transition = linalg.expm(rng.normal(size=(width, width)) / 3 - np.eye(width))
    return transition, rng.normal(size=(width, channels)), rng.normal(size=(outputs, width))


def impulse_rows(transition, read_in, read_out, horizon):
    """Largest L1 norm of a row of C A^k B."""
    powers = [np.linalg.matrix_power(transition, k) for k in range(horizon)]
    return np.array([np.abs(read_out @ p @ read_in).sum(axis=1).max() for p in powers])


@pytest.mark.parametrize("dt", [1.0, 0.25])
@pytest.mark.parametrize("probe", ["step", "impulse"])
def test_memory_of_a_linear_system_is_its_impulse_response(probe, dt):
    A, B, C = random_system(0)
    found = memory_function(linear_system(A, B, C, offset=7.0), 20, channels=3, dt=dt, probe=probe)
    np.testing.assert_allclose(found * dt, impulse_rows(A, B, C, 20), rtol=1e-9, atol=1e-12)


def test_reversed_probe_agrees_up_to_the_memory_left_at_its_warm_up():
    A, B, C = random_system(1)
    found = memory_function(linear_system(A, B, C), 10, channels=3, probe="reversed", warm_up=60)
    left = impulse_rows(A, B, C, 71)[60:].max()
    gap = np.abs(found - impulse_rows(A, B, C, 10)).max()
    assert gap <= left + 1e-12
    assert left < 1e-6


def test_memory_of_a_diagonal_system_is_its_cell_averages():
    # Zero-order hold of c . exp(L t) b: the kernel averaged over each step.
    rng = np.random.default_rng(2)
    rates, c, b, dt = rng.uniform(0.1, 3.0, 4), rng.normal(size=4), rng.normal(size=4), 0.3
    model = linear_system(
        np.diag(np.exp(-rates * dt)), (b * -np.expm1(-rates * dt) / rates)[:, None], c[None]
    )
    k = np.arange(30)[:, None]
    primitive = (c * b / -rates) * np.exp(-rates * dt * k)
    cell = np.abs(np.sum(primitive * np.expm1(-rates * dt), axis=1)) / dt
    np.testing.assert_allclose(memory_function(model, 30, channels=1, dt=dt), cell, atol=1e-10)


def test_memory_of_a_jordan_block_rises_before_it_falls():
    rho, k = 0.9, np.arange(25)
    jordan = np.array([[rho, 1.0], [0.0, rho]])
    model = linear_system(jordan, np.array([[0.0], [1.0]]), np.array([[1.0, 0.0]]))
    expected = k * rho ** np.maximum(k - 1.0, 0.0)
    np.testing.assert_allclose(memory_function(model, 25, channels=1), expected, atol=1e-12)


@pytest.mark.parametrize("probe", ["step", "impulse"])
def test_memory_of_a_convolution_is_its_kernel(probe):
    kernel, dt = memory.Airy(), 0.5
    times = dt * np.arange(40)

    def model(x):
        return causal_convolution(x, dt * kernel(dt * np.arange(x.shape[1])))

    found = memory_function(model, 40, channels=1, dt=dt, probe=probe)
    np.testing.assert_allclose(found, np.abs(kernel(times)), atol=1e-13)


def test_drawn_directions_bound_the_exact_memory_from_below_and_reach_it():
    A, B, C = random_system(3)
    model, exact = linear_system(A, B, C), impulse_rows(A, B, C, 15)
    few = memory_function(model, 15, channels=3, directions=3, seed=1)
    many = memory_function(model, 15, channels=3, directions=200, seed=1)
    assert np.all(few <= exact * (1 + 1e-12))
    # 100 draws hit all eight vertices of the cube, where a linear maximum lies.
    np.testing.assert_allclose(many, exact, rtol=1e-9)
    np.testing.assert_array_equal(few, memory_function(model, 15, channels=3, directions=3, seed=1))


def test_memory_of_a_saturating_model_falls_with_the_amplitude():
    def model(x):
        return np.tanh(np.cumsum(x, axis=1))

    small = memory_function(model, 3, channels=1, directions=4, amplitude=1e-4)
    large = memory_function(model, 3, channels=1, directions=4, amplitude=10.0)
    np.testing.assert_allclose(small, [1.0, 1.0, 1.0], rtol=1e-6)
    np.testing.assert_allclose(large, [0.1, 0.0, 0.0], atol=1e-8)


@pytest.mark.parametrize("nonlinear", [np.tanh, np.abs, lambda x: np.maximum(x, 0)])
def test_exact_directions_refuse_a_nonlinear_model(nonlinear):
    with pytest.raises(ValueError, match="superposition fails"):
        memory_function(lambda x: nonlinear(np.cumsum(x, axis=1)), 5, channels=2)


@pytest.mark.parametrize(
    ("model", "settings", "error", "message"),
    [
        (lambda x: x[:, -1], {}, ValueError, "batch, time, output"),
        (lambda x: x[:, :-1], {}, ValueError, "batch, time, output"),
        (lambda x: np.where(np.arange(5)[:, None] == 3, np.nan, x), {}, ValueError, "from step 3"),
        (lambda x: 1j * x, {}, TypeError, "real"),
        (lambda x: x, {"horizon": 0}, ValueError, "horizon=0"),
        (lambda x: x, {"channels": 0}, ValueError, "channels=0"),
        (lambda x: x, {"dt": -1.0}, ValueError, "dt=-1.0"),
        (lambda x: x, {"probe": "impuls"}, ValueError, "did you mean 'impulse'"),
        (lambda x: x, {"directions": "exakt"}, ValueError, "did you mean 'exact'"),
        (lambda x: x, {"directions": 0}, ValueError, "directions=0"),
        (lambda x: x, {"warm_up": 0, "probe": "reversed"}, ValueError, "warm_up=0"),
    ],
)
def test_memory_function_says_what_is_wrong(model, settings, error, message):
    with pytest.raises(error, match=message):
        memory_function(model, **{"horizon": 5, "channels": 1, **settings})


# Stability


@pytest.mark.parametrize(
    ("p", "published"),
    [
        (rp.Exp(), [0.010050, 0.105171, 0.648721]),
        (rp.Softplus(), [0.010050, 0.105171, 0.648721]),
        (rp.Best(b=0.5), [0.014242, 0.151774, 1.000000]),
        (rp.Best(b=0.1), [0.032127, 0.370156, 3.265564]),
    ],
    ids=repr,
)
def test_stability_functional_has_the_published_values(p, published):
    np.testing.assert_allclose(stability_functional(p, [0.01, 0.1, 0.5]), published, atol=6e-7)


def test_stability_functional_of_best_is_its_closed_form():
    w, beta, b = np.linspace(0, 5, 200_001), 0.2, 0.5
    closed = ((2 * w * beta + beta**2) / (w**2 + b)).max()
    assert stability_functional(rp.Best(b=b), [beta])[0] == pytest.approx(closed, abs=1e-9)


def test_stability_functional_is_continuous_at_zero_for_stable_maps_only():
    betas = [0.0, 1e-6, 1e-4]
    for p in (rp.Exp(), rp.Softplus(), rp.Best()):
        g = stability_functional(p, betas)
        assert g[0] == 0
        assert np.all(g[1:] < 3 * np.array(betas[1:]))
    np.testing.assert_array_equal(stability_functional(rp.Direct(), betas), [0, np.inf, np.inf])
    assert np.isinf(stability_functional(rp.Best(b=0.0), [1e-2])[0])


# Values of E(beta) for beta = 0, 1e-3, 1e-2, 1e-1, of a fit with geometric rates up to 2.
NINETENTHS, HEAVY = memory.Exponential(rate=-np.log(0.9)), memory.Polynomial(1.0, 1.1)
FIGURE = [
    (NINETENTHS, rp.Direct(), 2, 0.1, [0.333, 0.411, 1.321, 88.0]),
    (NINETENTHS, rp.Direct(), 4, 0.1, [0.122, 0.171, 1.105, 82.9]),
    (NINETENTHS, rp.Direct(), 8, 0.1, [0.00731, 0.0947, 1.001, 72.9]),
    (NINETENTHS, rp.Exp(), 2, 0.1, [0.333, 0.340, 0.411, 1.264]),
    (NINETENTHS, rp.Exp(), 4, 0.1, [0.122, 0.124, 0.174, 1.078]),
    (NINETENTHS, rp.Exp(), 8, 0.1, [0.00731, 0.0131, 0.099, 1.001]),
    (HEAVY, rp.Direct(), 2, 0.1, [1.261, 1.266, 1.332, 25.0]),
    (HEAVY, rp.Direct(), 4, 0.02, [0.1129, 0.1141, 0.783, 1302.0]),
    (HEAVY, rp.Direct(), 8, 0.004, [0.00564, 0.0684, 0.870, 1638.0]),
    (HEAVY, rp.Exp(), 2, 0.1, [1.261, 1.262, 1.263, 1.300]),
    (HEAVY, rp.Exp(), 4, 0.02, [0.1129, 0.1128, 0.1148, 0.313]),
    (HEAVY, rp.Exp(), 8, 0.004, [0.00564, 0.0063, 0.0303, 0.314]),
]


@pytest.mark.parametrize(("kernel", "p", "width", "slowest", "published"), FIGURE)
def test_perturbation_figure_is_reproduced(kernel, p, width, slowest, published):
    betas = [0.0, 1e-3, 1e-2, 1e-1]
    found = perturbation_error(kernel, p, width, betas, slowest=slowest, short_horizon=True)
    # The printed values carry three or four digits, the smallest of them two.
    np.testing.assert_allclose(found, published, rtol=8e-3)


@pytest.mark.parametrize("p", [rp.Exp(), rp.Softplus(), rp.Best()], ids=repr)
def test_wider_is_worse_under_direct_weights_only(p):
    def errors(parameterisation, width, slowest):
        return perturbation_error(
            HEAVY, parameterisation, width, [0.0, 1e-2], slowest=slowest, short_horizon=True
        )

    four, eight = errors(rp.Direct(), 4, 0.02), errors(rp.Direct(), 8, 0.004)
    assert eight[1] > four[1]
    assert eight[1] / eight[0] > 100
    assert errors(p, 8, 0.004)[1] < errors(p, 4, 0.02)[1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"betas": [0.1, 0.0]}, "sorted"),
        ({"betas": [-0.1]}, "not negative"),
        ({"betas": [np.nan]}, "finite"),
        ({"betas": []}, "list of sizes"),
        ({"width": 0}, "width=0"),
        ({"slowest": 3.0}, "slowest=3.0: expected less than"),
        ({"slowest": 0.0}, "slowest=0.0"),
        ({"fastest": 2.5}, "cannot reach the eigenvalue -2.5"),
        ({"perturbation": "vertex"}, "did you mean 'vertices'"),
        ({"horizon": 0}, "horizon=0"),
    ],
)
def test_perturbation_error_says_what_is_wrong(settings, message):
    good = {"width": 4, "betas": [0.0, 0.1], "slowest": 0.1}
    with pytest.raises(ValueError, match=message):
        perturbation_error(HEAVY, rp.Best(), **{**good, **settings})


def test_stability_functional_says_what_is_wrong():
    for weight_range in (0.0, 1000.0):
        with pytest.raises(ValueError, match="weight_range"):
            stability_functional(rp.Exp(), [0.1], weight_range=weight_range)
    with pytest.raises(TypeError, match="continuous"):
        stability_functional(rp.Exp().discrete(), [0.1])


# Decay


@pytest.mark.parametrize(
    ("form", "values", "parameters"),
    [
        ("exponential", lambda t: 2.0 * np.exp(-0.07 * t), {"scale": 2.0, "rate": 0.07}),
        (
            "polynomial",
            lambda t: 0.5 * (1 + 0.3 * t) ** -1.7,
            {"scale": 0.5, "rate": 0.3, "power": 1.7},
        ),
        (
            "stretched",
            lambda t: 3.0 * np.exp(-((0.2 * t) ** 0.5)),
            {"scale": 3.0, "rate": 0.2, "power": 0.5},
        ),
    ],
)
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_decay_is_recognised_and_its_parameters_recovered(form, values, parameters, noise):
    t = np.arange(200.0)
    rng = np.random.default_rng(5)
    fit = fit_decay(t, values(t) * np.exp(noise * rng.standard_normal(t.size)))
    assert fit.form == form
    assert set(fit.selected.parameters) == set(parameters)
    for name, true in parameters.items():
        found = fit.selected.parameters[name]
        assert found.value == pytest.approx(true, rel=1e-5 + 8 * noise)
        assert found.low <= found.value <= found.high
    np.testing.assert_allclose(fit.selected(t), values(t), rtol=1e-5 + 5 * noise)
    assert fit.selected.residual == pytest.approx(noise, abs=2e-3 if noise else 1e-6)


def test_decay_intervals_cover_the_truth_as_often_as_they_say():
    t, covered = np.arange(40.0), 0
    for seed in range(100):
        noise = np.random.default_rng(seed).standard_normal(t.size)
        curves = {c.form: c for c in fit_decay(t, np.exp(-0.1 * t + 0.1 * noise)).curves}
        rate = curves["exponential"].parameters["rate"]
        covered += rate.low <= 0.1 <= rate.high
    assert 88 <= covered <= 100


def test_fitted_rate_of_a_system_is_that_of_its_slowest_mode():
    model = linear_system(np.diag([0.9, 0.3]), np.ones((2, 1)), np.ones((1, 2)))
    M = memory_function(model, 80, channels=1)
    fit = fit_decay(np.arange(20.0, 80.0), M[20:])
    assert fit.form == "exponential"
    assert fit.selected.parameters["rate"].value == pytest.approx(-np.log(0.9), rel=1e-6)


@pytest.mark.parametrize(
    ("times", "values", "message"),
    [
        (np.arange(5.0), np.ones(5), "at least 6"),
        (np.arange(8.0), np.ones(7), "one value per time"),
        (np.arange(8.0)[::-1], np.ones(8), "increasing"),
        (np.arange(8.0) - 1, np.ones(8), "not negative"),
        (np.arange(8.0), np.exp(np.arange(8.0)), "do not fall"),
        (np.arange(8.0), np.ones(8), "do not fall"),
        (np.arange(8.0), np.r_[np.ones(7), 0.0], r"values\[7\] = 0.0"),
        (np.arange(8.0), np.r_[np.ones(7), np.nan], r"values\[7\] = nan"),
    ],
)
def test_fit_decay_says_what_is_wrong(times, values, message):
    with pytest.raises(ValueError, match=message):
        fit_decay(times, values)


def test_public_names_are_there():
    for name in memory_theory.__all__:
        assert getattr(memory_theory, name).__doc__
