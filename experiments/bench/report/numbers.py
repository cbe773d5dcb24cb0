"""How a number is written, with its interval and the runs behind it, in every format alike.

==========================  =========================================
measured                    written
==========================  =========================================
0.8731 in 0.801..0.912      0.873 [0.801, 0.912], n = 5
0.8 of 5 runs               4 of 5 [0.376, 0.964]
16,384                      16,384
2,515,000                   2.52×10⁶
words                       the words
nothing                     — and a note that says why
==========================  =========================================
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

from experiments.bench.cards import Measurement

MISSING = "\N{EM DASH}"
MINUS = "\N{MINUS SIGN}"
INFINITY = "\N{INFINITY}"
ARROWS = {"more": "\N{UPWARDS ARROW}", "less": "\N{DOWNWARDS ARROW}", "neither": ""}
"""Sign behind a metric: whether more or less of it is better."""

_DIGITS = 3
_LARGEST = 1e6
_SMALLEST = 1e-3
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
"""From digits of a power to raised ones."""
_SHARES = re.compile(
    r"\b(runs that|share of (the )?(runs|seeds)|success rate|rate of success)\b", re.I
)


@dataclass(frozen=True)
class Shown:
    """A measurement in words: its value, the interval around it and the number of runs."""

    value: str
    interval: str = ""
    count: str = ""

    @property
    def text(self) -> str:
        """All three in one line."""
        said = f"{self.value} {self.interval}".rstrip()
        return f"{said}, {self.count}" if self.count else said


def shown(cell: Measurement | None) -> Shown:
    """Write a measurement; a model without one has a dash."""
    if cell is None or cell.value is None:
        return Shown(MISSING)
    if isinstance(cell.value, str):
        return Shown(plain(cell.value), count=_count(cell.n) if cell.n > 1 else "")
    ends = [end for end in (cell.low, cell.high) if end is not None]
    if cell.n == 1 and cell.low == cell.high:  # one run has no interval
        ends = []
    whole = all(float(x).is_integer() for x in (cell.value, *ends))
    interval = f"[{_end(cell.low, whole)}, {_end(cell.high, whole)}]" if ends else ""
    if is_share(cell):
        return Shown(f"{round(cell.value * cell.n)} of {cell.n}", interval)
    return Shown(number(cell.value, whole=whole), interval, _count(cell.n))


def is_share(cell: Measurement) -> bool:
    """Whether a measurement counts runs among runs, so that k of n says it."""
    if isinstance(cell.value, str) or cell.value is None or cell.n < 1:
        return False
    runs = cell.value * cell.n
    counts = 0 <= cell.value <= 1 and math.isclose(runs, round(runs), abs_tol=1e-6)
    return counts and _SHARES.search(cell.metric) is not None


def number(value: float, *, whole: bool = False) -> str:
    """Write a number to three significant digits, thousands by commas, large ones by powers of ten.

    Parameters
    ----------
    value
        The number.
    whole
        Whether it stands among whole numbers: it is then written without a fraction. From ten on a
        whole number is always written in full.
    """
    if math.isnan(value):
        return "not a number"
    sign = MINUS if value < 0 else ""
    size = abs(value)
    if math.isinf(size):
        return sign + INFINITY
    if size == 0 or (float(size).is_integer() and size < _LARGEST and (whole or size >= 10)):
        return f"{sign}{size:,.0f}"
    mantissa, _, power = f"{size:.{_DIGITS - 1}e}".partition("e")
    if not _SMALLEST <= float(f"{mantissa}e{power}") < _LARGEST:
        return f"{sign}{mantissa}\N{MULTIPLICATION SIGN}10{str(int(power)).translate(RAISED)}"
    places = max(_DIGITS - 1 - int(power), 0)
    return f"{sign}{float(f'{mantissa}e{power}'):,.{places}f}"


def plain(text: str) -> str:
    """Take out of a text what would steer whatever prints it: control and direction characters."""
    return "".join(" " if unicodedata.category(sign) in ("Cc", "Cf") else sign for sign in text)


def _end(value: float | None, whole: bool) -> str:
    return MISSING if value is None else number(value, whole=whole)


def _count(n: int) -> str:
    return f"n = {n}" if n else ""
