"""Limit kernels against Monte Carlo over random linear CDEs, and regression with them."""

import numpy as np
import pytest

from seqtheory import linear_cde, signature
from seqtheory.limit_kernel import dense_limit, diagonal_limit, fit_kernel_ridge


def random_paths(seed, count, time=6, channels=2, size=0.8):
    steps = np.random.default_rng(seed).standard_normal((count, time, channels))
    return steps.cumsum(axis=1) * size / np.sqrt(time)


def dense_products(paths, width, draws, *, forcing, fixed_start, seed=0):
    """Inner products of terminal states over the width, one matrix per draw."""
    rng = np.random.default_rng(seed)
    driver, channels = signature.add_time(paths), paths.shape[2] + 1
    found = []
    for _ in range(draws):
        A = rng.standard_normal((channels, width, width)) / np.sqrt(width)
        B = rng.standard_normal((width, channels)) * forcing
        C = rng.standard_normal((width, channels - 1)) * (not fixed_start)
        d = rng.standard_normal(width)
        ends = [
            linear_cde.solve(A, B, C @ x[0] + d, w)[-1] for x, w in zip(paths, driver, strict=True)
        ]
        found.append(np.stack(ends) @ np.stack(ends).T / width)
    return np.stack(found)


@pytest.mark.parametrize(("forcing", "fixed_start"), [(True, False), (False, False), (False, True)])
def test_dense_limit_is_the_mean_over_random_equations(forcing, fixed_start):
    paths = random_paths(0, 4)
    settings = {"forcing": forcing, "fixed_start": fixed_start}
    draws = dense_products(paths, 48, 60, **settings)
    error = 4 * draws.std(axis=0) / np.sqrt(len(draws)) + 0.02 * np.abs(draws.mean(axis=0))
    limit = dense_limit(paths, depth=9, **settings)
    assert (np.abs(draws.mean(axis=0) - limit) < error).all()
    # The bounds are narrow enough to tell the three kernels apart.
    others = [(True, False), (False, False), (False, True)]
    others.remove((forcing, fixed_start))
    for other in others:
        wrong = dense_limit(paths, depth=9, forcing=other[0], fixed_start=other[1])
        assert (np.abs(draws.mean(axis=0) - wrong) > error).any()


@pytest.mark.parametrize(("forcing", "fixed_start"), [(True, False), (False, False), (False, True)])
def test_diagonal_limit_is_the_mean_over_random_equations(forcing, fixed_start):
    paths, states = random_paths(1, 4, size=0.4), 400_000
    rng = np.random.default_rng(2)
    driver = signature.add_time(paths)
    a, b = rng.standard_normal((2, states, 3))
    C, d = rng.standard_normal((states, 2)), rng.standard_normal(states)
    ends = []
    for x, w in zip(paths, driver, strict=True):
        y = d + (C @ x[0]) * (not fixed_start)
        for step in np.diff(w, axis=0):
            turn = a @ step
            y = y * np.exp(turn) + forcing * (b @ step) * np.expm1(turn) / turn
        ends.append(y)
    products = np.stack(ends)[:, None] * np.stack(ends)[None]
    error = 5 * products.std(axis=-1) / np.sqrt(states)
    limit = diagonal_limit(paths, forcing=forcing, fixed_start=fixed_start, degree=14)
    assert (np.abs(products.mean(axis=-1) - limit) < error).all()


def test_dense_limit_agrees_with_the_goursat_equation():
    paths = random_paths(3, 5, time=20)
    driver = signature.add_time(paths)
    truth = signature.gram(driver, dyadic_order=3)
    found = dense_limit(paths, forcing=False, fixed_start=True, depth=10)
    np.testing.assert_allclose(found, truth, rtol=1e-3, atol=1e-3)
    starts = paths[:, 0] @ paths[:, 0].T
    np.testing.assert_allclose(dense_limit(paths, depth=10), (2 + starts) * found - 1, rtol=1e-12)


