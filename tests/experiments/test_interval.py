"""Intervals of means and shares are those of SciPy, and say how many runs they are of."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from experiments.report import interval

RUNS = [0.903, 0.922, 0.92, 0.887]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_student_is_that_of_scipy(count: int) -> None:
    runs = RUNS[:count]
    expected = stats.t.interval(0.95, count - 1, np.mean(runs), stats.sem(runs))
    assert interval.student(runs) == pytest.approx(expected)


def test_groups_are_pooled_around_their_own_means() -> None:
    rows = np.array([[1.0, 2.0, 4.0], [11.0, 12.5, 13.0]])
    spread = np.sqrt((rows.var(axis=1, ddof=1)).mean())
    expected = stats.t.ppf(0.975, 4) * spread / np.sqrt(6)
    assert interval.half_width(rows) == pytest.approx(expected)
    assert interval.half_width(rows[:, :1]) == math.inf


def test_the_bootstrap_is_that_of_scipy_up_to_its_draws() -> None:
    runs = np.random.default_rng(1).normal(size=40)

    def size(drawn: np.ndarray) -> float:
        return float(np.sqrt(np.mean(drawn**2)))

    expected = stats.bootstrap(
        (runs,), size, method="percentile", vectorized=False, rng=np.random.default_rng(2)
    ).confidence_interval
    assert interval.bootstrap(runs, size) == pytest.approx(tuple(expected), abs=0.02)
    assert interval.bootstrap(runs, size) == interval.bootstrap(runs, size)


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (3, 5), (5, 5), (89, 89), (1, 2)])
def test_wilson_is_that_of_scipy(successes: int, trials: int) -> None:
    expected = stats.binomtest(successes, trials).proportion_ci(method="wilson")
    assert interval.wilson(successes, trials) == pytest.approx(tuple(expected), abs=1e-12)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 2), (-1, 2)])
def test_a_share_of_nothing_is_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match=f"got {successes} of {trials}"):
        interval.wilson(successes, trials)


def test_the_interval_of_a_mean_covers_it_as_often_as_it_says() -> None:
    draws = np.random.default_rng(0).normal(size=(4_000, 5))
    covered = [low <= 0 <= high for low, high in map(interval.student, draws)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        ([0.903, 0.922, 0.92], "0.915 [0.889, 0.941], n = 3"),
        ([0.99, 1.0], "0.995 [0.931, 1], n = 2"),
        ([0.32], "0.32, n = 1"),
        ([0.0171, math.nan, math.nan], "0.0171, n = 1, 2 not finite"),
        ([math.inf], "inf, n = 1"),
        ([math.nan, math.inf], "2 not finite"),
        ([], "none"),
    ],
)
def test_a_mean_is_written_with_its_interval_and_number(runs: list[float], text: str) -> None:
    assert interval.estimate(runs, 0.0, 1.0) == text


def test_several_means_share_one_number() -> None:
    assert interval.estimates([[0.3, 0.31, 0.32], [2.0, 2.0, 2.0]]) == "0.31 ± 0.025, 2 ± 0; n = 3"
    assert interval.estimates([[0.3], [2.0]]) == "0.3, 2; n = 1"
    assert interval.estimates([[0.3, 0.3], [2.0]]) == "0.3 ± 0, 2; n = 1, 2"


def test_a_share_of_few_runs_has_no_interval() -> None:
    assert interval.share(2, 3) == "2 of 3"
    assert interval.share(4, 5) == "4 of 5 [0.376, 0.964]"
