"""The origins of the records behind a table, grouped by study, preset and machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.record import Record
from experiments.report.markdown import markdown
from experiments.report.rows import grouped


@dataclass(frozen=True)
class RecordGroup:
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
        """Number of records that diverged: a number was not finite."""
        return str(sum(record.status == "diverged" for record in self.records))

    @property
    def devices(self) -> str:
        """Devices that the records note, listed."""
        return ", ".join(sorted({str(r.notes.get("device", "unknown")) for r in self.records}))


def sources(records: Sequence[Record]) -> list[RecordGroup]:
    """Group finished records by study, preset and machine, in order of first appearance."""

    def origin(record: Record) -> tuple[str, str, str]:
        facts = record.provenance
        machine = [str(facts["hardware"]["cpu"]), *facts["hardware"].get("gpus", [])]
        return record.study, str(facts["preset"]), " and ".join(machine)

    groups = grouped((record for record in records if record.finished), origin)
    return [RecordGroup(*key, tuple(held)) for key, held in groups.items()]


def table(records: Sequence[Record], *, diverged: bool = False, devices: bool = False) -> str:
    """Format a table with one line per group: number of records, seeds, time and hardware.

    Parameters
    ----------
    records
        Records of a study.
    diverged
        Whether to add a column with the number of diverged records.
    devices
        Whether to add a column with the devices noted in the records.
    """
    columns: dict[str, Callable[[RecordGroup], str]] = {
        "study": lambda group: group.study,
        "preset": lambda group: group.preset,
        "records": lambda group: str(len(group.records)),
        **({"diverged": lambda group: group.diverged} if diverged else {}),
        "seeds": lambda group: group.seeds,
        "time of all": lambda group: group.hours,
        **({"on": lambda group: group.devices} if devices else {}),
        "hardware": lambda group: group.hardware,
    }
    rows = [[column(group) for column in columns.values()] for group in sources(records)]
    return markdown([*columns], rows)


def one_by_one(
    records: Sequence[Record], header: Sequence[str], facts: Callable[[Record], Sequence[str]]
) -> str:
    """Format one line per record, with further columns; only hash and status if unfinished."""
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
    """List the seeds of records, without repetition."""
    return ", ".join(sorted({str(record.run.seed) for record in records}))
