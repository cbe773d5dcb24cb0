"""What fills a cell of S4's tables that has no record: the command, and its cost."""

from __future__ import annotations

from functools import cache

from experiments.lra.cells import Cell, settings
from experiments.lra.records import BESIDE, HALVES
from experiments.lra.settings import SEEDS
from experiments.lra.training_run import LongRangeRun

FILES = {"torch": "sequence_models", "JAX": "s4_jax"}
HOURS: dict[str, dict[str, float]] = {
    "torch": {"quick": 4.1, "rates": 2.0, "images": 0.7, "reviews": 1.2}
    | {"drawn-images": 0.7, "drawn-reviews": 1.2},
    "JAX": {"quick": 0.5, "rates": 0.8, "steps": 1.2, "images": 0.4, "reviews": 0.5}
    | {"drawn-images": 0.4, "drawn-reviews": 0.5},
}
"""Hours of one core that all runs of a preset take, about."""


def command(cell: Cell, framework: str) -> str | None:
    """Say what fills the cells of a framework in the table of a cell, and what it costs.

    Parameters
    ----------
    cell
        Any cell of the table.
    framework
        ``"torch"`` or ``"JAX"``.

    Returns
    -------
    None where no preset of that half lists the runs.
    """
    return said(cell.records[0].run, framework)


def said(run: LongRangeRun, framework: str) -> str | None:
    """Say what makes a run's grid in a framework; see `command`."""
    preset = _presets(framework).get(settings(run))
    if preset is None:
        return None
    return (
        f"not run: `python -m experiments run lra.{FILES[framework]} --preset {preset}`, about "
        f"{HOURS[framework][preset]:g} core-hours"
    )


@cache
def _presets(framework: str) -> dict[str, str]:
    """First preset that lists the grid of some settings with all seeds, by the settings."""
    study = HALVES[FILES[framework]]
    found: dict[str, str] = {}
    for preset in ("quick", *BESIDE):
        runs = study.runs(preset) if preset in study.PRESETS else []
        for run in runs:
            if run.model == "s4" and run.seed == SEEDS[-1]:
                found.setdefault(settings(run), preset)
    return found
