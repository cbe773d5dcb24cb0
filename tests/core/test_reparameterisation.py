"""Reparameterisations: inverse, derivative and gradient scale, and their published values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtheory import reparameterisation as rp

SAFE = [rp.Exp(), rp.Softplus(), rp.Sigmoid(), rp.Inverse(), rp.Best(), rp.Best(a=2.0, b=0.1)]
CONTINUOUS = [rp.Direct(), rp.ReLU(), *SAFE]
EVERY = [
    *CONTINUOUS,
    *(p.discrete() for p in CONTINUOUS),
    *(rp.Sampled(p, dt=0.3) for p in CONTINUOUS),
    *(rp.Euler(p, dt=0.3) for p in CONTINUOUS),
]
# Even in w, so that the inverse gives the non-negative weight; or flat for w <= 0.
HALF_LINE = (rp.Best, rp.Inverse, rp.ReLU)
LAW = settings(deadline=None, derandomize=True, max_examples=40)


def test_every_reparameterisation_is_tested():
    public = {getattr(rp, name) for name in rp.__all__}
    bases = (rp.Reparameterisation, rp.DiscreteReparameterisation)
    maps = {kind for kind in public if isinstance(kind, type) and issubclass(kind, bases)}
    # Rescaled acts on a vector of modes, and has a test of its own.
    assert {type(p) for p in EVERY} == maps - {*bases, rp.Rescaled}


def continuous(p):
    return getattr(p, "continuous", p)


@pytest.mark.parametrize("p", EVERY, ids=repr)
def test_inverse_undoes_the_map(p):
    w = (
        np.linspace(0.05, 3.0, 30)
        if isinstance(continuous(p), HALF_LINE)
        else np.linspace(-4.0, 3.0, 30)
    )
    np.testing.assert_allclose(p.inverse(p(w)), w, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("p", EVERY, ids=repr)
def test_derivative_is_the_slope(p):
    w, h = np.linspace(-4.0, 3.0, 30), 1e-6  # misses the corners at zero
    np.testing.assert_allclose(
        p.derivative(w), (p(w + h) - p(w - h)) / (2 * h), rtol=1e-6, atol=1e-8
    )


@pytest.mark.parametrize("p", EVERY, ids=repr)
def test_distance_and_eigenvalue_add_to_the_limit(p):
    w = np.linspace(-4.0, 3.0, 29)
    np.testing.assert_allclose(p(w) + p.distance(w), p.limit, atol=1e-12)


@pytest.mark.parametrize("p", SAFE, ids=repr)
@given(w=st.floats(-20.0, 3.0))
@LAW
def test_safe_maps_never_leave_the_stable_range(p, w):
    assert p.distance(w) > 0
    assert rp.Sampled(p).distance(w) > 0
    assert rp.Sampled(p)(w) >= 0
    assert rp.Euler(p).distance(w) > 0  # but 1 + p(w) may lie below -1
    if isinstance(p, rp.Best):
        assert p(w) >= -1 / p.b


@pytest.mark.parametrize("p", EVERY, ids=repr)
def test_gradient_scale_is_the_slope_of_the_time_scale(p):
    # |p'| / (limit - p)^2 = |d/dw of 1 / (limit - p)|
    w, h = np.linspace(0.2, 3.0, 15) * (1 if isinstance(continuous(p), rp.ReLU) else -1), 1e-6
    slope = (1 / p.distance(w + h) - 1 / p.distance(w - h)) / (2 * h)
    np.testing.assert_allclose(p.gradient_scale(w), np.abs(slope), rtol=1e-5)


@pytest.mark.parametrize(
    ("p", "published"),
    [
        (rp.Direct(), [1.0, 1e2, 1e4, 1e6]),
        (rp.Exp(), [1.0, 10.0, 100.0, 1000.0]),
        (rp.Softplus(), [0.632, 9.52, 99.5, 999.5]),
        (rp.Best(b=0.5), [1.414, 6.164, 19.95, 63.23]),
        (rp.ReLU(), [1.0, 1e2, 1e4, 1e6]),
        (rp.Inverse(), [1.0, 1.0, 1.0, 1.0]),
    ],
    ids=repr,
)
def test_gradient_scale_has_the_published_values(p, published):
    w = p.inverse(-1 / np.array([1.0, 10.0, 100.0, 1000.0]))
    np.testing.assert_allclose(p.gradient_scale(w), published, rtol=6e-4)


def test_gradient_over_weight_is_constant_for_best_only():
    tau = np.array([10.0, 100.0, 1000.0])
    ratios = {
        p: p.gradient_scale(w) / np.abs(w) for p in CONTINUOUS if np.all(w := p.inverse(-1 / tau))
    }
    assert {p for p, ratio in ratios.items() if np.ptp(ratio) < 1e-9} == {
        p for p in CONTINUOUS if isinstance(p, rp.Best)
    }
    np.testing.assert_allclose(ratios[rp.Direct()], tau**3)
    np.testing.assert_allclose(ratios[rp.Exp()], [4.34, 21.7, 144.8], rtol=1e-3)
    np.testing.assert_allclose(ratios[rp.Best()], 2.0)
    np.testing.assert_allclose(rp.Best(2.0, 0.3).gradient_scale([0.1, 1.0, 9.0]), [0.4, 4.0, 36.0])


@pytest.mark.parametrize(
    ("p", "values"),
    [
        (rp.Direct(), lambda w: 1 + w),
        (rp.ReLU(), lambda w: 1 - np.maximum(w, 0)),
        (rp.Exp(), lambda w: np.exp(-np.exp(w))),
        (rp.Softplus(), lambda w: 1 / (1 + np.exp(w))),
        (rp.Sigmoid(), lambda w: 1 / (1 + np.exp(w))),
        (rp.Inverse(), lambda w: 1 - 1 / (np.abs(w) + 0.5)),
        (rp.Best(), lambda w: 1 - 1 / (w**2 + 0.5)),
    ],
    ids=lambda value: repr(value) if isinstance(value, rp.Reparameterisation) else "",
)
def test_discrete_forms_have_the_published_formulas(p, values):
    w = np.linspace(-3, 3, 13)
    np.testing.assert_allclose(p.discrete()(w), values(w), rtol=1e-13, atol=1e-15)


def test_sampling_and_one_small_euler_step_agree_to_second_order():
    w, dt = np.linspace(-2.0, 2.0, 9), 1e-4
    for p in CONTINUOUS:
        np.testing.assert_allclose(rp.Sampled(p, dt)(w), rp.Euler(p, dt)(w), atol=60 * dt**2)


@pytest.mark.parametrize("p", [rp.Direct(), rp.ReLU()], ids=repr)
def test_gradient_at_a_mode_that_never_forgets_is_infinite_or_none(p):
    found = p.gradient_scale([-1.0, 0.0, 0.5])
    np.testing.assert_array_equal(found, [1, np.inf, 4] if p == rp.Direct() else [0, 0, 4])


def test_a_new_reparameterisation_is_one_class():
    class Square(rp.Reparameterisation):
        def __call__(self, w):
            return -np.square(w)

        def derivative(self, w):
            return -2 * np.asarray(w)

        def inverse(self, eigenvalue):
            return np.sqrt(-np.asarray(eigenvalue))

    w = np.linspace(0.5, 2.0, 5)
    np.testing.assert_allclose(Square().gradient_scale(w), 2 / w**3)
    np.testing.assert_allclose(Square().discrete()(w), np.exp(-(w**2)))


def test_rescaling_gives_every_mode_a_scale():
    scales = (1.0, 0.5, 0.25)
    p, w = rp.Rescaled(rp.Exp(), scales), np.array([[0.1, -1.0, 2.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(p(w), np.array(scales) * rp.Exp()(w))
    np.testing.assert_allclose(p.derivative(w), np.array(scales) * rp.Exp().derivative(w))
    np.testing.assert_allclose(p.inverse(p(w)), w, atol=1e-14)
    np.testing.assert_allclose(p.discrete()(w), np.exp(p(w)))
    with pytest.raises(ValueError, match=r"3 scales.*shape \(4,\)"):
        p(np.zeros(4))
    with pytest.raises(ValueError, match=r"scales\[1\]=-1.0"):
        rp.Rescaled(rp.Exp(), (1.0, -1.0))
    with pytest.raises(ValueError, match="empty"):
        rp.Rescaled(rp.Exp(), ())


def test_best_starts_where_the_published_code_does():
    assert float(rp.Best(b=0.1).inverse(-0.5)) == pytest.approx(np.sqrt(1.9))
    assert float(rp.Softplus().inverse(-0.5)) == pytest.approx(np.log(np.expm1(0.5)))


def test_best_reaches_the_end_of_its_range():
    assert float(rp.Best(b=0.5).inverse(-2.0)) == 0.0
    assert float(rp.Best(b=0.1)(rp.Best(b=0.1).inverse(-10.0))) == pytest.approx(-10.0)
    assert rp.Best(b=0.0)(0.0) == -np.inf


@pytest.mark.parametrize(
    ("p", "eigenvalue"),
    [
        (rp.Direct(), np.nan),
        (rp.Exp(), 0.0),
        (rp.Exp(), np.nan),
        (rp.Softplus(), [-1.0, 0.5]),
        (rp.Best(b=0.5), -2.1),
        (rp.Best(), 0.0),
        (rp.ReLU(), 0.5),
        (rp.Sigmoid(), -1.0),
        (rp.Inverse(b=0.5), -2.5),
        (rp.Sampled(rp.Exp()), -0.5),
    ],
    ids=repr,
)
def test_unreachable_eigenvalues_are_refused(p, eigenvalue):
    with pytest.raises(ValueError, match=rf"{type(p).__name__}.* cannot reach the eigenvalue"):
        p.inverse(eigenvalue)


def test_discrete_maps_refuse_what_their_continuous_map_cannot_reach():
    for p, eigenvalue in [
        (rp.Softplus(), 1.0),
        (rp.Exp(), 1.5),
        (rp.Best(), -1.5),
        (rp.Sigmoid(), 0),
    ]:
        with pytest.raises(ValueError, match=rf"{type(p).__name__}.* cannot reach"):
            p.discrete().inverse(eigenvalue)


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match=r"a=0.0: expected a positive"):
        rp.Best(a=0.0)
    with pytest.raises(ValueError, match=r"b=-0.5: expected zero or"):
        rp.Best(b=-0.5)
    with pytest.raises(ValueError, match=r"b=-1.0: expected zero or"):
        rp.Inverse(b=-1.0)
    with pytest.raises(ValueError, match=r"dt=0.0: expected a positive"):
        rp.Euler(rp.Exp(), dt=0.0)
    with pytest.raises(ValueError, match="no derivative"):
        rp.Best(b=0.0).derivative(0.0)
    with pytest.raises(ValueError, match="no derivative"):
        rp.Inverse(b=0.0).derivative(0.0)
    with pytest.raises(TypeError, match="real numbers"):
        rp.Exp()(np.array([1j]))


# The largest stable learning rate


SLOW = np.array([2.0, 10.0, 100.0])


def test_stable_rates_are_those_of_the_closed_forms():
    direct, exp, best = (
        rp.stable_rate(p, -1 / SLOW) for p in (rp.Direct(), rp.Exp(), rp.Best(a=2.0, b=0.1))
    )
    np.testing.assert_allclose(direct, SLOW**-3)
    np.testing.assert_allclose(exp, 1 / SLOW)
    np.testing.assert_allclose(best, SLOW / (8 * (SLOW - 0.1)))
    np.testing.assert_allclose(rp.stable_rate(rp.Direct(), -1 / SLOW, step="sign"), 1 / SLOW)
    np.testing.assert_allclose(rp.stable_rate(rp.Exp(), -1 / SLOW, step="sign"), 1.0)
    best = rp.stable_rate(rp.Best(), -1 / SLOW, step="sign")
    np.testing.assert_allclose(best, SLOW / (2 * np.sqrt(SLOW - 0.5)))


@pytest.mark.parametrize("p", [rp.Direct(), *SAFE], ids=repr)
def test_stable_rates_are_time_scale_over_powers_of_the_gradient_scale(p):
    eigenvalue = -1 / SLOW
    scale = p.gradient_scale(p.inverse(eigenvalue))
    np.testing.assert_allclose(rp.stable_rate(p, eigenvalue), SLOW / scale**2, rtol=1e-9)
    found = rp.stable_rate(p, eigenvalue, step="sign")
    np.testing.assert_allclose(found, SLOW / scale, rtol=1e-9)


@pytest.mark.parametrize("p", [rp.Direct(), rp.Exp(), rp.Softplus(), rp.Best()], ids=repr)
def test_gradient_descent_diverges_just_above_four_stable_rates(p):
    # The error of a mode is readout^2 int (e^{p(w) t} - e^{-t / tau})^2 dt.
    tau, readout = 8.0, 1.7
    limit = 4 * float(rp.stable_rate(p, -1 / tau)) / readout**2
    fitted = float(p.inverse(-1 / tau))

    def gradient(w):
        rate, wanted = -float(p(w)), 1 / tau
        return readout**2 * float(p.derivative(w)) * (0.5 / rate**2 - 2 / (rate + wanted) ** 2)

    for factor, grows in ((0.9, False), (1.1, True)):
        w = fitted * (1 + 1e-6)
        for _ in range(20):
            w -= factor * limit * gradient(w)
        assert (abs(w - fitted) > 1e-6 * abs(fitted)) == grows


def test_a_mode_without_a_slope_bears_any_rate():
    assert rp.stable_rate(rp.Best(b=0.5), -2.0) == np.inf
    with pytest.raises(ValueError, match="a mode that forgets cannot reach"):
        rp.stable_rate(rp.Exp(), 0.5)
    with pytest.raises(ValueError, match="step='adam'"):
        rp.stable_rate(rp.Exp(), -0.5, step="adam")
    with pytest.raises(TypeError, match="continuous-time"):
        rp.stable_rate(rp.Exp().discrete(), -0.5)
