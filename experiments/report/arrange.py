"""The panels of a figure in fewer columns, each with the labels that its new place asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Line = list["Panel | None"]


@dataclass(eq=False)
class Panel:
    """A panel with its title and labels; those that it lacks are of its row or column."""

    axes: Axes
    title: str
    xlabel: str
    ylabel: str


def rearranged(figure: Figure, columns: int) -> int:
    """Put the panels of a figure's one grid into so many columns; return the number of lines.

    Rows become columns where there are as many; else the panels fill one line after the other.
    """
    rows = placed(figure)
    if len(rows) == columns:
        lines: list[Line] = [list(line) for line in zip(*rows, strict=True)]
    else:
        panels: Line = [panel for row in rows for panel in row]
        panels += [None] * (-len(panels) % columns)
        lines = [panels[k : k + columns] for k in range(0, len(panels), columns)]
    grid = figure.add_gridspec(len(lines), columns)
    for number, line in enumerate(lines):
        for place, panel in enumerate(line):
            if panel is not None:
                panel.axes.set_subplotspec(grid[number, place])
                below = lines[number + 1][place] if number + 1 < len(lines) else None
                _label(panel, line[place - 1] if place else None, below)
    return len(lines)


def placed(figure: Figure) -> list[Sequence[Panel | None]]:
    """List the panels of a figure's one grid, row by row, each with the labels that it shared."""
    found = {_place(axes): axes for axes in figure.axes}
    height, width = 1 + max(row for row, _ in found), 1 + max(place for _, place in found)

    def shared(get: str, places: list[tuple[int, int]]) -> str:
        texts = [getattr(found[place], get)() for place in places if place in found]
        return next((text for text in texts if text), "")

    def panel(row: int, column: int) -> Panel | None:
        if (row, column) not in found or not found[row, column].axison:
            return None
        own = [(row, column)]
        down, across = [(r, column) for r in range(height)], [(row, c) for c in range(width)]
        return Panel(
            found[row, column],
            shared("get_title", own + down),
            shared("get_xlabel", own + down[::-1]),
            shared("get_ylabel", own + across),
        )

    return [[panel(row, column) for column in range(width)] for row in range(height)]


def _place(axes: Axes) -> tuple[int, int]:
    spec = axes.get_subplotspec()
    return (spec.rowspan.start, spec.colspan.start) if spec is not None else (0, 0)


def _label(panel: Panel, left: Panel | None, below: Panel | None) -> None:
    """Write title and labels where no neighbour with the same axis does."""
    axes = panel.axes
    along = below is not None and axes.get_shared_x_axes().joined(axes, below.axes)
    beside = left is not None and axes.get_shared_y_axes().joined(axes, left.axes)
    axes.title.set_text(panel.title)
    axes.set_xlabel("" if along and below and below.xlabel == panel.xlabel else panel.xlabel)
    axes.set_ylabel("" if beside and left and left.ylabel == panel.ylabel else panel.ylabel)
    axes.tick_params(which="both", labelbottom=not along, labelleft=not beside)
