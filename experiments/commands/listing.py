"""The ``list`` and ``show`` commands: an overview of all records, and one record in full."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from experiments import record
from experiments import study as studies
from experiments.commands.output import say
from experiments.exit_code import ConfigError
from experiments.record import CorruptRecordError, Record
from experiments.store import belonging, recovery, shelf, source
from experiments.store.shelf import Packed
from experiments.store.stored import ReadError, RejectedFileError
from experiments.study import Study

_TAIL = 5


def overview(locator: str | None, results: Path) -> None:
    """Print every study's presets with the number of records by status, published ones included.

    A run without a record in `results` counts as published if the repository holds its record.
    """
    held = {folder.name: _records(folder) for folder in shelf.study_folders(studies.PUBLISHED)}
    whole = 0
    chosen = [studies.load(name) for name in ([locator] if locator else studies.names())]
    for study in chosen:
        say(f"{study.name} (version {study.version})")
        if said := belonging.check(study, results / study.name):
            say(said)
        published = _whole(held.get(study.name, []) if study.builtin else [])
        whole += len(published)
        _tell(study, results / study.name, published)
    if held and any(study.builtin for study in chosen):
        say(f"{whole} of {sum(map(len, held.values()))} records published")


def _tell(study: Study, folder: Path, published: set[str]) -> None:
    """Print a line for each preset of a study, and one for records that belong to no preset."""
    known: set[str] = set()
    for preset in study.module.PRESETS:
        hashes = [study.hash(run) for run in study.runs(preset)]
        known |= set(hashes)
        mark = ", the default" if preset == study.module.DEFAULT_PRESET else ""
        counts = _counts([folder / name for name in hashes], published)
        say(f"  {preset}{mark}: {len(hashes)} runs: {counts}")
    others = {path.name for path in _records(folder)} | published
    if rest := [folder / name for name in sorted(others - known)]:
        say(f"  other records (overrides, earlier versions): {_counts(rest, published)}")


def show(name: str, results: Path) -> None:
    """Print one record: its run, status, last metrics, and provenance.

    Parameters
    ----------
    name
        A record's address, its hash, or the first digits of its hash.
    results
        Where to look for a hash.
    """
    path = record.located(name, results)
    try:
        held = Record.open(path)
        described = held.description
    except FileNotFoundError as error:
        raise ConfigError(f"no record at {path}: it holds no run.json") from error
    say(f"{held.path}\nstatus: {held.status}")
    if isinstance(held.shelf, Packed):
        say(f"archive: {held.shelf.archive}")
    for title, facts in (
        ("run", described),
        ("notes", held.notes),
        ("divergence", held.divergence),
    ):
        if facts:
            say(f"{title}: {json.dumps(record.encode(facts), indent=1)}")
    say(f"metrics: {len(held.metrics)} lines, the last of them:")
    for line in held.metrics[-_TAIL:]:
        say(f"  {json.dumps(record.encode(line))}")
    say(f"provenance: {json.dumps(record.encode(held.provenance), indent=1)}")
    say(f"{recovery.summary([held])}; {_compared(held)}")
    if held.failure:
        say(f"failure:\n{held.failure.get('traceback')}")


def _compared(held: Record) -> str:
    """Describe whether a record is stale: whether it was made from source other than today's."""
    file = _study_file(held)
    differences = None if file is None else source.stale(held, file)
    if differences is None:
        return "it cannot be compared with today's source"
    if not differences:
        return "today's source is the same"
    return f"stale: today's source differs in {len(differences)} places, {differences[0]}"


def _study_file(held: Record) -> Path | None:
    """File of the study that a record belongs to; None if it cannot be found."""
    if held.study in studies.names():
        return studies.load(held.study).file
    return belonging.owner(held.path.parent)


def _records(folder: Path) -> list[Path]:
    """List the records in a folder; an empty list and a printed line if an archive is damaged."""
    try:
        return shelf.records(folder)
    except (RejectedFileError, ReadError) as error:
        say(f"damaged: {error}")
        return []


def _whole(paths: list[Path]) -> set[str]:
    """Hashes of the finished and undamaged records; a printed line for each other one."""
    found = set()
    for path in paths:
        try:
            found |= {path.name} if Record.open(path).finished else set()
        except (CorruptRecordError, ReadError) as error:
            say(f"damaged: {error}")
    return found


def _counts(paths: list[Path], published: set[str]) -> str:
    found = Counter(_status(path, published) for path in paths)
    return ", ".join(f"{number} {status}" for status, number in sorted(found.items())) or "none"


def _status(path: Path, published: set[str]) -> str:
    try:
        held = Record.open(path)
    except FileNotFoundError:
        return "published" if path.name in published else "missing"
    except (CorruptRecordError, RejectedFileError):
        return "corrupt"
    except ReadError:
        return "unreadable"
    return held.status
