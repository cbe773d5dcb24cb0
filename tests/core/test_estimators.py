"""Estimators of series: scikit-learn's own checks, the equation, and what times and gaps mean."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
from scipy.linalg import block_diag
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from seqtheory import linear_cde
from seqtheory.estimators import RandomCDEClassifier, RandomCDEFeatures, RandomCDERegressor

SMALL = {"width": 128, "block_size": 8}


@parametrize_with_checks(
    [RandomCDEFeatures(**SMALL), RandomCDEClassifier(**SMALL), RandomCDERegressor(**SMALL)]
)
def test_scikit_learn_accepts(estimator, check):
    check(estimator)


def series(seed, count=12, channels=2, timed=True):
    """Irregular times in column 0, lengths from 1 to 20, a fifth of the values missing."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        length = random.integers(1, 21)
        values = random.standard_normal((length, channels)).cumsum(axis=0)
        values[random.random(values.shape) < 0.2] = np.nan
        values[0] = 0.0
        made.append(np.column_stack([random.random(length).cumsum() + 0.01, values]))
    return made if timed else [one[:, 1:] for one in made]


@pytest.mark.parametrize("block_size", [None, 1, 4])
def test_features_are_terminal_states_of_the_equation(block_size):
    X = series(0, count=6)
    model = RandomCDEFeatures(8, block_size=block_size, length=9.0, timed=True, random_state=3)
    features = model.fit_transform(X)
    A = np.stack([block_diag(*blocks) for blocks in model.equation_.A])
    for found, rows in zip(features, X, strict=True):
        path = path_by_hand(model, rows)
        start = model.equation_.C @ path[0] + model.equation_.d
        state = linear_cde.solve(A, model.equation_.B, start, path)[-1]
        np.testing.assert_allclose(found, state, rtol=1e-9, atol=1e-12 * np.abs(state).max())


def path_by_hand(model, rows):
    rows = rows[~np.isnan(rows[:, 1:]).all(axis=1)]
    times = rows[:, 0]
    columns = [(times - model.first_time_) / model.unit_of_time_]
    for mean, deviation, values in zip(model.mean_, model.deviation_, rows[:, 1:].T, strict=True):
        seen = ~np.isnan(values)
        filled = np.interp(times, times[seen], values[seen])
        columns.append(model.scale_ * (filled - mean) / deviation)
    return np.stack(columns, axis=1)


def test_units_are_those_of_the_observations_alone():
    X = series(1)
    model = RandomCDEFeatures(**SMALL, timed=True, length=3.0).fit(X)
    values = np.concatenate(X)[:, 1:]
    np.testing.assert_allclose(model.mean_, np.nanmean(values, axis=0))
    np.testing.assert_allclose(model.deviation_, np.nanstd(values, axis=0))
    lengths = [
        np.linalg.norm(np.diff(path_by_hand(model, rows)[:, 1:], axis=0), axis=1).sum()
        for rows in X
    ]
    assert np.mean(lengths) == pytest.approx(3.0)


def test_tables_arrays_and_lists_of_one_series_agree():
    table = np.random.default_rng(2).standard_normal((5, 9))
    of_table = RandomCDEFeatures(**SMALL).fit_transform(table)
    times = np.broadcast_to(np.arange(9.0), table.shape)
    for X in (table[:, :, None], list(table[:, :, None]), [*table[:, :, None].tolist()]):
        assert np.array_equal(RandomCDEFeatures(**SMALL).fit_transform(X), of_table)
    timed = RandomCDEFeatures(**SMALL, timed=True)
    assert np.array_equal(timed.fit_transform(np.stack([times, table], axis=2)), of_table)


def test_rows_without_values_are_no_observations():
    X = series(3)
    model = RandomCDEFeatures(**SMALL, timed=True).fit(X)
    longest = max(map(len, X))
    padded = np.full((len(X), longest, 3), np.nan)
    for place, rows in enumerate(X):
        padded[place, : len(rows)] = rows
    np.testing.assert_allclose(model.transform(padded), model.transform(X), rtol=1e-12)
    spread = [np.insert(rows, 1, [rows[0, 0] + 1e-3, np.nan, np.nan], axis=0) for rows in X]
    np.testing.assert_allclose(model.transform(spread), model.transform(X), rtol=1e-12)


