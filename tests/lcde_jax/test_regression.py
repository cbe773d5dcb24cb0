"""Streaming least squares against scikit-learn and by its own laws."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge

from lcde_jax import LeastSquares, fit_readout


def a_problem(seed=0, rows=300, columns=12, condition=1e3, targets=None):
    """Features with singular values from 1 to 1/condition, off centre, and noisy targets."""
    rng = np.random.default_rng(seed)
    left, _ = np.linalg.qr(rng.normal(size=(rows, columns)))
    right, _ = np.linalg.qr(rng.normal(size=(columns, columns)))
    features = left * np.geomspace(1, 1 / condition, columns) @ right + rng.normal(size=columns)
    shape = (columns,) if targets is None else (columns, targets)
    values = features @ rng.normal(size=shape) + 2.0
    return features, values + 0.1 * rng.normal(size=values.shape)


@pytest.mark.parametrize("condition", [1.0, 1e3, 1e5, 9e5])
@pytest.mark.parametrize("targets", [None, 1, 3])
def test_predictions_equal_ordinary_least_squares(condition, targets):
    features, values = a_problem(condition=condition, targets=targets)
    readout = fit_readout(features, values)
    expected = LinearRegression().fit(features, values).predict(features)
    assert readout.rank == 12
    assert readout.predict(features).shape == values.shape
    np.testing.assert_allclose(readout.predict(features), expected, rtol=0, atol=1e-8)


def test_condition_is_that_of_the_centred_features():
    features, values = a_problem(1, condition=1e4)
    singular = np.linalg.svd(features - features.mean(0), compute_uv=False)
    readout = fit_readout(features, values)
    assert readout.condition == pytest.approx(singular[0] / singular[-1], rel=1e-6)


@pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e3])
def test_ridge_penalises_coefficients_and_not_the_intercept(alpha):
    features, values = a_problem(2, condition=10)
    readout = fit_readout(features, values + 100, alpha)
    expected = Ridge(alpha, solver="svd").fit(features, values + 100)
    np.testing.assert_allclose(readout.coefficients, expected.coef_, rtol=1e-9, atol=1e-12)
    assert float(readout.intercept) == pytest.approx(expected.intercept_, rel=1e-10)


@pytest.mark.parametrize("rows", [4, 11, 300])
def test_rank_deficient_fit_has_minimum_norm(rows):
    rng = np.random.default_rng(3)
    features = rng.normal(size=(rows, 3)) @ rng.normal(size=(3, 12)) + 1.0
    values = rng.normal(size=rows)
    readout = fit_readout(features, values)
    centred = features - features.mean(0)
    expected = np.linalg.pinv(centred, rcond=1e-10) @ (values - values.mean())
    assert readout.rank == 3
    assert readout.condition > 1e12
    np.testing.assert_allclose(readout.coefficients, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("constant", [0.0, 1.0, 1e8])
def test_constant_features_predict_the_mean(constant):
    values = np.random.default_rng(4).normal(size=50)
    features = np.full((50, 3), constant) * np.array([1.0, 1 / 3, 0.1])
    readout = fit_readout(features, values)
    assert readout.rank == 0
    np.testing.assert_allclose(readout.predict(features), values.mean(), rtol=1e-12)


def test_one_row_predicts_itself():
    readout = fit_readout(np.array([[1.0, 2.0]]), np.array([3.0]))
    assert readout.rank == 0
    np.testing.assert_allclose(readout.predict(np.array([[1.0, 2.0], [5.0, 7.0]])), 3.0)


def test_blocks_of_any_size_give_the_same_fit():
    features, values = a_problem(5, rows=9000, columns=5)
    whole = fit_readout(features, values)
    stream = LeastSquares(5)
    for rows in np.split(np.arange(9000), [1, 2, 3, 50, 5000, 5000, 8999]):
        stream.update(features[rows], values[rows])
    assert stream.num_rows == 9000
    np.testing.assert_allclose(
        stream.solve().predict(features), whole.predict(features), rtol=1e-10, atol=1e-10
    )


def test_a_restored_stream_ends_with_the_same_bytes():
    features, values = a_problem(6)
    ends = []
    for stop in (None, 0, 1, 2):
        stream = LeastSquares(12)
        for index, rows in enumerate(np.split(np.arange(300), 3)):
            if index == stop:
                state = {name: array.copy() for name, array in stream.state().items()}
                stream.update(features[:7], values[:7])  # work that is lost
                stream = LeastSquares.from_state(state)
            stream.update(features[rows], values[rows])
        readout = stream.solve()
        ends.append(
            (readout.coefficients.tobytes(), readout.intercept.tobytes(), readout.condition)
        )
    assert len(set(ends)) == 1


def test_float32_rows_are_fitted_in_float64():
    features, values = a_problem(7)
    narrow, thin = features.astype(np.float32), values.astype(np.float32)
    once = fit_readout(narrow, thin)
    again = fit_readout(narrow.astype(np.float64), thin.astype(np.float64))
    assert once.coefficients.dtype == np.float64
    np.testing.assert_array_equal(once.coefficients, again.coefficients)


def test_the_inputs_are_not_changed():
    features, values = a_problem(8)
    kept = features.copy(), values.copy()
    fit_readout(np.asfortranarray(features), values)
    np.testing.assert_array_equal(features, kept[0])
    np.testing.assert_array_equal(values, kept[1])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_named_and_nothing_is_added(bad):
    features, values = a_problem(9)
    stream = LeastSquares(12)
    stream.update(features[:100], values[:100])
    before = stream.state()
    features[107, 4] = bad
    with pytest.raises(ValueError, match=r"features\[107, 4\]"):
        stream.update(features[100:], values[100:])
    values[103] = bad
    with pytest.raises(ValueError, match=r"targets\[103, 0\]"):
        stream.update(features[100:106], values[100:106])
    for name, array in stream.state().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize(
    ("features", "targets", "message"),
    [
        (np.zeros(3), np.zeros(3), "features of shape"),
        (np.zeros((0, 3)), np.zeros(0), "features of shape"),
        (np.zeros((5, 0)), np.zeros(5), "features of shape"),
        (np.zeros((5, 2)), np.zeros(4), r"targets of shape \(4,\)"),
        (np.zeros((5, 2)), np.zeros((5, 1, 1)), "targets of shape"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(features, targets, message):
    with pytest.raises(ValueError, match=message):
        fit_readout(features, targets)


def test_misuse_is_refused():
    features, values = a_problem(10)
    stream = LeastSquares(12)
    with pytest.raises(ValueError, match="no rows"):
        stream.solve()
    stream.update(features, values)
    with pytest.raises(ValueError, match="same number of axes"):
        stream.update(features, values[:, None])
    with pytest.raises(ValueError, match="ridge=-1"):
        stream.solve(-1)
    with pytest.raises(ValueError, match=r"expected \(rows, 12\)"):
        stream.solve().predict(features[:, :3])
    with pytest.raises(TypeError, match="real numbers"):
        stream.update(features.astype(complex), values)
    with pytest.raises(ValueError, match="num_features=0"):
        LeastSquares(0)
    with pytest.raises(ValueError, match="counts"):
        LeastSquares.from_state({"factor": np.zeros((14, 14))})
    with pytest.raises(ValueError, match="factor of shape"):
        LeastSquares.from_state(stream.state() | {"factor": np.zeros((3, 3))})
