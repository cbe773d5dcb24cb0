"""Records of trained sequence models on signature labels, as cells of Figure 1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.guest import model_name
from experiments.record import Record
from experiments.report.rows import Load, grouped, joined
from experiments.report.variants import labelled, named

NAMES = {"s4": "S4", "s5": "S5", "mamba": "Mamba"}
PUBLISHED_STEP = " with the published step"
ADDED = ("seeds", "published-step", "fixed-C")
"""Presets with more seeds of `quick`, and with other settings of its models."""


@dataclass(frozen=True)
class Cell:
    """One model, depth and kind of layer, on paths of one dimension: all its seeds.

    ``steps`` is the common part of the runs' evaluations; ``ratios`` is ``(seed, step)``, the
    held-out RMSE over that of predicting zero.
    """

    channels: int
    model: str
    depth: int
    nonlinear: bool
    baseline: str
    preset: str
    steps: np.ndarray
    ratios: np.ndarray
    variant: str = ""

    @property
    def name(self) -> str:
        """Label in figures and tables."""
        model = self.model.replace(self.kind, NAMES.get(self.kind, self.kind), 1)
        layers = f"{model}, {self.depth} {'' if self.nonlinear else 'linear '}".strip()
        return labelled(layers, self.variant)

    @property
    def kind(self) -> str:
        """The model, whatever its settings."""
        return self.model.partition(" with ")[0]

    @property
    def final(self) -> np.ndarray:
        """Ratio at the last evaluation, by seed."""
        return self.ratios[:, -1]


def records(load: Load, preset: str | None) -> list[Record]:
    """Load the records of a preset; of the default one also those that were added to it."""
    names = (None, *ADDED) if preset is None else (preset,)
    return joined(load, ((name, "sequence_models") for name in names))


def cells(records: Iterable[Record]) -> list[Cell]:
    """Group finished records into cells, in the order of the runs.

    Records that differ in further settings are cells of their own.
    """
    finished = named((record for record in records if record.status == "done"), cell_of)
    groups = grouped(finished, lambda pair: (cell_of(pair[1]), pair[0]))
    return [
        Cell(*key, *_ratios([record for _, record in held]), variant)
        for (key, variant), held in groups.items()
    ]


def cell_of(record: Record) -> tuple[int, str, int, bool, str, str]:
    """Dimension, model, depth, kind of layer, baseline and preset of a record."""
    run, preset = record.run, record.provenance["preset"]
    preset = "quick" if preset in ADDED else preset
    return run.task.channels, _model(run), run.depth, run.nonlinear, run.baseline, preset


def _model(run: Any) -> str:
    """Name a run's model, and the setting that makes it another one."""
    name = model_name(run)
    if name == "s4" and run.published_step:
        return name + PUBLISHED_STEP
    return f"{name} with C fixed" if name == "mamba" and not run.input_dependent_C else name


def _ratios(held: Sequence[Record]) -> tuple[np.ndarray, np.ndarray]:
    curves = [{line["step"]: line["rmse"] for line in r.metrics} for r in held]
    steps = sorted(set.intersection(*(set(curve) for curve in curves)))
    zeros = [record.notes["predict_zero"] for record in held]
    ratios = [[c[step] / z for step in steps] for c, z in zip(curves, zeros, strict=True)]
    return np.array(steps), np.array(ratios)
