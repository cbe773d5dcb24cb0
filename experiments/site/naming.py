"""Names of what a figure draws: its own label, or those of the legend's handles that look alike.

A legend may name two things apart, such as a width by its colour and a kind of perturbation by its
line: a curve that has both looks bears both names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.collections import Collection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from experiments.site.words import plain_math

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

_NONE = ("None", "none", "", " ")


@dataclass(frozen=True)
class Look:
    """Colour, line and marker of an artist; a range has the line "area"."""

    color: str
    line: str
    marker: str

    @property
    def neutral(self) -> bool:
        """Whether the colour is a grey, which names no series; black is a colour of the palette."""
        red, green, blue = to_rgb(self.color)
        return red == green == blue > 0


class Names:
    """The legends of a figure: gives the name of an artist by its look."""

    def __init__(self, figure: Figure) -> None:
        self._of_all = [entry for legend in figure.legends for entry in _entries(legend)]
        self._drawn = {look(child) for axes in figure.axes for child in axes.get_children()}

    def of(self, artist: Artist) -> str:
        """Name an artist; empty if neither itself nor a legend has a name for it."""
        own = str(artist.get_label())
        if own and not own.startswith("_"):
            return plain_math(own)
        seen, entries = look(artist), self._entries(artist)
        coloured = [(held, name) for held, name in entries if held.color == seen.color]
        coloured.sort(key=lambda entry: -_alike(entry[0], seen))
        found = [coloured[0][1]] if coloured else []
        if not seen.neutral:
            kinds = [entry for entry in entries if entry[0] not in self._drawn]
            found += [name for held, name in kinds if held.neutral and _tells(held, seen)]
        return ", ".join(found)

    def of_areas(self, artist: Artist) -> bool:
        """Whether the legend names areas, so that a range is something of its own."""
        return any(held.line == "area" and held.neutral for held, _ in self._entries(artist))

    def _entries(self, artist: Artist) -> list[tuple[Look, str]]:
        """Entries of the legend of the artist's panel, and of the figure."""
        legend = artist.axes.get_legend() if artist.axes is not None else None
        return [*(_entries(legend) if legend else []), *self._of_all]


def _entries(legend: Legend) -> list[tuple[Look, str]]:
    pairs = zip(legend.legend_handles, legend.get_texts(), strict=True)
    return [
        (look(handle), plain_math(text.get_text()).strip())
        for handle, text in pairs
        if handle is not None and look(handle).line
    ]


def look(artist: Any) -> Look:
    """Tell how an artist looks; the line is empty for one that is neither line nor area."""
    if isinstance(artist, Line2D):
        line, marker = str(artist.get_linestyle()), str(artist.get_marker())
        line, marker = (_none(line), _none(marker))
        return Look(to_hex(artist.get_color()), line, marker)
    if isinstance(artist, Collection):
        colors = artist.get_facecolor()
        return Look(to_hex(colors[0]) if len(colors) else "#808080", "area", "None")  # type: ignore[index]
    if isinstance(artist, Patch):
        return Look(to_hex(artist.get_facecolor()), "area", "None")
    return Look("#808080", "", "None")


def is_joined(line: Line2D) -> bool:
    """Whether a line joins the points."""
    return look(line).line != "None"


def _none(text: str) -> str:
    return "None" if text in _NONE else text


def _alike(held: Look, seen: Look) -> int:
    return 2 * (held.line == seen.line) + (held.marker == seen.marker)


def _tells(held: Look, seen: Look) -> bool:
    """Whether a grey handle names this line, marker or area, whatever its colour."""
    if "area" in (held.line, seen.line):
        return held.line == seen.line
    if held.line == "None":
        return held.marker == seen.marker and seen.line == "None"
    return held.line == seen.line and held.marker in (seen.marker, "None")
