"""Means and shares of runs, and what so few of them say of all others: intervals of 95 %.

====================================  ====================================
runs                                  written
====================================  ====================================
0.903, 0.922, 0.92                    0.915 [0.889, 0.941], n = 3
0.32                                  0.32, n = 1
0.0171, NaN, NaN                      0.0171, n = 1, 2 not finite
2 of 3 succeed                        2 of 3
4 of 5 succeed                        4 of 5 [0.376, 0.964]
two lists of three                    0.3 ± 0.04, 0.1 ± 0.02; n = 3
====================================  ====================================
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri, stdtrit

if TYPE_CHECKING:
    from jaxtyping import Float

CONFIDENCE = 0.95
ENOUGH = 5
"""A share of fewer runs is written without its interval, which would span nearly everything."""
READING = """\
Behind a mean stand Student's interval of 95 % in square brackets (or half of it behind ±), cut at
the bounds of what is measured, and the number n of seeds or draws. One run has no interval, and
that of two is thirteen times as wide as they lie apart. k of n counts runs; from five runs on
Wilson's interval of their share follows. In details of claims a..b are the least and the most."""
_UPPER = (1 + CONFIDENCE) / 2


def half_width(rows: Float[np.ndarray, "group run"]) -> float:
    r"""Half of Student's interval of the mean over groups of equally many runs.

    .. math:: t_{0.975, n - g}\, \frac{s}{\sqrt n}, \qquad
        s^2 = \frac{1}{n - g} \sum_{c=1}^{g} \sum_i (x_{ci} - \bar x_c)^2

    Parameters
    ----------
    rows
        n values in g groups, each around its own mean; one group gives the usual interval.

    Returns
    -------
    Infinite where each group has a single run.
    """
    rows = np.asarray(rows, np.float64)
    free = rows.size - len(rows)
    if free < 1:
        return math.inf
    apart = rows - rows[:, :1]  # equal runs are apart by nothing, not by what a mean is rounded
    squares = float(((apart - apart.mean(axis=1, keepdims=True)) ** 2).sum())
    return float(stdtrit(free, _UPPER)) * math.sqrt(squares / free / rows.size)


def student(values: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Student's interval of the mean of some runs; infinite for one run."""
    half, mean = half_width(np.array([values])), float(np.mean(values))
    return mean - half, mean + half


def bootstrap(
    runs: Float[np.ndarray, "run ..."],
    statistic: Callable[[np.ndarray], float],
    *,
    seed: int = 0,
    draws: int = 2_000,
) -> tuple[float, float]:
    """Percentile interval of a statistic over runs that are drawn anew, with replacement.

    For what is no mean, such as a root mean square. It needs some ten runs to be worth its name.
    """
    random = np.random.default_rng(seed)
    found = [statistic(runs[random.integers(len(runs), size=len(runs))]) for _ in range(draws)]
    low, high = np.quantile(found, [1 - _UPPER, _UPPER])
    return float(low), float(high)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    r"""Wilson's interval of a share of successes.

    .. math:: \frac{p + z^2/2n \pm z \sqrt{p(1-p)/n + z^2/4n^2}}{1 + z^2/n}

    Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927), 209-212.

    Raises
    ------
    ValueError
        Unless 0 <= successes <= trials and there is a trial.
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"got {successes} of {trials}, expected a share of at least one trial")
    p, z2 = successes / trials, float(ndtri(_UPPER)) ** 2 / trials
    middle, half = p + z2 / 2, math.sqrt(p * (1 - p) * z2 + z2**2 / 4)
    low, high = ((middle + sign * half) / (1 + z2) for sign in (-1, 1))
    return max(low, 0.0), min(high, 1.0)


def estimate(
    values: Sequence[float] | np.ndarray, least: float = -math.inf, most: float = math.inf
) -> str:
    """Write the mean of some runs with its interval and their number, to three digits.

    Parameters
    ----------
    values
        One number per run. Those that are not finite are counted and left out of the mean.
    least, most
        Bounds of what is measured, such as 0 and 1 of an accuracy, at which the interval is cut.
    """
    runs = np.asarray(values, np.float64)
    if not runs.size:
        return "none"
    kept = runs[np.isfinite(runs)]
    if not kept.size:
        return f"{runs[0]:g}, n = {runs.size}" if len(set(map(str, runs))) == 1 else _lost(runs)
    low, high = student(kept)
    ends = f" [{_number(max(low, least))}, {_number(min(high, most))}]" if kept.size > 1 else ""
    rest = f", {runs.size - kept.size} not finite" if kept.size < runs.size else ""
    return f"{_number(kept.mean())}{ends}, n = {kept.size}{rest}"


def estimates(columns: Sequence[Sequence[float] | np.ndarray]) -> str:
    """Write several means of as many runs, each with half of its interval, and their number."""
    parts = [_around(np.asarray(column, np.float64)) for column in columns]
    counts = sorted({len(column) for column in columns})
    return f"{', '.join(parts)}; n = {', '.join(map(str, counts))}"


def share(successes: int, trials: int) -> str:
    """Write how many runs succeeded, with Wilson's interval where they are `ENOUGH`."""
    text = f"{successes} of {trials}"
    if trials < ENOUGH:
        return text
    low, high = wilson(successes, trials)
    return f"{text} [{low:.3g}, {high:.3g}]"


def _around(runs: np.ndarray) -> str:
    known = len(runs) > 1 and np.isfinite(runs).all()
    return _number(runs.mean()) + (f" ± {_number(half_width(runs[None]), 2)}" if known else "")


def _number(value: float, digits: int = 3) -> str:
    """Write a number to a few digits; thousands in full."""
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:.{digits}g}"


def _lost(runs: np.ndarray) -> str:
    return f"{runs.size} not finite"
