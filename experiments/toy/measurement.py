"""Records of the toy study as flat rows, one per width and draw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.record import Record
from experiments.report.variants import labelled, named
from seqtheory import structure as structures

_NAMED: dict[Any, structures.Structure] = {
    "dense": structures.Dense(),
    "diagonal": structures.Diagonal(),
}


@dataclass(frozen=True)
class Measurement:
    """The error of one random linear CDE with a fitted readout.

    `structure` is the name of `structure_name`, `num_parameters` is that of one of its matrices and
    `cost` the multiplications in a product with one, and `alone` says whether its run has this
    width only.
    """

    record: str
    channels: int
    num_paths: int
    structure: str
    num_parameters: int
    cost: int
    forcing: bool
    method: str
    width: int
    draw: int
    rmse: float
    predict_zero: float
    alone: bool
    variant: str = ""

    @property
    def ratio(self) -> float:
        """RMSE over that of predicting zero, on the same held-out paths."""
        return self.rmse / self.predict_zero


def measurements(records: Iterable[Record]) -> list[Measurement]:
    """All finished measurements among `records`."""
    done = named((record for record in records if record.status == "done"), cell_of)
    return [row for variant, record in done for row in _rows(record, variant)]


def cell_of(record: Record) -> tuple[int, int, str, bool, str, bool]:
    """Dimension, paths, structure, forcing and solver of a record, and whether of one width."""
    run, method = record.run, record.notes["method"]
    name = structure_name(run.structure)
    alone = len(run.widths) == 1
    return run.task.channels, run.task.num_paths, name, run.forcing, method, alone and run.widths


def _rows(record: Record, variant: str) -> Iterator[Measurement]:
    run, zero = record.run, record.notes["predict_zero"]
    structure = _NAMED.get(run.structure) or run.structure
    for line in record.metrics:
        yield Measurement(
            record=record.hash,
            channels=run.task.channels,
            num_paths=run.task.num_paths,
            structure=structure_name(run.structure),
            num_parameters=structure.num_parameters(line["width"]),
            cost=structure.cost(line["width"]),
            forcing=run.forcing,
            method=record.notes["method"],
            width=line["width"],
            draw=line["draw"],
            rmse=line["rmse"],
            predict_zero=zero,
            alone=len(run.widths) == 1,
            variant=variant,
        )


def structure_name(structure: str | structures.Structure) -> str:
    """Name of a run's structure; a rank that follows the width has none."""
    match structure:
        case structures.BlockDiagonal(block_size=size):
            return f"block-diagonal, b = {size}"
        case structures.DiagonalPlusLowRank(rank=rank):
            return f"diagonal plus rank {rank}"
        case structures.Sparse(density=density):
            return f"sparse, density {density}"
        case structures.WalshHadamard():
            return "Walsh-Hadamard"
        case _:
            return str(structure)


def largest_sample(rows: Iterable[Measurement]) -> list[Measurement]:
    """Of rows that differ in their number of paths, those with most."""
    rows = list(rows)
    most = max((row.num_paths for row in rows), default=0)
    return [row for row in rows if row.num_paths == most]


def ratio_by_width(rows: Iterable[Measurement]) -> dict[int, np.ndarray]:
    """Ratios of all draws, by width, widths ascending."""
    return ratios_by(rows, lambda row: row.width)


def ratios_by(
    rows: Iterable[Measurement], key: Callable[[Measurement], int]
) -> dict[int, np.ndarray]:
    """Ratios of all draws by a key such as the width, ascending."""
    rows = list(rows)
    keys = sorted({key(row) for row in rows})
    return {k: np.array([row.ratio for row in rows if key(row) == k]) for k in keys}


def family(row: Measurement) -> str:
    """Name of the curve that a row belongs to: ranks of width / 16 are one, at every width."""
    grows = "diagonal plus rank n / 16"
    growing = row.structure == f"diagonal plus rank {row.width // 16}" and row.alone
    return labelled(grows if growing else row.structure, row.variant)
