"""The style of every figure: readable at paper size, safe for colour-blind eyes, reproducible."""

from __future__ import annotations

import io
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from experiments.exit_code import ConfigError
from experiments.report.arrange import rearranged
from experiments.store import durable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend
    from matplotlib.transforms import Transform

WIDTH = 6.75
"""Text width of a two-column paper, in inches."""
COLUMN = 3.25
"""Width of one column, in inches."""

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's colours, the darkest first; give each series its own marker as well."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

NARROWEST = 2.1
"""Width of a panel below which panels of a row are put beneath one another, in inches."""
FEW, NARROWEST_OF_MANY = 4, 1.5
"""Of more panels than a few, the width below which they are put beneath one another, in inches."""

Place = Literal["outside lower center", "outside upper center"]
"""Where a legend of all panels stands."""

_MARK = "lines.markersize"
_SETTINGS: dict[str, Any] = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.which": "major",
    "grid.linewidth": 0.3,
    "grid.color": "#cccccc",
    "figure.constrained_layout.use": True,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,
    "svg.hashsalt": "seqtheory",
}


_page: ContextVar[Page | None] = ContextVar("page", default=None)
_kept: ContextVar[dict[str, Figure] | None] = ContextVar("kept", default=None)


@dataclass(frozen=True)
class Page:
    """What a figure is to fit.

    Parameters
    ----------
    width
        Width of the figure in inches; its own if None. Panels that would be narrower than
        `NARROWEST` go beneath one another.
    font_size
        Size of the letters in points; labels of ticks and legends are a point smaller.
    """

    width: float | None = None
    font_size: float | None = None

    def __post_init__(self) -> None:
        for name, least, most in (("width", 1.0, 100.0), ("font_size", 1.0, 100.0)):
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                option = name.replace("_", "-")
                raise ConfigError(f"--{option} {value}: expected {least:g} to {most:g}")


@contextmanager
def page(chosen: Page) -> Iterator[None]:
    """Draw the figures within this context for a page other than the usual one."""
    token = _page.set(chosen)
    try:
        yield
    finally:
        _page.reset(token)


@contextmanager
def collected() -> Iterator[dict[str, Figure]]:
    """Keep the figures that are saved within this context by their names, and write no files."""
    figures: dict[str, Figure] = {}
    token = _kept.set(figures)
    try:
        yield figures
    finally:
        _kept.reset(token)


@contextmanager
def paper() -> Iterator[None]:
    """Draw in the paper style within this context; matplotlib's settings are restored after it.

    Make figures with ``matplotlib.figure.Figure``: it needs no display and no global state.
    """
    import matplotlib as mpl
    from matplotlib.rcsetup import cycler

    settings: dict[Any, Any] = {**_SETTINGS, "axes.prop_cycle": cycler(color=PALETTE)}
    chosen = _page.get()
    if chosen is not None and chosen.font_size is not None:
        larger = chosen.font_size - _SETTINGS["font.size"]
        settings |= {
            k: v + larger for k, v in _SETTINGS.items() if k.endswith("size") and k != _MARK
        }
    with mpl.rc_context(settings):
        yield


def is_narrow() -> bool:
    """Whether figures are drawn for a page of about one column."""
    chosen = _page.get()
    return chosen is not None and chosen.width is not None and chosen.width < 1.5 * COLUMN


def fit(figure: Figure, width: float) -> None:
    """Bring a figure to a width: panels of one grid that would be too narrow fill more rows."""
    now, height = figure.get_size_inches()
    panels = [panel for panel in figure.axes if panel.get_subplotspec() is not None]
    grids = {spec.get_gridspec() for panel in panels if (spec := panel.get_subplotspec())}
    rows, columns = next(iter(grids)).get_geometry() if len(grids) == 1 else (1, 1)
    narrowest = NARROWEST if len(panels) <= FEW else NARROWEST_OF_MANY
    fitting = max(min(int(width / narrowest), columns), 1)
    if len(grids) == 1 and fitting < columns and len(panels) <= rows * columns:
        lines = rearranged(figure, fitting)
        tallest = max(0.8 * width / fitting, 2.1 if lines <= FEW - 1 else 1.7)
        height = lines * min(height / rows, tallest)
    elif now > width:
        height = height * max(width / now, 0.6)
    figure.set_size_inches(width, height)


def band(
    panel: Axes, places: Sequence[float], samples: Sequence[np.ndarray], *, color: str, **line: Any
) -> None:
    """Draw the mean of the samples at every place as a line, and their range as a band."""
    low, mean, high = ([reduce(s) for s in samples] for reduce in (np.min, np.mean, np.max))
    panel.plot(places, mean, color=color, **line)
    panel.fill_between(places, low, high, color=color, alpha=0.2, linewidth=0)


def aside(panel: Axes, *, right: float = 0.0, up: float = 0.0) -> Transform:
    """Give the transform that draws data some points aside, so that equal marks stay apart.

    The data keep their values, which a page says where it shows the figure.
    """
    from matplotlib.transforms import ScaledTranslation

    figure = panel.figure
    return panel.transData + ScaledTranslation(right / 72, up / 72, figure.dpi_scale_trans)


def across(panel: Axes, *, right: float = 0.0) -> Transform:
    """Give the transform of marks that have data along x alone; y is a share of the panel."""
    from matplotlib.transforms import blended_transform_factory

    return blended_transform_factory(aside(panel, right=right), panel.transAxes)


def legend(
    figure: Figure, handles: Sequence[Artist], *, ncols: int, loc: Place = "outside lower center"
) -> None:
    """Put one legend beside all panels, in `ncols` columns or the fewer that fit the page."""
    chosen = _page.get() or Page()
    own = float(figure.get_size_inches()[0])
    limit = own if chosen == Page() else 0.95 * (chosen.width or own)
    for columns in range(ncols, 0, -1):
        found = figure.legend(handles=handles, loc=loc, ncols=columns)
        if columns == 1 or _inches(figure, found) <= limit:
            return
        found.remove()


def shared_legend(figure: Figure, panels: Iterable[Axes], *more: Artist, ncols: int = 4) -> None:
    """Put one legend below all panels: each label of theirs once, then the handles of `more`."""
    entries = [panel.get_legend_handles_labels() for panel in panels]
    named = {label: handle for pair in entries for handle, label in zip(*pair, strict=True)}
    for label, handle in named.items():
        handle.set_label(label)
    legend(figure, [*named.values(), *more], ncols=ncols)


def _inches(figure: Figure, found: Legend) -> float:
    """Width of a legend."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer = FigureCanvasAgg(figure).get_renderer()
    return found.get_window_extent(renderer).width / figure.dpi


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as PNG and PDF, without dates in them, and return both paths.

    Within `collected` it is kept, and there are no paths.
    """
    if (kept := _kept.get()) is not None:
        kept[name] = figure
        return []
    durable.make_folder(folder)
    if (chosen := _page.get()) is not None and chosen.width is not None:
        fit(figure, chosen.width)
    paths = []
    for kind, metadata in (("png", {"Software": None}), ("pdf", {"CreationDate": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, metadata=metadata)
        figure.set_layout_engine("none")  # keep the layout just found: finding it takes as long
        paths.append(folder / f"{name}.{kind}")
        durable.write_bytes(paths[-1], buffer.getvalue())
    return paths
