"""Records of integrals by weights set by hand, as cells of the design."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from experiments.record import Record
from experiments.report.rows import Load
from experiments.report.variants import labelled, named
from experiments.toy.fed import way_name


@dataclass(frozen=True)
class IntegralRow:
    """One cell of the design, on paths of one length.

    `kind` is "exact", "limit" or "none known"; `ratios` are errors over that of predicting zero, by
    the small parameter of the construction.
    """

    channels: int
    length: int
    fed: str
    readout: str
    input_dependent_C: bool
    depth: int
    kind: str
    ratios: dict[float, float]
    variant: str = ""

    @property
    def name(self) -> str:
        """What is fed and read out, and how C is."""
        way = way_name(self.fed, self.readout, self.input_dependent_C)
        return labelled(way, self.variant)

    @property
    def best(self) -> float | None:
        """Least ratio; None where no construction is known."""
        return min(self.ratios.values(), default=None)


def records(load: Load, preset: str | None) -> list[Record]:
    """Load the records of `smoke`, or for every other preset those of the default one."""
    return load("smoke" if preset == "smoke" else None, "representable")


def integral_rows(held: Iterable[Record]) -> list[IntegralRow]:
    """All cells of finished records, in their order."""
    done = named((record for record in held if record.status == "done"), cell_of)
    return [row for variant, record in done for row in _rows(record, variant)]


def cell_of(record: Record) -> tuple[int, int, int]:
    """Dimension and length of the paths, and their seed."""
    task = record.run.task
    return task.channels, task.length, record.run.seed


def _rows(record: Record, variant: str) -> list[IntegralRow]:
    task = record.run.task
    return [
        IntegralRow(
            channels=task.channels,
            length=task.length,
            fed=line["fed"],
            readout=line["readout"],
            input_dependent_C=line["input_dependent_C"],
            depth=line["depth"],
            kind=line["kind"],
            ratios=dict(zip(line["smalls"], line["ratios"], strict=True)),
            variant=variant,
        )
        for line in record.metrics
    ]
