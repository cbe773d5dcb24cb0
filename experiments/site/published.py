"""The published records, each read once, and what the pages say of all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from experiments import frame, study
from experiments.exit_code import ConfigError
from experiments.record import Record
from experiments.report import attestation
from experiments.report.attestation import Attestation
from experiments.store import archive, shelf
from experiments.store.shelf import Packed

if TYPE_CHECKING:
    from experiments.frame import Row


@dataclass(frozen=True)
class Entry:
    """A published record on the site.

    Parameters
    ----------
    record
        The record.
    preset
        The archive that holds it, which is named after a preset.
    row
        Its facts, settings and last metrics, as `experiments.frame.table` gives them.
    """

    record: Record
    preset: str
    row: Row

    @property
    def name(self) -> str:
        """Name of its page."""
        return self.record.hash


@dataclass(frozen=True)
class Published:
    """All records by study, in order, and the attestations of those that were run again."""

    entries: Mapping[str, Sequence[Entry]]
    attestations: Sequence[Attestation]

    @cached_property
    def attested(self) -> dict[str, list[Attestation]]:
        """Attestations by the hash of their record."""
        found: dict[str, list[Attestation]] = defaultdict(list)
        for each in self.attestations:
            found[each.hash].append(each)
        return dict(found)

    @property
    def all(self) -> list[Entry]:
        """The records of all studies."""
        return [entry for held in self.entries.values() for entry in held]

    def of(self, folder: str) -> dict[str, Sequence[Entry]]:
        """Give the records of a study folder, by the dotted names of its files."""
        return {
            name: held for name, held in self.entries.items() if name.partition(".")[0] == folder
        }


def read(folders: Collection[str] = ()) -> Published:
    """Read every published record, and check it against its digests.

    Parameters
    ----------
    folders
        Study folders whose records are read; all of them if empty.

    Raises
    ------
    ConfigError
        If there are none: they belong to the repository, not to the package from a wheel.
    CorruptRecordError
        If a record was changed.
    """
    found = shelf.study_folders(study.PUBLISHED)
    if not found:
        raise ConfigError(
            f"no published records at {study.PUBLISHED}; expected them there: they are in the "
            "repository alone, so run this from a clone"
        )
    chosen = [f for f in found if not folders or f.name.partition(".")[0] in folders]
    entries = {f.name: entries_of(map(Record.open, shelf.records(f))) for f in chosen}
    return Published({name: held for name, held in entries.items() if held}, _attestations())


def entries_of(records: Iterable[Record]) -> list[Entry]:
    """Make entries of records, those of one preset and like settings next to each other."""
    held = list(records)
    found = [
        Entry(record, _preset(record), row)
        for record, row in zip(held, frame.table(held), strict=True)
    ]
    return sorted(found, key=lambda entry: (entry.preset, _ordered(entry.row), entry.name))


def _preset(record: Record) -> str:
    """Name the archive of a record, or for one in a folder of its own the preset that made it."""
    if isinstance(record.shelf, Packed):
        return record.shelf.archive.name.removesuffix(archive.SUFFIX)
    return str(record.provenance.get("preset", ""))


def _ordered(row: Row) -> list[tuple[bool, Any]]:
    """Turn settings into a key to sort by: numbers before words; the seed comes last."""
    names = [name for name in frame.setting_names([row]) if name != "seed"]
    values = [row[name] for name in (*names, "seed")]
    return [(False, v) if isinstance(v, int | float) else (True, str(v)) for v in values]


def _attestations() -> list[Attestation]:
    paths = sorted(attestation.FOLDER.glob("*.jsonl"))
    return [each for path in paths for each in attestation.read(path)]
