"""Random choices without replacement, one per row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Integer


def distinct(
    count: int | Integer[np.ndarray, " batch"], shape: tuple[int, int], rng: np.random.Generator
) -> Integer[np.ndarray, "batch chosen"]:
    """Distinct numbers below `count` in each row; all ordered choices equally likely.

    Parameters
    ----------
    count
        Numbers to choose from, at least ``shape[1]``: one for all rows, or one for each.
    shape
        Rows, and numbers chosen in each.
    rng
        Source of the draws.

    Notes
    -----
    Memory is that of the choices, and not that of the numbers; time grows with the square of the
    numbers chosen.

    References
    ----------
    J. Bentley and B. Floyd, A sample of brilliance, Communications of the ACM 30 (1987), 754-757.
    """
    rows, chosen = shape
    numbers = np.empty(shape, dtype=np.int64)
    for i in range(chosen):
        top = count - chosen + i
        draw = rng.integers(0, top + 1, rows)
        taken = (numbers[:, :i] == draw[:, None]).any(axis=1)
        numbers[:, i] = np.where(taken, top, draw)
    return rng.permuted(numbers, axis=1)


def weighted(
    weights: Float[np.ndarray, " number"],
    counts: Integer[np.ndarray, " batch"],
    chosen: int,
    rng: np.random.Generator,
) -> Integer[np.ndarray, "batch chosen"]:
    """Distinct numbers in each row, in the order drawn: each by weight among those that are left.

    Parameters
    ----------
    weights
        Number g is drawn next with probability w_g / (sum of w over the numbers left).
    counts
        Row i chooses from 0..counts[i] - 1, at least `chosen` and at most ``len(weights)`` numbers.
    chosen
        Numbers chosen in each row.
    rng
        Source of the draws.

    Notes
    -----
    Number g gets an exponential time of rate w_g. The least of all is that of g with probability
    w_g / sum of w, and as such times have no memory the same holds for each next one, so the
    numbers whose times are least, in order of time, have the law above.

    References
    ----------
    P. Efraimidis and P. Spirakis, Weighted random sampling with a reservoir, Information Processing
    Letters 97 (2006), 181-185.
    """
    times = rng.standard_exponential((len(counts), len(weights)))
    times /= weights
    times[np.arange(len(weights)) >= counts[:, None]] = np.inf
    return np.argsort(times, axis=1)[:, :chosen]
