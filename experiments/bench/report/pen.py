"""How models are drawn and named in figures: a pen for each, and names brought to the font."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import TextPath

from experiments.report import style

Setting = Literal["axes.titlesize", "xtick.labelsize", "ytick.labelsize"]
LONGEST = 24
"""Letters of a name."""
SMALLEST = 6.0
"""Least size of letters, in points."""
_DASHES = ("-", "--", ":", "-.")


@dataclass(frozen=True)
class Pen:
    """Colour, marker and dashes of a model, the same in every panel."""

    color: str
    marker: str
    linestyle: str
    linewidth: float
    zorder: float

    def line(self) -> dict[str, Any]:
        """Return the settings of a line."""
        return self.__dict__ | {"markersize": 3.0}


def pens(count: int) -> list[Pen]:
    """Return a pen for each model; the card's own is thick and red."""
    own, others = style.PALETTE[1], [c for c in style.PALETTE if c != style.PALETTE[1]]
    found = [Pen(own, style.MARKERS[0], "-", 1.8, 4.0)]
    for k in range(count - 1):
        mark = style.MARKERS[1 + k % (len(style.MARKERS) - 1)]
        dash = _DASHES[(k // len(others)) % len(_DASHES)]
        found.append(Pen(others[k % len(others)], mark, dash, 1.0, 3.0))
    return found


def label(text: str, longest: int = LONGEST) -> str:
    """Bring a text to what the font has and a figure has room for, with no mathematics in it."""
    font = get_font(findfont("DejaVu Sans"))
    known = "".join(s if font.get_char_index(ord(s)) else "\N{REPLACEMENT CHARACTER}" for s in text)
    short = known if len(known) <= longest else known[: longest - 1].rstrip() + "…"
    return short.replace("$", r"\$")


def axes_at(drawn: Figure, left: float, upper: float, width: float, height: float) -> Axes:
    """Add axes at a place in inches from the upper left corner."""
    whole, tall = drawn.get_size_inches()
    return drawn.add_axes((left / whole, 1 - (upper + height) / tall, width / whole, height / tall))


def breadth(text: str, setting: Setting, *, bold: bool = False) -> float:
    """Breadth in inches of a text whose size is this setting of matplotlib."""
    size = rcParams[setting]
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    return TextPath((0, 0), text.replace(r"\$", "S"), prop=font).get_extents().width / 72


def fitted(text: str, room: float) -> str:
    """Shorten a title to so many inches."""
    longest = next(
        k for k in range(len(text), 0, -1) if breadth(label(text, k), "axes.titlesize") <= room
    )
    return label(text, longest)
