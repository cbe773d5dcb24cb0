"""The ``publish`` command: add finished records to the repository's archives."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from experiments import exit_code
from experiments import study as studies
from experiments.commands.output import say
from experiments.exit_code import ConfigError
from experiments.record import Record
from experiments.store import archive, durable, recovery, shelf, stored, sums
from experiments.study import PUBLISHED

if TYPE_CHECKING:
    from experiments.store.archive import Records
    from experiments.study import Study

OTHER = "other"  # the archive of records that no preset lists


def publish(locator: str, results: Path) -> int:
    """Add a study's records to the published ones; records already published do not change.

    Each record goes into the archive of the first preset that lists its run. Nothing is written
    unless every record to be added is finished, undamaged, of the study's present version, and made
    from source in the repository's history.

    Parameters
    ----------
    locator
        Locator of a study of this package.
    results
        Results folder of the records.

    Raises
    ------
    ConfigError
        If there is nothing to publish, or a record cannot be published.
    CorruptRecordError, RejectedFileError
        If a record, or an archive that would be added to, is damaged.
    """
    study = _publishable(locator)
    folder, source = PUBLISHED / study.name, results.expanduser().absolute() / study.name
    listed = sums.check(folder)
    found = shelf.records(source)
    if not found:
        raise ConfigError(f"no records in {source}; choose with --results")
    known = {path.name for path in shelf.records(folder)}
    added = {path.name: _sealed(study, path) for path in found if path.name not in known}
    for preset, records in _by_preset(study, added).items():
        target = folder / f"{preset}{archive.SUFFIX}"
        listed[f"{study.name}/{target.name}"] = _rewritten(target, records)
        say(f"{target}: {len(records)} records added")
    sums.write(PUBLISHED, listed)
    for name in added:
        Record.open(folder / name)
    say(f"{study.name}: {len(added)} records added, {len(found) - len(added)} published already")
    return exit_code.OK


def presets(study: Study) -> dict[str, str]:
    """Map the hash of each run that the study lists to the first preset that lists it."""
    found: dict[str, str] = {}
    for preset in study.module.PRESETS:
        for run in study.runs(preset):
            found.setdefault(study.hash(run), preset)
    return found


def _publishable(locator: str) -> Study:
    study = studies.load(locator)
    if not study.builtin:
        raise ConfigError(f"{study.locator} is no study of this package, which alone are published")
    if not PUBLISHED.is_dir():
        raise ConfigError(f"there is no {PUBLISHED}: records are published in the repository alone")
    return study


def _sealed(study: Study, path: Path) -> dict[str, bytes]:
    """Read the sealed files of a record; refuse records that are unfinished or of another study."""
    held = Record.open(path)
    if not held.finished:
        raise ConfigError(f"{path} is {held.status}; expected finished records, so run it first")
    if held.study != study.name or study.hash(held.run) != held.hash:
        raise ConfigError(
            f"{path} is a record of {held.study}, version {held.description['version']}; expected "
            f"{study.name}, version {study.version}: move it elsewhere"
        )
    if recovery.recovered(held) is False:
        raise ConfigError(
            f"{path} was {recovery.summary([held])}, so that nobody could make it again; expected "
            "a record of committed source, in the history of what is checked out: run it again"
        )
    return {name: held.shelf.read(name, archive.LIMIT) for name in ("DONE", *held.files)}


def _by_preset(study: Study, added: Records) -> dict[str, Records]:
    preset_of, found = presets(study), defaultdict(dict)
    for name, files in added.items():
        found[preset_of.get(name, OTHER)][name] = files
    return dict(found)


def _rewritten(target: Path, records: Records) -> str:
    """Write an archive again with these records added; return its SHA-256."""
    held = archive.read(target) if target.exists() else {}
    data = archive.packed({**held, **records})
    durable.make_folder(target.parent)
    durable.write_bytes(target, data)
    return stored.sha256(data)
