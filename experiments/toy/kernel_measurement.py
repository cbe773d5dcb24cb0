"""Records of the infinite-width comparison: error by width, and the limit's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from experiments.record import Record
from experiments.report.variants import labelled, named


@dataclass(frozen=True)
class LimitCell:
    """One kind of equation on paths of one dimension; errors as ratios to predicting zero.

    ``ratios`` is width to all draws, widths ascending; ``limit`` is the kernel's.
    """

    channels: int
    structure: str
    forcing: bool
    num_train: int
    ratios: dict[int, np.ndarray]
    limit: float
    ridge: float
    variant: str = ""

    @property
    def name(self) -> str:
        """Label in figures and tables."""
        return labelled(f"{self.structure}{'' if self.forcing else ', no forcing'}", self.variant)

    @property
    def means(self) -> dict[int, float]:
        """Mean ratio over the draws, by width."""
        return {width: float(values.mean()) for width, values in self.ratios.items()}


def limit_cells(records: Iterable[Record]) -> list[LimitCell]:
    """All finished cells among `records`, in their order."""
    done = named((record for record in records if record.status == "done"), cell_of)
    return [_cell(record, variant) for variant, record in done]


def cell_of(record: Record) -> tuple[int, str, bool, int]:
    """Dimension, structure, forcing and number of training paths of a record."""
    run = record.run
    return run.task.channels, run.structure, run.forcing, record.notes["num_train"]


def _cell(record: Record, variant: str) -> LimitCell:
    run, notes = record.run, record.notes
    zero, lines = notes["predict_zero"], record.metrics
    widths = sorted({line["width"] for line in lines})
    return LimitCell(
        channels=run.task.channels,
        structure=run.structure,
        forcing=run.forcing,
        num_train=notes["num_train"],
        ratios={
            w: np.array([line["rmse"] / zero for line in lines if line["width"] == w])
            for w in widths
        },
        limit=notes["kernel_rmse"] / zero,
        ridge=notes["kernel_ridge"],
        variant=variant,
    )
