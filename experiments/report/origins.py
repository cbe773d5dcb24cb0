"""The origins of the records behind a table, grouped by study, preset and machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.record import Record
from experiments.report.markdown import markdown
from experiments.report.rows import grouped


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
        return listed_seeds(self.records)

    @property
    def hours(self) -> str:
        """Wall time of all records together."""
        seconds = sum(record.provenance.get("wall_seconds", 0.0) for record in self.records)
        return f"{seconds / 3600:.2f} h"

    @property
    def diverged(self) -> str:
        """How many met a number that is not finite."""
        return str(sum(record.status == "diverged" for record in self.records))

    @property
    def devices(self) -> str:
        """Devices that the records note, listed."""
        return ", ".join(sorted({str(r.notes.get("device", "unknown")) for r in self.records}))


def sources(records: Sequence[Record]) -> list[Source]:
    """Group finished records by study, preset and machine, in order of first appearance."""

    def origin(record: Record) -> tuple[str, str, str]:
        facts = record.provenance
        machine = [str(facts["hardware"]["cpu"]), *facts["hardware"].get("gpus", [])]
        return record.study, str(facts["preset"]), " and ".join(machine)

    groups = grouped((record for record in records if record.finished), origin)
    return [Source(*key, tuple(held)) for key, held in groups.items()]


def table(records: Sequence[Record], *, diverged: bool = False, devices: bool = False) -> str:
    """One line per source: how many records, of which seeds, how long they took, and where.

    Parameters
    ----------
    records
        Of a study.
    diverged
        Adds a column of how many diverged.
    devices
        Adds a column of the devices that the records note.
    """
    columns: dict[str, Callable[[Source], str]] = {
        "study": lambda source: source.study,
        "preset": lambda source: source.preset,
        "records": lambda source: str(len(source.records)),
        **({"diverged": lambda source: source.diverged} if diverged else {}),
        "seeds": lambda source: source.seeds,
        "time of all": lambda source: source.hours,
        **({"on": lambda source: source.devices} if devices else {}),
        "hardware": lambda source: source.hardware,
    }
    rows = [[column(source) for column in columns.values()] for source in sources(records)]
    return markdown([*columns], rows)


def one_by_one(
    records: Sequence[Record], header: Sequence[str], facts: Callable[[Record], Sequence[str]]
) -> str:
    """One line per record, with further columns; of an unfinished one its hash and status alone."""
    rows = []
    for record in records:
        row = [f"`{record.hash[:8]}`", record.status]
        if not record.finished:
            rows.append(row + [""] * (len(header) + 3))
            continue
        provenance = record.provenance
        seconds = f"{provenance['wall_seconds']:.0f} s"
        ends = [seconds, str(provenance["hardware"]["cpu"])]
        rows.append([*row, str(provenance["preset"]), *facts(record), *ends])
    return markdown(["record", "status", "preset", *header, "time", "hardware"], rows)


def listed_seeds(records: Sequence[Record]) -> str:
    """Seeds of the runs of records, each once."""
    return ", ".join(sorted({str(record.run.seed) for record in records}))
