"""The origins of the records behind a table, grouped by study, preset and machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.record import Record


@dataclass(frozen=True)
class Source:
    """Finished records of one preset, made on one kind of machine, which `hardware` names."""

    study: str
    preset: str
    hardware: str
    records: tuple[Record, ...]

    @property
    def seeds(self) -> str:
        """Seeds of the runs, listed."""
        return ", ".join(sorted({str(record.run.seed) for record in self.records}))

    @property
    def hours(self) -> str:
        """Wall time of all records together."""
        seconds = sum(record.provenance.get("wall_seconds", 0.0) for record in self.records)
        return f"{seconds / 3600:.2f} h"


def sources(records: Sequence[Record]) -> list[Source]:
    """Group finished records by study, preset and machine, in order of first appearance."""
    groups: dict[tuple[str, str, str], list[Record]] = {}
    for record in (record for record in records if record.finished):
        facts = record.provenance
        machine = [str(facts["hardware"]["cpu"]), *facts["hardware"].get("gpus", [])]
        groups.setdefault((record.study, str(facts["preset"]), " and ".join(machine)), []).append(
            record
        )
    return [Source(*key, tuple(held)) for key, held in groups.items()]
