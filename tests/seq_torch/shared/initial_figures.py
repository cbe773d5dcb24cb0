"""Figures of how parameters are drawn, and whether other draws have that distribution.

`figures` makes them of draws of upstream's code, `text` gives the file, and `unlike` compares draws
of ours with figures. They need NumPy alone, so that a script can make a file where this project is
not installed.

What every draw agrees on is kept as values. Of what is drawn the quantiles at `LEVELS` are kept,
over all entries, and along each axis (heads, channels) either the word "alike" or the quantiles of
each index at `COARSE`. A level p with the quantile q is judged by

.. math:: z = \\frac{|F(q) - p|}{\\sqrt{\\bar p (1 - \\bar p) (1/n + 1/m)}}

for n entries of ours, of which the share F(q) is q or less, m of upstream's, and the share
:math:`\\bar p` of both. Draws of one distribution exceed `ALARM` at one level in 10^10, and the
tests of this folder look at some 10^5: the chance of a false alarm is 10^-5 in all.
"""

from __future__ import annotations

import json
from math import log, log1p
from typing import Any

import numpy as np

LEVELS = tuple(
    float(f"{p:.3g}")
    for p in (0.001, 0.003, 0.01, 0.03, *np.arange(0.05, 0.96, 0.05), 0.97, 0.99, 0.997, 0.999)
)
COARSE = (0.1, 0.3, 0.5, 0.7, 0.9)
ALARM = 6.5
FEWEST = 40
"""Entries that are expected on the smaller side of a level that is judged, of ours and theirs."""
WIDEST = 64
"""Longest axis whose indices are looked at one by one."""


def figures(draws: np.ndarray, repeats: int = 1) -> dict[str, Any]:
    """Describe the distribution of a parameter, given its values of shape ``(draw, *shape)``.

    Parameters
    ----------
    repeats
        How often each independent number is found among the entries of a draw.
    """
    draws = np.asarray(draws, dtype=np.float64)
    first = draws[0]
    if np.allclose(draws, first, rtol=1e-6, atol=1e-9):
        return {"values": _short(_once(first))}
    held: dict[str, Any] = {"count": draws.size // repeats}
    held |= {"mean": _short(draws.mean()), "deviation": _short(draws.std())}
    held |= {"least": _short(draws.min()), "greatest": _short(draws.max())}
    held["quantiles"] = _quantiles(draws, LEVELS)
    if repeats > 1:
        held["repeats"] = repeats
    held["axes"] = [_profile(draws, axis, held) for axis in range(1, draws.ndim)]
    return held


def unlike(draws: np.ndarray, held: dict[str, Any]) -> str | None:
    """Say how draws of ours, ``(draw, *shape)``, differ from figures; None where they do not."""
    draws = np.asarray(draws, dtype=np.float64)
    if "values" in held:
        expected = np.broadcast_to(np.asarray(held["values"], np.float64), draws.shape[1:])
        size = np.abs(expected).max(initial=0.0)
        gap = np.abs(draws - expected).max(initial=0.0)
        return f"off by {gap:.3g} from fixed values" if gap > 2e-6 * size + 1e-9 else None
    repeats, count = held.get("repeats", 1), held["count"]
    if said := _unlike_sample(draws, LEVELS, held["quantiles"], count, repeats):
        return said
    if said := _outside(draws, held, repeats):
        return said
    for axis, profile in enumerate(held["axes"], start=1):
        length = draws.shape[axis]
        if length > WIDEST:
            continue
        for index in range(length):
            expected = (LEVELS, held["quantiles"], count)
            if profile != "alike":
                expected = (COARSE, profile[index], count // length)
            if said := _unlike_sample(draws.take(index, axis), *expected, repeats):
                return f"index {index} of axis {axis - 1}: {said}"
    return None


def text(held: Any, indent: int = 0) -> str:
    """Write JSON in which a list of numbers, and whatever is short, has one line."""
    flat = json.dumps(held)
    if len(flat) < 90 or not isinstance(held, (dict, list)):
        return flat
    if isinstance(held, list) and not any(isinstance(item, (dict, list)) for item in held):
        return flat
    pad = "\n" + " " * indent
    if isinstance(held, dict):
        rows = [f"{pad} {json.dumps(k)}: {text(v, indent + 1)}" for k, v in held.items()]
        return "{" + ",".join(rows) + pad + "}"
    return "[" + ",".join(f"{pad} {text(item, indent + 1)}" for item in held) + pad + "]"


def _profile(draws: np.ndarray, axis: int, held: dict[str, Any]) -> Any:
    """Give the quantiles of each index of an axis, or the word for "no two differ"."""
    whole = (LEVELS, held["quantiles"], held["count"], held.get("repeats", 1))
    parts = [draws.take(index, axis) for index in range(draws.shape[axis])]
    if len(parts) > WIDEST or not any(_unlike_sample(part, *whole) for part in parts):
        return "alike"
    return [_quantiles(part, COARSE) for part in parts]


def _unlike_sample(
    sample: np.ndarray, levels: Any, quantiles: Any, count: int, repeats: int
) -> str | None:
    """Compare the entries of a sample with quantiles of `count` independent ones."""
    found, n = np.sort(sample, axis=None), sample.size / repeats
    p, q = np.asarray(levels), np.asarray(quantiles)
    room = 2e-6 * np.abs(q) + 1e-9  # for rounding, where many entries are equal
    below = np.searchsorted(found, q - room, "left") / found.size
    upto = np.searchsorted(found, q + room, "right") / found.size
    gap = np.maximum(p - upto, below - p).clip(min=0.0)
    share = (count * p + n * np.where(p > upto, upto, below)) / (count + n)
    z = gap / np.sqrt((share * (1 - share)).clip(min=1e-12) * (1 / n + 1 / count))
    z[min(n, count) * np.minimum(p, 1 - p) < FEWEST] = 0.0
    worst = int(z.argmax())
    if z[worst] <= ALARM:
        return None
    return (
        f"{p[worst]:.3g} of upstream's are at most {q[worst]:.4g}, of ours {upto[worst]:.3g} "
        f"(z = {z[worst]:.3g}; mean {sample.mean():.4g}, deviation {sample.std():.4g})"
    )


def _once(values: np.ndarray) -> np.ndarray:
    """Keep one of each axis along which all are equal; a number, if all entries are."""
    for axis in range(values.ndim):
        kept = values.take([0], axis)
        values = kept if np.all(values == kept) else values
    return values.reshape(()) if values.size == 1 else values


def _outside(draws: np.ndarray, held: dict[str, Any], repeats: int) -> str | None:
    """Count entries beyond the range of upstream's: k of them have the chance (n / (n + m))^k."""
    n, m = draws.size / repeats, held["count"]
    allowed = log(1e10) / log1p(m / n)
    for name, beyond in (
        ("least", draws < held["least"] - 2e-6 * abs(held["least"]) - 1e-9),
        ("greatest", draws > held["greatest"] + 2e-6 * abs(held["greatest"]) + 1e-9),
    ):
        if beyond.sum() / repeats > allowed:
            return f"{beyond.sum()} of {draws.size} are beyond upstream's {name}, {held[name]:.4g}"
    return None


def _quantiles(sample: np.ndarray, levels: Any) -> list[float]:
    return _short(np.quantile(sample, levels, method="inverted_cdf"))


def _short(values: Any) -> Any:
    """Plain numbers of seven digits."""
    if isinstance(values, np.ndarray) and values.ndim:
        return [_short(value) for value in values]
    return float(f"{float(values):.7g}")
