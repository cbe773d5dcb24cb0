"""Checks of settings, made where a value is constructed, with one grammar of message.

Every message reads ``name=value: expected what; what to do``: what came, what was expected and,
where it is not plain from that, what to do. A value of the wrong kind is a TypeError, one out of
range a ValueError, and a request larger than the machine's memory a MemoryError.
"""

from __future__ import annotations

import difflib
import math
import numbers
import os
from collections.abc import Sequence

__all__ = [
    "MOST_SYMBOLS",
    "physical_memory",
    "require_choice",
    "require_flag",
    "require_fraction",
    "require_integer",
    "require_memory",
    "require_positive",
]

MOST_SYMBOLS = 2**30
"""Largest number of tokens or classes of a kind: two kinds together fit a 32-bit integer."""


def require_integer(name: str, value: object, minimum: int, maximum: int | None = None) -> None:
    """Raise unless `value` is an integer (not a bool) of at least `minimum`, at most `maximum`.

    Raises
    ------
    TypeError
        If it is no integer: ``depth=2.0: expected an integer of at least 1``.
    ValueError
        If it is out of range.
    """
    top = "" if maximum is None else f" and at most {maximum:,}"
    expected = f"{name}={value!r}: expected an integer of at least {minimum}{top}"
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(expected)
    if int(value) < minimum or (maximum is not None and int(value) > maximum):
        raise ValueError(expected)


def require_positive(name: str, value: object, *, zero_allowed: bool = False) -> None:
    """Raise unless `value` is a finite real number above zero (or, if allowed, zero).

    Raises
    ------
    TypeError
        If it is no number: ``dt='fast': expected a positive number, and finite``.
    ValueError
        If it is negative, not finite, or zero where that is not allowed.
    """
    kind = "zero or a positive number" if zero_allowed else "a positive number"
    number = _number(name, value, f"{kind}, and finite")
    if not math.isfinite(number) or number < 0 or (number == 0 and not zero_allowed):
        raise ValueError(f"{name}={value!r}: expected {kind}, and finite")


def require_fraction(name: str, value: object, *, zero: bool = False, one: bool = False) -> None:
    """Raise unless `value` is a number between 0 and 1; `zero` and `one` allow the ends.

    Raises
    ------
    TypeError
        If it is no number: ``dropout=None: expected a number in [0, 1)``.
    ValueError
        If it is out of range, or NaN.
    """
    expected = f"a number in {'[' if zero else '('}0, 1{']' if one else ')'}"
    number = _number(name, value, expected)
    if not (0 < number < 1 or (zero and number == 0) or (one and number == 1)):
        raise ValueError(f"{name}={value!r}: expected {expected}")


def require_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Raise unless `value` is one of `choices`, naming the nearest one.

    Raises
    ------
    ValueError
        As in ``norm='bach': expected one of layer, batch, none; did you mean 'batch'?``
    """
    if value in choices:
        return
    if len(choices) == 1:
        raise ValueError(f"{name}={value!r}: expected {choices[0]!r}")
    close = difflib.get_close_matches(str(value), choices, n=1, cutoff=0.4)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"{name}={value!r}: expected one of {', '.join(choices)}{hint}")


def require_flag(name: str, value: object) -> None:
    """Raise TypeError unless `value` is True or False: ``skip=1: expected True or False``."""
    if not isinstance(value, bool):
        raise TypeError(f"{name}={value!r}: expected True or False")


def physical_memory() -> int | None:
    """Bytes of physical memory, or None where the system does not say.

    The total is taken and not what is free at the moment: free memory leaves out the
    file cache, and would refuse requests that fit.
    """
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
    return total if total > 0 else None


def require_memory(bytes_needed: int, what: str) -> None:
    """Raise MemoryError if `what` needs more bytes than the machine has."""
    total = physical_memory()
    if total is not None and bytes_needed > total:
        raise MemoryError(
            f"{what} needs about {_gigabytes(bytes_needed)}, but this machine has "
            f"{_gigabytes(total)}. Ask for less of it, or build it in parts."
        )


def _number(name: str, value: object, expected: str) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name}={value!r}: expected {expected}")
    return float(value)


def _gigabytes(count: int) -> str:
    if count < 10**24:
        return f"{count / 1e9:,.1f} GB"
    return f"10^{int(count.bit_length() * 0.30103) - 9} GB"  # a float may not hold it
