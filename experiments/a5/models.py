"""The models of the A5 study as figures and tables show them: names, looks, published depths."""

from __future__ import annotations

from typing import Any

from experiments.guest import model_name
from experiments.report import published_depths, style

PUBLISHED_FORM = "linear_cde_published"
"""The linear CDE in the form of the published code, which is shown apart from the free form."""
NAMES = {
    "linear_cde": "linear CDE",
    "rnn": "RNN",
    "transformer": "Transformer",
    "s4": "S4",
    "mamba": "Mamba",
    "selective_diagonal": "complex diagonal",
    PUBLISHED_FORM: "linear CDE, published form",
}
"""Models of Figure 2 by name; their order decides their colours."""


def shown_model(run: Any) -> str:
    """Name under which a run is shown: its model, and for a linear CDE the published form."""
    name = model_name(run)
    return PUBLISHED_FORM if getattr(run, "form", "free") == "published" else name


def look(model: str) -> dict[str, str]:
    """Colour and marker of a model."""
    number = list(NAMES).index(model)
    return {"color": style.PALETTE[number], "marker": style.MARKERS[number]}


def depths(model: str) -> dict[int, int | None]:
    """Give the published depths of a model by length (`experiments.report.published_depths`)."""
    return published_depths.DEPTHS.get(_published_name(model), {})


def published_solves(model: str, length: int, depth: int) -> bool:
    """Whether a published run of the model tracked A5 at this length with as few blocks."""
    return published_depths.is_solved(_published_name(model), length, depth)


def _published_name(model: str) -> str:
    return "linear_cde" if model == PUBLISHED_FORM else model
