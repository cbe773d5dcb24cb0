"""Equations as MathML, which a browser shows and a screen reader reads with no script."""

from __future__ import annotations

import re

from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from markupsafe import Markup

# What the converter does not know, in the words that it does.
_REWRITTEN = (
    (re.compile(r"\\dots(?![a-zA-Z])"), r"\\ldots "),
    (re.compile(r"\\[bB]ig(?![a-zA-Z])"), r"\\Bigl"),
    (re.compile(r"\\textstyle(?![a-zA-Z])"), ""),
    (re.compile(r"\\([td]?frac)\s*(\d)(\d)"), r"\\\1{\2}{\3}"),
)


def known(source: str) -> str:
    """Rewrite LaTeX into what the converter knows."""
    for pattern, replacement in _REWRITTEN:
        source = pattern.sub(replacement, source)
    return source


def mathml(source: str, *, block: bool = False) -> Markup:
    """Convert LaTeX.

    Raises
    ------
    ValueError
        If the converter cannot; the message shows the equation.
    """
    try:
        return Markup(tex2mathml(known(source), as_block=block))  # noqa: S704 - it escapes text
    except MathError as error:
        raise ValueError(f"equation {source!r} cannot be converted: {error}") from error
