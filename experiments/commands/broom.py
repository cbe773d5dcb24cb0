"""The ``clean`` command: files that killed, repeated and damaged runs left behind.

Files of a run are examined, and removed, under the lock of its record, so that a run under way is
never touched.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from experiments import exit_code
from experiments.commands.output import say
from experiments.record import CorruptRecordError, Record
from experiments.store import durable, journal
from experiments.store.lock import tried

if TYPE_CHECKING:
    from collections.abc import Iterator

_ASIDE = re.compile(r"(?P<name>[0-9a-f]{16})(\.(?P<kind>corrupt|superseded)(\.\d+)?)?")
_LOCK = re.compile(r"\.(?P<name>.+)\.lock")
_YOUNG = 3600.0  # seconds; a temporary file of that age is no longer being written


@dataclass(frozen=True)
class Leftover:
    """A file or folder that no record needs, and the reason."""

    path: Path
    why: str


def clean(results: Path, *, yes: bool) -> int:
    """List leftover files, and remove them if `yes`."""
    say(f"looking for what is left over in {results}")
    found = 0
    for folder in sorted(path for path in results.iterdir() if _own(path)) if _own(results) else []:
        found += _clean_folder(folder, yes)
    say(
        f"{found} removed" if yes else f"{found} left over" + ("; --yes removes them" * (found > 0))
    )
    return exit_code.OK


def _clean_folder(folder: Path, yes: bool) -> int:
    found = _swept(_temporary(folder), yes)
    locks = 0
    for name in _names(folder):
        lock = folder / f".{name}.lock"
        there = lock.exists()
        with _held(lock, yes) as free:
            if not free:
                say(f"{folder / name}: under way, left alone")
                continue
            found += _swept(_of_record(folder / name), yes)
            locks += there
            if yes and os.name != "nt":  # Windows removes no file that is open
                durable.remove(lock)  # while it is held: who waits sees it, and makes another
    if locks:
        say(f"{folder}: {locks} locks that nobody holds")
    return found + locks


def _swept(leftovers: list[Leftover], yes: bool) -> int:
    for leftover in leftovers:
        if yes:
            durable.remove(leftover.path)
        say(f"{leftover.path}: {leftover.why}")
    return len(leftovers)


def _of_record(path: Path) -> list[Leftover]:
    """Find leftovers in and beside a record; call it only while its lock is held."""
    found = [Leftover(p, "a temporary file of a killed process") for p in durable.leftovers(path)]
    found += [
        Leftover(p, "a checkpoint that could not be used")
        for p in sorted(path.glob("checkpoints/*.corrupt*"))
    ]
    for beside in sorted(path.parent.glob(f"{path.name}.*")):
        match = _ASIDE.fullmatch(beside.name)
        if match and match["kind"] == "corrupt":
            found.append(Leftover(beside, "a damaged record"))
        elif match and _finished(path):
            found.append(Leftover(beside, "a record that a newer one took the place of"))
        elif match:
            say(f"{beside}: kept, since there is no newer record in its place")
    return found


def _finished(path: Path) -> bool:
    try:
        return Record.open(path).finished
    except (FileNotFoundError, CorruptRecordError):
        return False


def _temporary(folder: Path) -> list[Leftover]:
    """Find temporary files of figures, tables and the folder itself, which have no lock."""
    old = time.time() - _YOUNG
    found = [
        Leftover(path, "a temporary file of a killed process")
        for pattern in (".*.tmp", ".probe.*")
        for path in sorted(folder.glob(pattern))
        if path.is_file() and path.stat().st_mtime < old
    ]
    return found + [
        Leftover(p, "progress of a command that has ended") for p in journal.dead(folder)
    ]


def _names(folder: Path) -> list[str]:
    """List the names of records, and of anything else that has a lock."""
    found = [_ASIDE.fullmatch(path.name) or _LOCK.fullmatch(path.name) for path in folder.iterdir()]
    return sorted({match["name"] for match in found if match})


@contextmanager
def _held(lock: Path, yes: bool) -> Iterator[bool]:
    """Hold a lock if it is free; without `yes`, no lock file is made where there is none."""
    if not yes and not lock.exists():
        yield True
        return
    with tried(lock) as free:
        yield free


def _own(path: Path) -> bool:
    """Whether `path` is a folder, and no link to one."""
    return path.is_dir() and not path.is_symlink()
