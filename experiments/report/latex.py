"""Tables of records in LaTeX."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_ESCAPED = {
    "\\": r"\textbackslash{}",
    **{sign: "\\" + sign for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "`": r"\`{}",
    '"': "''",
    "|": "$|$",
    "<": "$<$",
    ">": "$>$",
    "\N{MINUS SIGN}": "$-$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$",
    "\N{LESS-THAN OR EQUAL TO}": r"$\leq$",
    "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}",
    "\N{INFINITY}": r"$\infty$",
    "\N{UPWARDS ARROW}": r"$\uparrow$",
    "\N{DOWNWARDS ARROW}": r"$\downarrow$",
    "\N{EN DASH}": r"\textendash{}",
    "\N{EM DASH}": r"\textemdash{}",
    "\N{GREEK SMALL LETTER MU}": r"$\mu$",
    "\N{MICRO SIGN}": r"$\mu$",
    "\N{SUPERSCRIPT MINUS}": r"$^{-}$",
    **{sign: f"$^{{{k}}}$" for k, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    "\N{LATIN SMALL LETTER SHARP S}": r"\ss{}",
    "\N{LATIN SMALL LETTER AE}": r"\ae{}",
    "\N{LATIN CAPITAL LETTER AE}": r"\AE{}",
    "\N{LATIN SMALL LETTER O WITH STROKE}": r"\o{}",
    "\N{LATIN CAPITAL LETTER O WITH STROKE}": r"\O{}",
    "\N{LATIN SMALL LETTER L WITH STROKE}": r"\l{}",
    "\N{LATIN CAPITAL LETTER L WITH STROKE}": r"\L{}",
}
_ACCENTS = {
    "\N{COMBINING GRAVE ACCENT}": "`",
    "\N{COMBINING ACUTE ACCENT}": "'",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "^",
    "\N{COMBINING TILDE}": "~",
    "\N{COMBINING MACRON}": "=",
    "\N{COMBINING BREVE}": "u ",
    "\N{COMBINING DOT ABOVE}": ".",
    "\N{COMBINING DIAERESIS}": '"',
    "\N{COMBINING RING ABOVE}": "r ",
    "\N{COMBINING DOUBLE ACUTE ACCENT}": "H ",
    "\N{COMBINING CARON}": "v ",
    "\N{COMBINING CEDILLA}": "c ",
}


def tabular(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""Format a table as a ``tabular`` that needs no package; special characters are escaped."""
    lines = [" & ".join(map(escaped, row)) + r" \\" for row in (header, *rows)]
    body = [lines[0], r"\hline", *lines[1:]]
    columns = "l" * len(header)
    return "\n".join([rf"\begin{{tabular}}{{{columns}}}", *body, r"\end{tabular}"])


def escaped(text: str) -> str:
    r"""Escape text, so that LaTeX prints every character, with no package and in any font encoding.

    Letters with accents become commands of LaTeX; what none prints is named by its code point, such
    as U+4E2D. Hyphens in a row stay hyphens.
    """
    signs = "".join(map(_sign, unicodedata.normalize("NFC", text)))
    return re.sub("-(?=-)", "-{}", signs)


def _sign(sign: str) -> str:
    if sign in _ESCAPED:
        return _ESCAPED[sign]
    if sign.isascii():
        return sign if sign.isprintable() else " "
    letter, *marks = unicodedata.normalize("NFD", sign)
    if letter.isascii() and len(marks) == 1 and marks[0] in _ACCENTS:
        letter = {"i": r"\i", "j": r"\j"}.get(letter, letter)
        return rf"\{_ACCENTS[marks[0]]}{{{letter}}}"
    return f"U+{ord(sign):04X}"
