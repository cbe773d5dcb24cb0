"""The ``verify`` command: compare records and archives with their digests."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from experiments import exit_code
from experiments import study as studies
from experiments.commands.output import say
from experiments.record import PARTS, CorruptRecordError, Record
from experiments.store import shelf, sums
from experiments.store.stored import ReadError, RejectedFileError
from experiments.study import PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def verify(locator: str | None, results: Path) -> int:
    """Check the records of one study or of all, name damaged ones, and return the exit code.

    Every file of a finished record is compared with its SHA-256. An unfinished record has no
    digests and need only be readable. A damaged archive counts as one damaged record. A record that
    the system refuses to read is named too, but does not count as damaged.

    Parameters
    ----------
    locator
        Locator of a study; None for all records.
    results
        Results folder to check, besides the published records.
    """
    say(f"checking the records in {studies.places(results)}")
    only = None if locator is None else studies.load(locator).name
    found: Counter[str] = Counter()
    for place in (results, PUBLISHED):
        _verify_place(place, only, found)
    counts = ", ".join(f"{number} {status}" for status, number in sorted(found.items()))
    say(f"{found.total()} records" + (f": {counts}" if counts else ""))
    if found["damaged"]:
        return exit_code.DATA
    return exit_code.FAILED if found["unreadable"] else exit_code.OK


def _verify_place(place: Path, only: str | None, found: Counter[str]) -> None:
    """Count the records of a results folder by status."""
    for folder in [place / only] if only else shelf.study_folders(place):
        if _tried(lambda folder=folder: _whole(folder), found):
            for path in shelf.records(folder):
                if status := _tried(lambda path=path: _checked(path), found):
                    found[status] += 1


def _tried(check: Callable[[], T], found: Counter[str]) -> T | None:
    """Run a check; a failure is printed and counted, and gives None."""
    try:
        return check()
    except (CorruptRecordError, RejectedFileError) as error:
        found["damaged"] += 1
        say(f"damaged: {error}")
    except ReadError as error:
        found["unreadable"] += 1
        say(f"unreadable: {error}")
    return None


def _whole(folder: Path) -> bool:
    """Compare the archives in the folder of a study with their digests."""
    sums.check(folder)
    return True


def _checked(path: Path) -> str:
    """Check a record as far as its status allows, and return the status."""
    held = Record.open(path)
    for name in PARTS:
        try:
            getattr(held, name)
        except FileNotFoundError:  # not begun yet
            continue
    if held.finished and held.study != path.parent.name:
        raise CorruptRecordError(f"{path} is a record of {held.study}, in another study's folder")
    return held.status
