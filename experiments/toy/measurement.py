"""Records of the toy study as flat rows, one per width and draw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from experiments.record import Record


@dataclass(frozen=True)
class Measurement:
    """The error of one random linear CDE with a fitted readout."""

    record: str
    channels: int
    num_paths: int
    structure: str
    forcing: bool
    method: str
    width: int
    draw: int
    rmse: float
    predict_zero: float

    @property
    def ratio(self) -> float:
        """RMSE over that of predicting zero, on the same held-out paths."""
        return self.rmse / self.predict_zero


def measurements(records: Iterable[Record]) -> list[Measurement]:
    """All finished measurements among `records`."""
    return [row for record in records if record.status == "done" for row in _rows(record)]


def _rows(record: Record) -> Iterator[Measurement]:
    run, zero = record.run, record.notes["predict_zero"]
    for line in record.metrics:
        yield Measurement(
            record=record.hash,
            channels=run["task"]["channels"],
            num_paths=run["task"]["num_paths"],
            structure=run["structure"],
            forcing=run["forcing"],
            method=record.notes["method"],
            width=line["width"],
            draw=line["draw"],
            rmse=line["rmse"],
            predict_zero=zero,
        )


def largest_sample(rows: Iterable[Measurement]) -> list[Measurement]:
    """Of rows that differ in their number of paths, those with most."""
    rows = list(rows)
    most = max((row.num_paths for row in rows), default=0)
    return [row for row in rows if row.num_paths == most]


def ratio_by_width(rows: Iterable[Measurement]) -> dict[int, np.ndarray]:
    """Ratios of all draws, by width, widths ascending."""
    rows = list(rows)
    widths = sorted({row.width for row in rows})
    return {w: np.array([row.ratio for row in rows if row.width == w]) for w in widths}
