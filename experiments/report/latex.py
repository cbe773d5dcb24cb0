"""Tables of records in LaTeX."""

from __future__ import annotations

from collections.abc import Sequence

_ESCAPED = {
    "\\": r"\textbackslash{}",
    **{sign: "\\" + sign for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "\N{MINUS SIGN}": "$-$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$",
    "\N{LESS-THAN OR EQUAL TO}": r"$\leq$",
    "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}",
}


def tabular(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""Format a table as a ``tabular`` that needs no package; special characters are escaped."""
    lines = [" & ".join(map(escaped, row)) + r" \\" for row in (header, *rows)]
    body = [lines[0], r"\hline", *lines[1:]]
    columns = "l" * len(header)
    return "\n".join([rf"\begin{{tabular}}{{{columns}}}", *body, r"\end{tabular}"])


def escaped(text: str) -> str:
    """Escape text, so that LaTeX prints every character."""
    return "".join(_ESCAPED.get(sign, sign) for sign in text)
