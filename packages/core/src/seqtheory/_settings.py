"""Checks of the values that a settings dataclass is constructed with."""

import difflib
import math
import numbers
from collections.abc import Sequence

MOST_SYMBOLS = 2**30
"""Largest number of tokens or classes of a kind: two kinds together fit a 32-bit integer."""


def require_integer(name: str, value: object, minimum: int, maximum: int | None = None) -> None:
    """Raise unless `value` is an integer (not a bool) of at least `minimum`, at most `maximum`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name}={value!r} is not an integer. Give one of at least {minimum}.")
    if int(value) < minimum:
        raise ValueError(f"{name}={value} is too small: it must be at least {minimum}.")
    if maximum is not None and int(value) > maximum:
        raise ValueError(f"{name}={value} is too large: it must be at most {maximum:,}.")


def require_positive(name: str, value: object, *, zero_allowed: bool = False) -> None:
    """Raise unless `value` is a finite real number above zero (or, if allowed, zero)."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name}={value!r} is not a number.")
    number = float(value)
    if not math.isfinite(number) or number < 0 or (number == 0 and not zero_allowed):
        expected = "zero or a positive number" if zero_allowed else "a positive number"
        raise ValueError(f"{name}={value} must be {expected}, and finite.")


def require_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Raise unless `value` is one of `choices`, naming the nearest one."""
    if value in choices:
        return
    close = difflib.get_close_matches(str(value), choices, n=1, cutoff=0.4)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"{name}={value!r} is not known; choose from {', '.join(choices)}.{hint}")


def require_flag(name: str, value: object) -> None:
    """Raise unless `value` is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name}={value!r} is not True or False.")
