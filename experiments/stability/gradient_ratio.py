"""Gradient over weight through a training, read from records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.record import Record
from experiments.report.rows import select
from experiments.stability.sweep import MAPS, Cell
from experiments.stability.training_run import STARTS

FAIR = MAPS[1:5]
"""The maps that start from decaying modes, best as in the paper."""


@dataclass(frozen=True, eq=False)
class Ratios:
    """Ratios of one training.

    Parameters
    ----------
    steps
        Evaluated steps.
    values
        ``(step, channel)``: largest abs(gradient) / abs(weight) among a channel's modes.
    """

    steps: np.ndarray
    values: np.ndarray

    @property
    def peaks(self) -> np.ndarray:
        """Maximum over channels at every step: the published quantity."""
        return self.values.max(axis=1)

    @property
    def largest(self) -> float:
        """Largest ratio met in training."""
        return float(self.values.max())

    @property
    def spread(self) -> float:
        """Standard deviation over channels and steps."""
        return float(self.values.std())

    @property
    def relative_spread(self) -> float:
        """Spread over the mean: free of the factor by which a map scales all its ratios."""
        return self.spread / float(self.values.mean())


def starting_ratio(name: str) -> float:
    r"""Scale of gradient over weight that a map has at the common start, p(w) = -1/2.

    .. math:: |p'(w)| / |w|, \qquad p(w) = -1/2

    The loss has the same gradient in p under every map there, so ratios of these are ratios of
    gradients over weights.
    """
    p = {type(start.parameterisation).__name__.lower(): start.parameterisation for start in STARTS}[
        name
    ]
    weight = p.inverse(-0.5)
    return float(abs(p.derivative(weight) / weight))


def ratios(record: Record) -> Ratios:
    """Ratios of a record, from its first evaluation after a step on."""
    lines = [line for line in record.metrics if "gradient_over_weight" in line]
    return Ratios(
        np.array([line["step"] for line in lines]),
        np.array([line["gradient_over_weight"] for line in lines]),
    )


def comparable(found: Sequence[Cell]) -> dict[float, dict[str, Cell]]:
    """Cells of one task by rate and map, at the rates at which every fair map is stable.

    The largest rate comes first.
    """
    rates = sorted({cell.rate for cell in found}, reverse=True)
    rows = {rate: {cell.map: cell for cell in select(found, rate=rate)} for rate in rates}
    return {
        rate: {name: row[name] for name in FAIR}
        for rate, row in rows.items()
        if set(FAIR) <= row.keys() and all(row[name].is_stable for name in FAIR)
    }
