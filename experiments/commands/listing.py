"""The ``list`` and ``show`` commands: what there is, and one record in full."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from experiments import record, recovery
from experiments import study as studies
from experiments.commands.output import say
from experiments.exit_code import ConfigError
from experiments.record import CorruptRecordError, Record
from experiments.store import belonging, source
from experiments.store.stored import ReadError, RejectedFileError

_TAIL = 5
_HASH = re.compile(r"[0-9a-f]{16}")


def overview(locator: str | None, results: Path) -> None:
    """Print every study's presets with the count of records by status."""
    for name in [locator] if locator else studies.names():
        study = studies.load(name)
        say(f"{study.name} (version {study.version})")
        if said := belonging.check(study, results / study.name):
            say(said)
        known: set[str] = set()
        for preset in study.module.PRESETS:
            hashes = [study.hash(run) for run in study.runs(preset)]
            known |= set(hashes)
            mark = ", the default" if preset == study.module.DEFAULT_PRESET else ""
            counts = _counts([results / study.name / name for name in hashes])
            say(f"  {preset}{mark}: {len(hashes)} runs: {counts}")
        folder = results / study.name
        others = [path for path in record_folders(folder) if path.name not in known]
        if others:
            say(f"  other records (overrides, earlier versions): {_counts(others)}")


def show(name: str, results: Path) -> None:
    """Print one record: its run, status, the end of its metrics, and where it comes from.

    Parameters
    ----------
    name
        A record's folder, or its hash or the beginning of that.
    results
        Where to look for a hash.
    """
    path = _record_path(name, results)
    if not (path / "run.json").is_file():
        raise ConfigError(f"no record at {path}: it holds no run.json")
    held = Record.open(path)
    say(f"{held.path}\nstatus: {held.status}")
    for title, facts in (
        ("run", held.description),
        ("notes", held.notes),
        ("divergence", held.divergence),
    ):
        if facts:
            say(f"{title}: {json.dumps(record.encode(facts), indent=1)}")
    say(f"metrics: {len(held.metrics)} lines, the last of them:")
    for line in held.metrics[-_TAIL:]:
        say(f"  {json.dumps(record.encode(line))}")
    say(f"provenance: {json.dumps(record.encode(held.provenance), indent=1)}")
    say(f"{recovery.told([held])}; {_compared(held)}")
    if held.failure:
        say(f"failure:\n{held.failure.get('traceback')}")


def _compared(held: Record) -> str:
    """Say whether a record is stale: made from other source than there is now."""
    file = _study_file(held)
    differences = None if file is None else source.stale(held, file)
    if differences is None:
        return "it cannot be compared with today's source"
    if not differences:
        return "today's source is the same"
    return f"stale: today's source differs in {len(differences)} places, {differences[0]}"


def _study_file(held: Record) -> Path | None:
    """File of the study that a record is of, where it can be told."""
    if held.study in studies.names():
        return studies.load(held.study).file
    return belonging.owner(held.path.parent)


def _counts(paths: list[Path]) -> str:
    counts = Counter(_status(path) for path in paths)
    return ", ".join(f"{number} {status}" for status, number in sorted(counts.items())) or "none"


def _status(path: Path) -> str:
    try:
        held = Record.open(path)
    except FileNotFoundError:
        return "missing"
    except (CorruptRecordError, RejectedFileError):
        return "corrupt"
    except ReadError:
        return "unreadable"
    return held.status


def record_folders(folder: Path) -> list[Path]:
    """Folders of a study's records, without what was moved aside."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and _HASH.fullmatch(path.name))


def _record_path(name: str, results: Path) -> Path:
    if "/" in name or "\\" in name:
        return Path(name)
    found = [
        path
        for folder in (results, studies.PUBLISHED)
        if folder.is_dir()
        for study in sorted(folder.iterdir())
        for path in record_folders(study)
        if path.name.startswith(name)
    ]
    if not found:
        raise ConfigError(f"no record whose hash begins with {name!r} in {studies.places(results)}")
    if len({path.name for path in found}) > 1:
        names = ", ".join(path.name for path in found[:5])
        raise ConfigError(f"{name!r} is the beginning of several hashes: {names}; give more digits")
    return found[0]
