"""The ``verify`` command: every record against its own digests."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from experiments import exit_code
from experiments import study as studies
from experiments.commands.listing import record_folders
from experiments.commands.output import say
from experiments.record import PARTS, CorruptRecordError, Record
from experiments.store.stored import ReadError, RejectedFileError
from experiments.study import PUBLISHED


def verify(locator: str | None, results: Path) -> int:
    """Check the records of one study or of all, name those that are damaged, return the exit code.

    One that the system refuses to read is named too, and is not damaged for that.

    Of a finished record every file is compared with its SHA-256; one that is unfinished has none,
    and need only be readable.

    Parameters
    ----------
    locator
        Of the study; None for all records that there are.
    results
        Where to look, besides the published records.
    """
    say(f"checking the records in {studies.places(results)}")
    only = None if locator is None else studies.load(locator).name
    found: Counter[str] = Counter()
    for path in _paths(results, only):
        try:
            found[_checked(path)] += 1
        except (CorruptRecordError, RejectedFileError) as error:
            found["damaged"] += 1
            say(f"damaged: {error}")
        except ReadError as error:
            found["unreadable"] += 1
            say(f"unreadable: {error}")
    counts = ", ".join(f"{number} {status}" for status, number in sorted(found.items()))
    say(f"{found.total()} records" + (f": {counts}" if counts else ""))
    if found["damaged"]:
        return exit_code.DATA
    return exit_code.FAILED if found["unreadable"] else exit_code.OK


def _paths(results: Path, only: str | None) -> list[Path]:
    folders = [place / only if only else place for place in (results, PUBLISHED)]
    studies_of = [[folder] if only else _folders(folder) for folder in folders]
    return [path for group in studies_of for folder in group for path in record_folders(folder)]


def _folders(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if path.is_dir()) if place.is_dir() else []


def _checked(path: Path) -> str:
    """Status of a record that can be trusted so far as its status promises."""
    held = Record.open(path)
    for name in PARTS:
        try:
            getattr(held, name)
        except FileNotFoundError:  # not begun yet
            continue
    if held.finished and held.study != path.parent.name:
        raise CorruptRecordError(f"{path} is a record of {held.study}, in another study's folder")
    return held.status
