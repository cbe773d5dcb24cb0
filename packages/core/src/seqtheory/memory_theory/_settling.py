"""How much rest a model needs until its responses are time-homogeneous, or why none is enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

_LONGEST = 1024  # steps of rest that are tried beyond the given rest
_SPARE = 1.25  # safety factor: a rate estimated from few rests is not exact
_SLOW = 0.35  # logarithm of a fall while the rest doubles: that of the root of the rest
_REFUSALS = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)
_LEFT_OUT = (
    "Leave 'time_homogeneous' out of `check`, and read the result as memory from the model's "
    "first step on."
)


@dataclass(frozen=True)
class Settling:
    """A sufficient rest, found or extrapolated, or None; `advice` explains it in words."""

    rest: int | None
    advice: str


def settling(difference: Callable[[int], float], rest: int, tolerance: float) -> Settling:
    """Try rests, each twice as long as the last, until the difference falls below the tolerance.

    Parameters
    ----------
    difference
        Difference between the response to an input after a given rest and that to the input shifted
        later, as a share of the largest response.
    rest
        A rest that is too short.
    tolerance
        Share below which a difference is rounding.
    """
    tried, refusal = {rest: difference(rest)}, ""
    for extra in 2 ** np.arange(3, int(np.log2(_LONGEST)) + 1):
        longer = rest + int(extra)
        try:
            tried[longer] = difference(longer)
        except _REFUSALS as error:
            refusal = f" (with rest={longer} the model failed: {str(error)[:80]})"
            break
        if tried[longer] <= tolerance:
            short = max(each for each in tried if each < longer)
            return _found(_bisected(difference, short, longer, tolerance))
    return _foreseen(list(tried.items()), tolerance, refusal)


def _bisected(difference: Callable[[int], float], short: int, enough: int, tolerance: float) -> int:
    """Approach the least sufficient rest by three bisections."""
    for _ in range(3):
        middle = (short + enough) // 2
        if middle == short:
            break
        if difference(middle) <= tolerance:
            enough = middle
        else:
            short = middle
    return enough


def _found(enough: int) -> Settling:
    return Settling(
        enough,
        f"Its state starts away from where it comes to rest: with rest={enough}, which was tried, "
        "the responses agree.",
    )


def _foreseen(tried: list[tuple[int, float]], tolerance: float, refusal: str) -> Settling:
    """Extrapolate the last three rests: an exponential fall, a power law, or no fall."""
    seen = f"the difference is {tried[-1][1]:.1e} at rest={tried[-1][0]}{refusal}"
    if len(tried) < 3:
        return Settling(None, f"Whether rest helps could not be seen: {seen}. {_LEFT_OUT}")
    (r1, s1), (r2, s2) = tried[-2:]
    rates = [np.log(s / t) / (r - q) for (q, s), (r, t) in pairwise(tried)]
    rate, last = rates[-1], np.log(s1 / s2)
    # An exponential keeps its rate per step; a power law halves it, since rests double. Of a slow
    # fall three rates in a row must agree: two may by chance.
    alike = [0.75 < each / rate < 1.33 if rate > 0 else False for each in rates[-3:-1]]
    if alike[-1] and (last > _SLOW or (len(alike) > 1 and all(alike))):
        needed = r2 + int(np.ceil(_SPARE * np.log(s2 / tolerance) / rate))
        return Settling(
            needed,
            f"It settles slowly: {seen} and halves every {np.log(2) / rate:.3g} steps, so that "
            f"rest={needed} should be enough.",
        )
    if last < _SLOW:
        return Settling(
            None,
            f"No rest helps: {seen}, and {s1:.1e} at rest={r1}. The model knows its position, or "
            f"its state never comes to rest. {_LEFT_OUT}",
        )
    power = last / np.log(r2 / r1)
    return Settling(
        None,
        f"Rest helps little: {seen} and falls like rest^-{power:.2g} alone, as of a model that "
        f"averages over all of the past; rest={r2 * (s2 / tolerance) ** (1 / power):.1g} would be "
        f"needed. {_LEFT_OUT}",
    )
