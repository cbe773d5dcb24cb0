"""Axes that the figures of random linear CDEs share: an error against powers of two."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

PANELS = {2: "$S^{12}$ of 2-D paths", 3: "$S^{123}$ of 3-D paths"}
"""Titles, by the dimension of the paths."""


def axes_of_widths(panel: Axes, title: str, name: str) -> None:
    """Give a panel its title and logarithmic axes; `name` says what grows from left to right."""
    panel.set(title=title, xlabel=name, yscale="log")
    panel.set_xscale("log", base=2)
    panel.xaxis.set_major_formatter("{x:.0f}")
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.grid(visible=True, which="major", alpha=0.3)
