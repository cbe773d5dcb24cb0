"""Data files that a run reads: the digest of each is computed when it is opened, and recorded.

A reader calls `reading` with the path that it is about to open; a study calls
`experiments.recorder.Recorder.data`. Outside a run nothing is recorded.
"""

from __future__ import annotations

import functools
import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.exit_code import DataError
from experiments.store import stored

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "SEQTHEORY_DATA"

_collecting: list[dict[str, str]] = []


@contextmanager
def collected() -> Iterator[dict[str, str]]:
    """Collect the digests of files read within this context, by their `spelt` paths."""
    found: dict[str, str] = {}
    _collecting.append(found)
    try:
        yield found
    finally:
        _collecting.remove(found)


def reading(path: str | os.PathLike[str]) -> Path:
    """Record the digest of a file, or of all files of a folder, for the run under way.

    Parameters
    ----------
    path
        The file or folder that is about to be read. If it does not exist, nothing is recorded, and
        its reader will raise.

    Returns
    -------
    The path, so that a reader can open ``reading(path)``.
    """
    path = Path(path)
    if _collecting and (sha256 := digest(path)) is not None:
        _collecting[-1][spelt(path)] = sha256
    return path


def digest(path: Path) -> str | None:
    """SHA-256 of a file, or of a folder's files with their names; None if there is neither.

    Raises
    ------
    ReadError
        If the system refuses to read the file or folder.
    """
    if path.is_dir():
        total = hashlib.sha256()
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            total.update(f"{file.relative_to(path).as_posix()} {digest(file)}\n".encode())
        return total.hexdigest()
    if not path.is_file():
        return None
    with stored.naming(path):
        facts = path.stat()
        return _file_digest(path, facts.st_ino, facts.st_size, facts.st_mtime_ns)


def expanded(path: str | os.PathLike[str]) -> Path:
    """Replace ``~`` by the home folder; raise `DataError` if there is none."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise DataError(f"{path}: {error}") from error


def spelt(path: Path) -> str:
    """Write a path relative to a known folder, such as ``~/words.csv``, without a user's name."""
    path = expanded(path).absolute()
    for name, folder in _places():
        if path.is_relative_to(folder):
            return f"{name}/{path.relative_to(folder).as_posix()}"
    return str(path)


def meant(name: str) -> Path:
    """Inverse of `spelt`."""
    head, _, rest = name.partition("/")
    for known, folder in _places():
        if head == known:
            return folder / rest
    return Path(name)


def _places() -> list[tuple[str, Path]]:
    places = []
    if named := os.environ.get(VARIABLE):
        places.append((f"${VARIABLE}", expanded(named).absolute()))
    try:
        places.append(("~", Path.home()))
    except RuntimeError:  # a user without a home folder
        return places
    return places


@functools.lru_cache(maxsize=4096)
def _file_digest(path: Path, *identity: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