def test_gaps_are_straight_lines_and_ends_are_constant():
    gappy = np.array([[0, 1, np.nan], [1, np.nan, 4], [4, 7, np.nan], [5, np.nan, 2.0]])
    filled = np.array([[0, 1, 4], [1, 2.5, 4], [4, 7, 2.5], [5, 7, 2.0]])
    model = RandomCDEFeatures(**SMALL, timed=True).fit([filled, 2 * filled[:3]])
    np.testing.assert_allclose(model.transform([gappy]), model.transform([filled]), rtol=1e-12)


def test_a_channel_that_is_never_seen_is_at_its_mean():
    X = series(4)
    model = RandomCDEFeatures(**SMALL, timed=True).fit(X)
    unseen, at_mean = X[0].copy(), X[0].copy()
    unseen[:, 2], at_mean[:, 2] = np.nan, model.mean_[1]
    held = ~np.isnan(unseen[:, 1])
    found = model.transform([unseen])
    np.testing.assert_allclose(found, model.transform([at_mean[held]]), rtol=1e-9)


def test_more_points_on_the_same_lines_change_nothing():
    coarse = [rows[:1] if len(rows) < 2 else rows for rows in series(5)]
    coarse = [np.where(np.isnan(rows), 0.5, rows) for rows in coarse]
    model = RandomCDEFeatures(**SMALL, timed=True).fit(coarse)
    fine = [np.sort(np.concatenate([r[:, 0], (r[1:, 0] + r[:-1, 0]) / 2])) for r in coarse]
    fine = [
        np.column_stack([t, *(np.interp(t, r[:, 0], column) for column in r[:, 1:].T)])
        for t, r in zip(fine, coarse, strict=True)
    ]
    np.testing.assert_allclose(model.transform(fine), model.transform(coarse), rtol=1e-8, atol=1e-9)


def two_bumps(seed, count=60):
    """Which of two channels rises first, at irregular times: the classes have the same means."""
    random = np.random.default_rng(seed)
    X, y = [], random.integers(0, 2, count)
    for label in y:
        times = np.sort(random.uniform(0, 10, random.integers(25, 50)))
        centres = np.array([random.uniform(1, 4), random.uniform(6, 9)])[:: 1 if label else -1]
        values = np.exp(-((times[:, None] - centres) ** 2))
        values[random.random(values.shape) < 0.3] = np.nan
        X.append(np.column_stack([times, values]))
    return X, y


def test_order_of_events_is_learnt_in_pipelines_and_searches():
    X, y = two_bumps(0)
    classifier = RandomCDEClassifier(64, timed=True)
    assert cross_val_score(classifier, X, y, cv=3).mean() > 0.95
    train, test, of_train, of_test = train_test_split(X, y, random_state=0)
    pipeline = make_pipeline(
        RandomCDEFeatures(64, timed=True), StandardScaler(), LogisticRegression()
    )
    assert pipeline.fit(train, of_train).score(test, of_test) > 0.9
    search = GridSearchCV(classifier, {"length": [1.0, 2.0], "alpha": [0.1, 10.0]}, cv=2)
    fitted = search.fit(train, of_train)
    assert fitted.score(test, of_test) > 0.9
    shares = fitted.predict_proba(test)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert np.array_equal(fitted.classes_[shares.argmax(axis=1)], fitted.predict(test))


def test_regression_of_several_targets():
    X, _ = two_bumps(1)
    late = [[rows[np.nanargmax(column), 0] for column in rows[:, 1:].T] for rows in X]
    model = RandomCDERegressor(128, timed=True).fit(X[:45], late[:45])
    assert model.predict(X[45:]).shape == (15, 2)
    assert model.score(X[45:], late[45:]) > 0.5


