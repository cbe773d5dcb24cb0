"""Bounded coefficients of exponential sums: each is the solution of its own problem."""

from __future__ import annotations

import numpy as np
import pytest

from seqtheory.memory import Exponential, Polynomial
from seqtheory.memory_theory import L1Bound, NonNegative, Ridge, fit_exponentials

TIMES = np.arange(101.0)
MEMORIES = (Exponential(rate=0.10536), Polynomial(rate=1.0, power=1.1))


def problem(kernel, width=8, slowest=0.02):
    rates = np.geomspace(slowest, 2.0, width)
    return np.exp(-np.outer(TIMES, rates)), kernel(TIMES)


def pull(modes, target, c):
    """Minus half the gradient of the squared error."""
    return modes.T @ (target - modes @ c)


@pytest.mark.parametrize("kernel", MEMORIES, ids=repr)
def test_non_negative_coefficients_are_the_best_ones(kernel):
    """No used coefficient feels a pull, and every other one is pulled below zero."""
    modes, target = problem(kernel)
    c = NonNegative().coefficients(modes, target)
    assert (c >= 0).all()
    force = pull(modes, target, c)
    assert np.abs(force[c > 0]).max() < 1e-12
    assert force.max() < 1e-12


@pytest.mark.parametrize("total", [0.5, 1.0, 1.5])
def test_a_bound_on_the_sum_is_met_by_the_best_coefficients(total):
    """All used coefficients feel one pull, outwards; no other one a stronger one."""
    modes, target = problem(MEMORIES[0])
    c = L1Bound(total).coefficients(modes, target)
    assert np.abs(c).sum() == pytest.approx(total, rel=1e-6)
    force, used = pull(modes, target, c), np.abs(c) > 1e-9
    strength = np.abs(force).max()
    np.testing.assert_allclose(force[used], strength * np.sign(c[used]), rtol=1e-4)


def test_a_bound_that_least_squares_keeps_changes_nothing():
    modes, target = problem(MEMORIES[1], width=4)
    free = np.linalg.lstsq(modes, target, rcond=None)[0]
    np.testing.assert_allclose(L1Bound(10.0).coefficients(modes, target), free, atol=1e-7)


def test_a_price_on_squares_solves_the_normal_equations():
    modes, target = problem(MEMORIES[0], width=4)
    c = Ridge(0.3).coefficients(modes, target)
    expected = np.linalg.solve(modes.T @ modes + 0.3 * np.eye(4), modes.T @ target)
    np.testing.assert_allclose(c, expected, rtol=1e-9)


@pytest.mark.parametrize("slowest", [0.02, None])
@pytest.mark.parametrize("bound", [NonNegative(), L1Bound(1.0), Ridge(1e-2)], ids=repr)
def test_a_bound_cannot_come_closer_than_no_bound(bound, slowest):
    def error(fit):
        return np.square(fit(TIMES) - MEMORIES[1](TIMES)).sum()

    settings = {"slowest": slowest, "horizon": 100}
    free = error(fit_exponentials(MEMORIES[1], 3, **settings))
    assert error(fit_exponentials(MEMORIES[1], 3, bound=bound, **settings)) >= free * (1 - 1e-6)


@pytest.mark.parametrize("build", [lambda: L1Bound(0.0), lambda: Ridge(-1.0)])
def test_a_bound_that_allows_nothing_is_refused(build):
    with pytest.raises(ValueError, match="expected"):
        build()