@pytest.mark.parametrize("limit", [dense_limit, diagonal_limit])
def test_gram_is_symmetric_positive_and_made_of_pairs(limit):
    xs, ys = random_paths(4, 9, size=0.4), random_paths(5, 5, size=0.4)
    gram = limit(xs)
    np.testing.assert_array_equal(gram, gram.T)
    values = np.linalg.eigvalsh(gram)
    assert values[0] > -1e-12 * values[-1]
    both = limit(np.concatenate([xs, ys]))
    np.testing.assert_allclose(limit(xs, ys), both[:9, 9:], rtol=1e-12)


def test_homogeneous_diagonal_limit_sees_the_endpoint_alone():
    path = random_paths(6, 1, time=9)
    other = path.copy()
    other[0, 1:-1] += np.random.default_rng(7).standard_normal((7, 2))
    one, two = (diagonal_limit(x, forcing=False, fixed_start=True) for x in (path, other))
    np.testing.assert_allclose(one, two, rtol=1e-12)
    dense = (dense_limit(x, forcing=False, fixed_start=True) for x in (path, other))
    assert abs(next(dense) - next(dense)) > 0.01


def test_regression_reaches_what_the_kernel_contains_and_floors_elsewhere():
    rng = np.random.default_rng(8)
    paths = rng.standard_normal((700, 12, 2)).cumsum(axis=1) * 0.06
    labels = signature.coefficient(paths, (0, 1))
    train, new = slice(0, 500), slice(500, None)

    def ratio(kernel):
        readout = fit_kernel_ridge(kernel[train, train], labels[train])
        wrong = readout.predict(kernel[new, train]) - labels[new]
        return np.sqrt(np.mean(wrong**2) / np.mean(labels[new] ** 2))

    assert ratio(dense_limit(paths, depth=5)) < 0.02
    assert ratio(diagonal_limit(paths)) < 0.02
    floor = ratio(diagonal_limit(paths, forcing=False, fixed_start=True))
    assert 0.6 < floor < 0.85  # sqrt(10 / 21) = 0.69 with 11 increments


def test_ridge_regression_is_the_regularised_least_squares_of_features():
    rng = np.random.default_rng(9)
    features, targets = rng.standard_normal((30, 4)), rng.standard_normal(30) + 3
    gram = features @ features.T
    readout = fit_kernel_ridge(gram, targets, ridges=(0.1,))
    centred = features - features.mean(axis=0)
    penalty = 0.1 * np.trace(gram) / 30 * np.eye(4)
    weights = np.linalg.solve(centred.T @ centred + penalty, centred.T @ (targets - targets.mean()))
    expected = centred @ weights + targets.mean()
    np.testing.assert_allclose(readout.predict(gram), expected, atol=1e-10)


def test_the_ridge_with_the_least_held_out_error_is_chosen():
    rng = np.random.default_rng(10)
    features = rng.standard_normal((80, 60))
    targets = features[:, 0] + 2 * rng.standard_normal(80)
    ridges = (1e-6, 1e-2, 10.0)
    readout = fit_kernel_ridge(features @ features.T, targets, ridges=ridges)
    assert readout.ridge == ridges[int(np.argmin(readout.errors))] == 10.0


def test_what_is_no_kernel_problem_is_refused():
    paths = random_paths(11, 3)
    with pytest.raises(ValueError, match=r"expected \(path, time, channel\)"):
        dense_limit(paths[0])
    with pytest.raises(ValueError, match="set forcing=False"):
        diagonal_limit(paths, fixed_start=True)
    with pytest.raises(ValueError, match="xs has 2 channels and ys has 1"):
        dense_limit(paths, paths[..., :1])
    with pytest.raises(MemoryError, match="Ask for less"):
        dense_limit(np.broadcast_to(paths[:1], (10**8, 6, 2)), depth=1)
    with pytest.raises(ValueError, match="one or more positive"):
        fit_kernel_ridge(np.eye(3), np.ones(3), ridges=(0.0,))
    with pytest.raises(ValueError, match="at least two rows"):
        fit_kernel_ridge(np.eye(3), np.ones(4))