def test_copies_and_pickles_predict_the_same():
    X, y = two_bumps(2, count=20)
    model = RandomCDEClassifier(**SMALL, timed=True, random_state=7).fit(X, y)
    again = clone(model).fit(X, y)
    restored = pickle.loads(pickle.dumps(model))
    for other in (again, restored):
        assert np.array_equal(other.decision_function(X), model.decision_function(X))
    drawn = clone(model).set_params(random_state=8).fit(X, y)
    assert not np.array_equal(drawn.decision_function(X), model.decision_function(X))


def test_global_draws_are_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - it is what must not move
    RandomCDEFeatures(**SMALL).fit(np.eye(3))
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_many_channels_and_one_row_each():
    X = [np.arange(5.0)[None], np.ones((1, 5))]
    assert np.isfinite(RandomCDEFeatures(**SMALL).fit_transform(X)).all()


@pytest.mark.parametrize(
    ("settings", "X", "error", "said"),
    [
        ({"width": 10, "block_size": 4}, [[1.0, 2.0]], ValueError, "width=10"),
        ({"width": 0}, [[1.0, 2.0]], ValueError, "width=0"),
        ({"length": -1.0}, [[1.0, 2.0]], ValueError, "length=-1.0"),
        ({"duration": 0}, [[1.0, 2.0]], ValueError, "duration=0"),
        ({"timed": 1}, [[1.0, 2.0]], TypeError, "timed=1"),
        ({"timed": True}, [[1.0, 2.0]], ValueError, "table of shape"),
        ({"timed": True}, [np.ones((3, 1))], ValueError, "one column with timed=True"),
        ({"timed": True}, [np.ones((3, 2))], ValueError, "series 0 .column 0. do not increase"),
        ({"timed": True}, [[[np.nan, 1.0], [1, 2]]], ValueError, "time .column 0. is NaN"),
        ({}, [np.full((3, 2), np.nan)], ValueError, "series 0 holds no value"),
        ({}, [np.ones((3, 2)), np.ones((4, 1))], ValueError, r"columns"),
        ({}, [np.ones((3, 2)), np.full((4, 2), np.inf)], ValueError, "infinity in series 1"),
        ({}, [np.ones((2, 2, 2)), np.ones((3, 2))], ValueError, "series 0 of shape"),
        ({}, np.empty((0, 3, 2)), ValueError, "0 series"),
        ({}, [np.array([["a"]]), np.ones((2, 1))], TypeError, "series 0 of type"),
        ({}, np.ma.masked_equal(np.ones((3, 2)), 0), TypeError, "masked"),
        ({}, [np.ma.masked_equal(np.ones(2), 0), np.ones(2)], TypeError, "masked"),
        ({}, np.ma.masked_equal(np.ones((3, 2, 2)), 0), TypeError, "masked"),
        ({}, [np.ma.masked_equal(np.ones((2, 1)), 0), np.ones((3, 1))], TypeError, "masked"),
    ],
)
def test_errors_say_what_came(settings, X, error, said):
    with pytest.raises(error, match=said):
        RandomCDEFeatures(**settings).fit(X)


@pytest.mark.parametrize("estimator", [RandomCDEClassifier, RandomCDERegressor])
def test_a_penalty_of_zero_is_refused_by_its_name(estimator):
    with pytest.raises(ValueError, match="alpha"):
        estimator(alpha=0.0, **SMALL).fit(np.ones((2, 3, 2)), [0, 1])


def test_series_of_other_columns_are_refused():
    model = RandomCDEFeatures(**SMALL).fit(np.ones((2, 3, 2)))
    with pytest.raises(ValueError, match="3 columns, but RandomCDEFeatures is expecting 2"):
        model.transform(np.ones((2, 3, 3)))


def test_an_outlier_that_would_overflow_is_named():
    model = RandomCDEFeatures(**SMALL).fit(np.eye(5))
    with pytest.raises(ValueError, match=r"series 1 is .* long"):
        model.transform([[0, 1, 0, 0, 0], [0, 1e9, 0, 0, 0]])


def test_without_scikit_learn_the_error_says_what_to_install():
    code = "import sys; sys.modules['sklearn'] = None; import seqtheory.estimators"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'pip install "seqtheory[sklearn]"' in ended.stderr
