"""Records of the trained factorial as cells of the design, and what each of its factors does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.record import Record
from experiments.report.rows import Load, grouped, joined
from experiments.report.variants import labelled, named
from experiments.toy.fed import way_name
from experiments.toy.floor import one_layer_floor
from experiments.toy.representable_cells import IntegralRow

PARTS = ("quick", "long", "area")
"""Presets whose cells stand in one table."""
ABLE = 0.3
"""Ratio to predicting zero that a model must reach to have learnt its integral."""
# Factor, its name, and its levels as (value, label) from the poorer to the richer.
CONTRASTS: tuple[tuple[str, tuple[Any, str], tuple[Any, str]], ...] = (
    ("depth", (1, "one layer"), (2, "two layers")),
    ("input_dependent_C", (False, "C fixed"), (True, "C from the input")),
    ("readout", ("last", "last position"), ("mean", "mean over time")),
    ("fed", ("values", "values"), ("both", "values and increments")),
    ("fed", ("increments", "increments"), ("both", "values and increments")),
)


@dataclass(frozen=True)
class FactorialCell:
    """One cell of the design, trained, with all its seeds.

    `ratios` are held-out errors at the last evaluation over that of predicting zero, by seed.
    """

    channels: int
    length: int
    fed: str
    readout: str
    input_dependent_C: bool
    depth: int
    ratios: dict[int, float]
    steps: int
    variant: str = ""

    @property
    def way(self) -> tuple[str, str, bool]:
        """What is fed and read out, and whether C follows the input."""
        return self.fed, self.readout, self.input_dependent_C

    @property
    def name(self) -> str:
        """All factors but the depth, in words."""
        way = way_name(self.fed, self.readout, self.input_dependent_C)
        return labelled(way, self.variant)

    @property
    def final(self) -> np.ndarray:
        """Ratios of all seeds."""
        return np.array(list(self.ratios.values()))

    @property
    def learnt(self) -> int:
        """Number of seeds that came to at most `ABLE`."""
        return int((self.final <= ABLE).sum())

    @property
    def floor(self) -> float | None:
        """Least ratio that theory leaves to this cell, where it says so."""
        if self.depth != 1:
            return None
        return one_layer_floor(
            self.length,
            channels=self.channels,
            fed=self.fed,
            readout=self.readout,
            input_dependent_C=self.input_dependent_C,
        )


@dataclass(frozen=True)
class Effect:
    """What changing one factor does to the error, all others being equal.

    `decades` are means over pairs of cells of log10 of the ratio of their errors, by seed.
    """

    channels: int
    length: int
    factor: str
    change: str
    pairs: int
    decades: np.ndarray


def records(load: Load, preset: str | None) -> list[Record]:
    """Load the records of a preset; of all parts of the study if it is None."""
    return joined(load, ((part, "factorial") for part in (PARTS if preset is None else (preset,))))


def factorial_cells(held: Iterable[Record]) -> list[FactorialCell]:
    """Group finished records into cells, in the order of the runs."""
    done = named((record for record in held if record.status == "done"), cell_of)
    groups = grouped(done, lambda pair: (cell_of(pair[1]), pair[0]))
    return [
        FactorialCell(
            *cell,
            ratios={record.run.seed: _ratio(record) for _, record in group},
            steps=group[0][1].metrics[-1]["step"],
            variant=variant,
        )
        for (cell, variant), group in groups.items()
    ]


def cell_of(record: Record) -> tuple[int, int, str, str, bool, int]:
    """Dimension and length of the paths, and the factors."""
    run = record.run
    named_factors = (run.fed, run.readout, run.input_dependent_C, run.depth)
    return run.task.channels, run.task.length, *named_factors


def by_task(cells: Iterable[FactorialCell]) -> dict[tuple[int, int], list[FactorialCell]]:
    """Split cells by dimension and length of the paths; three dimensions and short paths first."""
    groups = grouped(cells, lambda cell: (cell.channels, cell.length))
    return dict(sorted(groups.items(), key=lambda item: (-item[0][0], item[0][1])))


def by_hand(rows: Iterable[IntegralRow], cell: FactorialCell) -> IntegralRow | None:
    """Find the cell of the same design whose weights are set by hand."""
    same = ("channels", "length", "fed", "readout", "input_dependent_C", "depth")
    for row in rows:
        if all(getattr(row, name) == getattr(cell, name) for name in same):
            return row
    return None


def effects(cells: Sequence[FactorialCell]) -> list[Effect]:
    """Measure what each change of one factor does, on paths of each kind."""
    return [
        found
        for (channels, length), held in by_task(cells).items()
        for contrast in CONTRASTS
        if (found := _effect(channels, length, held, *contrast)) is not None
    ]


def _effect(
    channels: int,
    length: int,
    cells: Sequence[FactorialCell],
    factor: str,
    low: tuple[Any, str],
    high: tuple[Any, str],
) -> Effect | None:
    levels = [
        {_others(cell, factor): cell for cell in cells if getattr(cell, factor) == value}
        for value, _ in (low, high)
    ]
    pairs = [(levels[0][key], levels[1][key]) for key in levels[0] if key in levels[1]]
    seeds = set.intersection(*({*a.ratios} & {*b.ratios} for a, b in pairs)) if pairs else set()
    if not seeds:
        return None
    decades = [
        np.mean([np.log10(b.ratios[seed] / a.ratios[seed]) for a, b in pairs])
        for seed in sorted(seeds)
    ]
    change = f"{low[1]} to {high[1]}"
    return Effect(channels, length, factor, change, len(pairs), np.array(decades))


def _others(cell: FactorialCell, factor: str) -> tuple[Any, ...]:
    names = ("fed", "readout", "input_dependent_C", "depth", "variant")
    return tuple(getattr(cell, name) for name in names if name != factor)


def _ratio(record: Record) -> float:
    return record.metrics[-1]["rmse"] / record.notes["predict_zero"]
