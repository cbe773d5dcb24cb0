"""Reparameterisations: inverse, derivative and gradient scale, and their published values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtheory import reparameterisation as rp

CONTINUOUS = [rp.Direct(), rp.Exp(), rp.Softplus(), rp.Best(), rp.Best(a=2.0, b=0.1)]
EVERY = CONTINUOUS + [p.discrete() for p in CONTINUOUS]
STABLE = [p for p in EVERY if not isinstance(p, (rp.Direct, rp.DiscreteDirect))]
LAW = settings(deadline=None, derandomize=True, max_examples=40)


def test_every_reparameterisation_is_tested():
    leaves = {
        *rp.Reparameterisation.__subclasses__(),
        *rp.DiscreteReparameterisation.__subclasses__(),
    }
    assert {type(p) for p in EVERY} == leaves


@pytest.mark.parametrize("p", EVERY, ids=repr)
def test_inverse_undoes_the_map(p):
    w = (
        np.linspace(0.05, 3.0, 30)
        if isinstance(p, (rp.Best, rp.DiscreteBest))
        else np.linspace(-4.0, 3.0, 30)
    )
    np.testing.assert_allclose(p.inverse(p(w)), w, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("p", EVERY, ids=repr)
def test_derivative_is_the_slope(p):
    w, h = np.linspace(-4.0, 3.0, 29), 1e-6
    np.testing.assert_allclose(
        p.derivative(w), (p(w + h) - p(w - h)) / (2 * h), rtol=1e-6, atol=1e-8
    )


@pytest.mark.parametrize("p", EVERY, ids=repr)
def test_distance_and_eigenvalue_add_to_the_limit(p):
    w = np.linspace(-4.0, 3.0, 29)
    np.testing.assert_allclose(p(w) + p.distance(w), p.limit, atol=1e-12)


@pytest.mark.parametrize("p", STABLE, ids=repr)
@given(w=st.floats(-20.0, 3.0))
@LAW
def test_stable_maps_never_leave_the_stable_range(p, w):
    assert p.distance(w) > 0
    if isinstance(p, rp.Best):  # the discrete form with b < 1/2 reaches below -1
        assert p(w) >= -1 / p.b


@pytest.mark.parametrize("p", EVERY, ids=repr)
def test_gradient_scale_is_the_slope_of_the_time_scale(p):
    # |p'| / (limit - p)^2 = |d/dw of 1 / (limit - p)|
    w, h = np.linspace(-3.0, -0.2, 15), 1e-6
    slope = (1 / p.distance(w + h) - 1 / p.distance(w - h)) / (2 * h)
    np.testing.assert_allclose(p.gradient_scale(w), np.abs(slope), rtol=1e-5)


@pytest.mark.parametrize(
    ("p", "published"),
    [
        (rp.Direct(), [1.0, 1e2, 1e4, 1e6]),
        (rp.Exp(), [1.0, 10.0, 100.0, 1000.0]),
        (rp.Softplus(), [0.632, 9.52, 99.5, 999.5]),
        (rp.Best(b=0.5), [1.414, 6.164, 19.95, 63.23]),
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
    np.testing.assert_allclose(ratios[rp.Direct()], tau**3)
    np.testing.assert_allclose(ratios[rp.Exp()], [4.34, 21.7, 144.8], rtol=1e-3)
    np.testing.assert_allclose(ratios[rp.Best()], 2.0)
    np.testing.assert_allclose(rp.Best(2.0, 0.3).gradient_scale([0.1, 1.0, 9.0]), [0.4, 4.0, 36.0])


@pytest.mark.parametrize(
    ("p", "values"),
    [
        (rp.DiscreteDirect(), lambda w: 1 + w),
        (rp.DiscreteExp(), lambda w: np.exp(-np.exp(w))),
        (rp.DiscreteSoftplus(), lambda w: 1 / (1 + np.exp(w))),
        (rp.DiscreteBest(), lambda w: 1 - 1 / (w**2 + 0.5)),
    ],
    ids=repr,
)
def test_discrete_forms_have_the_published_formulas(p, values):
    w = np.linspace(-3, 3, 13)
    np.testing.assert_allclose(p(w), values(w), rtol=1e-13, atol=1e-15)


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
        (rp.DiscreteExp(), -0.5),
        (rp.DiscreteSoftplus(), 1.0),
        (rp.DiscreteBest(), -1.5),
    ],
    ids=repr,
)
def test_unreachable_eigenvalues_are_refused(p, eigenvalue):
    with pytest.raises(ValueError, match=rf"{type(p).__name__}.* cannot reach the eigenvalue"):
        p.inverse(eigenvalue)


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match=r"a=0.0 must be a positive"):
        rp.Best(a=0.0)
    with pytest.raises(ValueError, match=r"b=-0.5 must be zero or"):
        rp.Best(b=-0.5).discrete()
    with pytest.raises(ValueError, match="no derivative"):
        rp.Best(b=0.0).derivative(0.0)
    with pytest.raises(TypeError, match="real numbers"):
        rp.Exp()(np.array([1j]))
