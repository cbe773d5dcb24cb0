"""The asymptotic rate at which a memory function falls, to compare with the spectrum."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from seqtheory._array import as_array
from seqtheory.checks import require_integer
from seqtheory.memory_theory._decay import Estimate


def asymptotic_rate(
    times: ArrayLike, values: ArrayLike, *, tail: float = 0.5, block: int = 1
) -> Estimate:
    r"""Rate of exponential decay of the late part of a memory function.

    .. math:: M(t) \approx c\, t^{m - 1} e^{-r t}

    In a linear system r is the ``rate`` of its spectrum, -max Re(eigenvalue), and m the size of the
    largest Jordan block there.

    Parameters
    ----------
    times
        Increasing; at least 12.
    values
        Positive memory at those times.
    tail
        Share of the times, the late ones, that is fitted.
    block
        The size m, which is not fitted.

    Returns
    -------
    The rate with its 95 % interval, in 1 / time. It is zero or negative where memory does not
    decay.

    Raises
    ------
    ValueError
        If the tail spans less than one time constant, which is too short for an asymptotic rate.

    Notes
    -----
    An oscillating memory is replaced by its running maximum from each time on. Compare with
    `ContinuousSystem.rate`: of a polynomial memory the rate found falls like 1 / t as the horizon
    grows and never settles, which is the sign that no spectrum bounded away from zero holds it.

    Examples
    --------
    >>> t = np.arange(1.0, 100.0)
    >>> round(asymptotic_rate(t, t * 0.9**t, block=2).value, 6)  # -log(0.9)
    0.105361
    """
    require_integer("block", block, 1)
    t, v = as_array(times, dtype=np.float64), as_array(values, dtype=np.float64)
    if t.ndim != 1 or t.shape != v.shape or t.size < 12 or not np.all(np.diff(t) > 0):
        raise ValueError(
            f"asymptotic_rate takes one value per time, increasing times and at least 12, but got "
            f"shapes {t.shape} and {v.shape}."
        )
    if not np.all(np.isfinite(v) & (v > 0)):
        raise ValueError("values must be positive and finite: cut the series before it is zero.")
    if not 0 < tail <= 1 or round(tail * t.size) < 6:
        raise ValueError(
            f"tail={tail}: expected a number in (0, 1] that leaves at least 6 of {t.size} times."
        )
    if t[0] < 0 or (block > 1 and t[-round(tail * t.size)] == 0):
        raise ValueError("times must not be negative, nor the tail hold 0 if block > 1.")
    late = slice(t.size - round(tail * t.size), None)
    to_come = np.maximum.accumulate(v[::-1])[::-1]
    ages, logs = t[late], np.log(to_come[late])
    found = _slope(ages, logs if block == 1 else logs - (block - 1) * np.log(ages))
    span = float(ages[-1] - ages[0])
    if 0 < found.value * span < 1:
        raise ValueError(
            f"the tail spans {span:g}, less than the time constant {1 / found.value:g} that it "
            "suggests: the horizon is shorter than the slowest mode. Measure for longer."
        )
    return found


def _slope(ages: np.ndarray, logs: np.ndarray) -> Estimate:
    """Minus the slope of logs over ages, with its 95 % interval."""
    centred = ages - ages.mean()
    spread = float(centred @ centred)
    rate = -float(centred @ logs) / spread
    residual = logs - logs.mean() + rate * centred
    error = float(np.sqrt(residual @ residual / (ages.size - 2) / spread))
    half = float(special.stdtrit(ages.size - 2, 0.975)) * error
    return Estimate(rate, rate - half, rate + half)
