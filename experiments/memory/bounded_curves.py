"""Records of bounded coefficients as curves E_m(beta), with the sizes of the coefficients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from experiments.memory.curves import KERNELS, map_name
from experiments.memory.theory import UP_TO
from experiments.record import Record
from experiments.report.variants import labelled, named
from seqtheory.memory_theory import StableApproximation


@dataclass(frozen=True, eq=False)
class BoundedCurves:
    """Curves of all widths under one map, bound and reading.

    ``absolute`` is the sum of absolute coefficients and ``mass`` that of coefficient over rate, of
    each width.
    """

    map: str
    kernel: str
    horizon: int
    bound: str
    reading: str
    curves: StableApproximation
    absolute: tuple[float, ...]
    mass: tuple[float, ...]

    def at(self, beta: float) -> np.ndarray:
        """E of each width at that beta."""
        return self.curves.errors[:, int(np.flatnonzero(self.curves.betas == beta)[0])]

    @property
    def rise(self) -> np.ndarray:
        """E(1e-2) - E(0) of each width: what the perturbation adds."""
        return self.at(UP_TO) - self.at(0.0)

    @property
    def excess(self) -> float:
        """Largest E_wide / E_narrow of neighbours at betas up to 1e-2."""
        counted = (self.curves.betas > 0) & (self.curves.betas <= UP_TO)
        errors = self.curves.errors[:, counted]
        return float((errors[1:] / errors[:-1]).max())


def bounded_curves(records: Iterable[Record]) -> list[BoundedCurves]:
    """Every family of curves in finished records; a further seed repeats what one has."""
    found: dict[tuple[object, ...], BoundedCurves] = {}
    for variant, record in named((r for r in records if r.finished), cell_of):
        for line in record.metrics:
            row = BoundedCurves(
                map=labelled(map_name(record.run.parameterisation), variant),
                kernel=KERNELS[line["kernel"]],
                horizon=line["horizon"],
                bound=line["bound"],
                reading=line["reading"],
                curves=StableApproximation(
                    tuple(line["widths"]), np.array(line["betas"]), np.array(line["errors"]), UP_TO
                ),
                absolute=tuple(line["absolute"]),
                mass=tuple(line["mass"]),
            )
            found.setdefault((row.map, row.kernel, row.horizon, row.bound, row.reading), row)
    return list(found.values())


def cell_of(record: Record) -> str:
    """Name of a record's parameterisation."""
    return map_name(record.run.parameterisation)
