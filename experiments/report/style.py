"""The style of every figure: readable at paper size, safe for colour-blind eyes, reproducible."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.store import durable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 6.75
"""Text width of a two-column paper, in inches."""
COLUMN = 3.25
"""Width of one column, in inches."""

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's colours, the darkest first; give each series its own marker as well."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

_SETTINGS = {
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


@contextmanager
def paper() -> Iterator[None]:
    """Draw in the paper style within this context; matplotlib's settings are restored after it.

    Make figures with ``matplotlib.figure.Figure``: it needs no display and no global state.
    """
    import matplotlib as mpl
    from matplotlib.rcsetup import cycler

    settings: dict[Any, Any] = {**_SETTINGS, "axes.prop_cycle": cycler(color=PALETTE)}
    with mpl.rc_context(settings):
        yield


def band(
    panel: Axes, places: Sequence[float], samples: Sequence[np.ndarray], *, color: str, **line: Any
) -> None:
    """Draw the mean of the samples at every place as a line, and their range as a band."""
    low, mean, high = ([reduce(s) for s in samples] for reduce in (np.min, np.mean, np.max))
    panel.plot(places, mean, color=color, **line)
    panel.fill_between(places, low, high, color=color, alpha=0.2, linewidth=0)


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as PNG and PDF, without dates in them, and return both paths."""
    durable.make_folder(folder)
    paths = []
    for kind, metadata in (("png", {"Software": None}), ("pdf", {"CreationDate": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, metadata=metadata)
        figure.set_layout_engine("none")  # keep the layout just found: finding it takes as long
        paths.append(folder / f"{name}.{kind}")
        durable.write_bytes(paths[-1], buffer.getvalue())
    return paths
