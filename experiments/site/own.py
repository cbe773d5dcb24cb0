"""Records of a results folder of one's own, whatever their state, and the studies they are of."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from experiments import record as records
from experiments import study as studies
from experiments.commands import results
from experiments.exit_code import ConfigError
from experiments.record import CorruptRecordError, Record
from experiments.report.rows import grouped
from experiments.site.claims import Judged, judged
from experiments.site.plot import Drawing
from experiments.site.published import Entry, entries_of
from experiments.site.study import Story, drawings
from experiments.site.words import plain, slug
from experiments.store import shelf
from experiments.store.stored import ReadError, RejectedFileError

if TYPE_CHECKING:
    from experiments.report.rows import Load

Made = TypeVar("Made")


@dataclass(frozen=True)
class Own:
    """What a results folder holds.

    Parameters
    ----------
    entries
        Its records by the names of their studies.
    damaged
        Of each record that cannot be read its address, and why.
    """

    entries: Mapping[str, Sequence[Entry]]
    damaged: Sequence[tuple[str, str]] = ()

    @property
    def all(self) -> list[Entry]:
        """The records of all studies."""
        return [entry for held in self.entries.values() for entry in held]

    @cached_property
    def stories(self) -> list[OwnStory]:
        """One story for each study folder, preset and list of overrides that were run."""
        groups = grouped(self.all, lambda e: (_folder(e), e.preset, overrides(e.record)))
        return [
            OwnStory(folder, dict(grouped(held, lambda e: e.record.study)), self, preset, settings)
            for (folder, preset, settings), held in groups.items()
        ]


def read(folder: Path) -> Own:
    """Read every record of a results folder; those that are not whole are named.

    Raises
    ------
    ConfigError
        If there is none.
    """
    damaged: list[tuple[str, str]] = []
    found = list(_found(folder, damaged))
    if not found and not damaged:
        raise ConfigError(
            f"no records in {folder}: expected folders STUDY/HASH there, as python -m experiments "
            "run writes them"
        )
    by_study = grouped(found, lambda held: held.study)
    return Own({name: entries_of(held) for name, held in sorted(by_study.items())}, damaged)


def _found(folder: Path, damaged: list[tuple[str, str]]) -> Iterator[Record]:
    for place in shelf.study_folders(folder):
        try:
            paths = shelf.records(place)
        except (RejectedFileError, ReadError) as error:
            damaged.append((place.name, plain(str(error))))
            continue
        for path in paths:
            try:
                yield _read(path)
            except records.UNREADABLE as error:
                damaged.append((f"{place.name}/{path.name}", plain(str(error))))


def _read(path: Path) -> Record:
    """Open a record and read all of it, so that what follows meets no file that is damaged."""
    held = Record.open(path)
    for part in records.PARTS:
        getattr(held, part)
    if held.study != path.parent.name:
        raise CorruptRecordError(f"{path} is a record of {held.study}, not of {path.parent.name}")
    return held


def overrides(held: Record) -> tuple[str, ...]:
    """Give the overrides of the command that made a record."""
    settings = held.provenance.get("settings", ())
    return tuple(map(str, settings)) if isinstance(settings, list | tuple) else ()


def is_builtin(name: str) -> bool:
    """Whether a study belongs to this package."""
    return name in _names()


@functools.cache
def _names() -> frozenset[str]:
    return frozenset(studies.names())


def _folder(entry: Entry) -> str:
    return entry.record.study.partition(".")[0]


@dataclass(frozen=True)
class OwnStory(Story):
    """Runs of one's own of a study folder, of one preset with the same overrides.

    Tables, figures and claims are those of the study, made from these records and no others. A
    study outside this package has none: its code is not run for a report.
    """

    own: Own
    preset: str
    settings: tuple[str, ...]

    @property
    def file(self) -> str:
        """Name of the page, without its ending."""
        return slug(" ".join((self.name, self.preset, *self.settings)))

    @property
    def said(self) -> str:
        """Preset and overrides."""
        return plain(" ".join((f"preset {self.preset}", *(f"--set {s}" for s in self.settings))))

    @property
    def builtin(self) -> bool:
        """Whether the study belongs to this package."""
        return all(is_builtin(name) for name in self.entries)

    @cached_property
    def title(self) -> str:
        """Title of the study, and the preset that was run."""
        name = results.title(self.name) if self.builtin else self.name
        changed = ", changed" if self.settings else ""
        return plain(f"{name}: preset {self.preset}{changed}")

    @cached_property
    def introduction(self) -> str:
        """Nothing: what a study says of the published records is not about these."""
        return ""

    @property
    def summary(self) -> str:
        """What was run, and how it ended."""
        counts = grouped([e for held in self.entries.values() for e in held], _status)
        return f"{self.said}: {', '.join(f'{len(held)} {s}' for s, held in counts.items())}"

    @cached_property
    def load(self) -> Load:
        """Function that finds these records, and those of other presets with the same overrides."""
        return self._load

    @property
    def asked(self) -> str | None:
        """Preset that the study is asked for: None, with all that belongs to it, is the default."""
        found = [studies.load(name).module.DEFAULT_PRESET for name in self.entries]
        return None if self.preset in found else self.preset

    @cached_property
    def tables(self) -> str:
        """Tables of the study, in Markdown."""
        return self._made(lambda: results.tables(self.name, self.load, self.asked), "")

    @cached_property
    def claims(self) -> list[Judged]:
        """Claims on which these records say anything."""
        found = self._made(lambda: results.judged(self.name, self.load, self.asked), [])
        return [each for each in judged(self.file, found) if each.status != "not run"]

    @cached_property
    def figures(self) -> list[Drawing]:
        """Figures of the study."""
        return drawings(self._made(lambda: results.figures(self.name, self.load, self.asked), {}))

    @property
    def lacking(self) -> list[str]:
        """What the study could not make of these records, and why."""
        return list(dict.fromkeys(self._reasons))

    @cached_property
    def _reasons(self) -> list[str]:
        return []

    def _made(self, make: Callable[[], Made], otherwise: Made) -> Made:
        """Make a part of the page; where the study has no way to, keep the reason."""
        if not self.builtin:
            return otherwise
        try:
            return make()
        except Exception as error:  # of any kind: a study may need runs that are not there yet
            self._reasons.append(plain(f"{type(error).__name__}: {error}"))
            return otherwise

    def _load(self, preset: str | None, model_file: str = "linear_cde") -> list[Record]:
        name = f"{self.name}.{model_file}"
        if not is_builtin(name):
            return []
        study = studies.load(name)
        chosen = study.module.DEFAULT_PRESET if preset is None else preset
        listed = study.runs(chosen) if chosen in study.module.PRESETS else []
        order = {study.hash(run): place for place, run in enumerate(listed)}
        found = [
            entry.record
            for entry in self.own.entries.get(name, ())
            if overrides(entry.record) == self.settings
            and (entry.preset == chosen or entry.name in order)
            and _is_of_today(entry.record)
        ]
        return sorted(found, key=lambda held: order.get(held.hash, len(order)))


def _is_of_today(held: Record) -> bool:
    """Whether the study of today can read the run of a record."""
    try:
        return held.run is not None
    except ConfigError:
        return False


def _status(entry: Entry) -> str:
    return entry.record.status
