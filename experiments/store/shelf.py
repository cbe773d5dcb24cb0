"""Access to the files of a record, in a folder of its own or in an archive beside it.

A record's address is ``<results>/<study>/<hash>`` in both cases. If that folder exists, it is the
record; otherwise the archives in the study's folder are searched (see `experiments.store.archive`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from experiments.store import archive, stored
from experiments.store.stored import RejectedFileError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Shelf(Protocol):
    """Read-only access to the files of one record."""

    def read(self, name: str, limit: int) -> bytes:
        """Content of a file of at most `limit` bytes.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        RejectedFileError
            If the file is a link, a device, or larger than `limit`.
        ReadError
            If the system refuses to read it.
        """
        ...

    def names(self) -> list[str]:
        """Names of all files, in order."""
        ...

    def place(self, name: str) -> str:
        """Path of a file, for messages."""
        ...


@dataclass(frozen=True)
class Folder:
    """A record in its own folder."""

    path: Path

    def read(self, name: str, limit: int) -> bytes:
        """Content of a file, as `Shelf.read` says."""
        return stored.read_bytes(self.path / name, limit)

    def names(self) -> list[str]:
        """Names of the files, without those in subfolders."""
        return sorted(path.name for path in self.path.iterdir() if not stored.is_folder(path))

    def place(self, name: str) -> str:
        """Path of a file."""
        return str(self.path / name)


@dataclass(frozen=True)
class Packed:
    """A finished record in an archive.

    Parameters
    ----------
    archive
        Path of the archive.
    record
        The record's hash.
    files
        Content of each file.
    """

    archive: Path
    record: str
    files: Mapping[str, bytes] = field(repr=False)

    def read(self, name: str, limit: int) -> bytes:
        """Content of a file, as `Shelf.read` says."""
        if name not in self.files:
            raise FileNotFoundError(f"{self.place(name)}: no such file")
        content = self.files[name]
        if len(content) > limit:
            raise RejectedFileError(
                f"{self.place(name)}: {len(content):,} bytes, expected at most {limit:,}"
            )
        return content

    def names(self) -> list[str]:
        """Names of the files."""
        return sorted(self.files)

    def place(self, name: str) -> str:
        """Path of the archive, and the file in it."""
        return f"{self.archive}!{self.record}/{name}"


def at(path: Path) -> Folder | Packed:
    """Find the record with the address `path`.

    Raises
    ------
    FileNotFoundError
        If neither the folder nor an archive that holds the record exists.
    RejectedFileError
        If the address is a link, or an archive that was searched is damaged.
    ReadError
        If the system refuses to read it.
    """
    if stored.is_folder(path):
        return Folder(path)
    if path.is_symlink():
        raise RejectedFileError(f"{path} is a symbolic link; records are folders of their own")
    for place in archives(path.parent):
        files = archive.read(place).get(path.name)
        if files is not None:
            return Packed(place, path.name, files)
    raise FileNotFoundError(f"no record at {path}")


def archives(folder: Path) -> list[Path]:
    """List the archives in the folder of a study, in order; empty if there is no folder."""
    return [folder / name for name in _listed(folder) if name.endswith(archive.SUFFIX)]


def records(folder: Path) -> list[Path]:
    """Addresses of all records in the folder of a study, without those moved aside."""
    found = {name for name in _listed(folder) if archive.HASH.fullmatch(name)}
    kept = {name for name in found if (folder / name).is_dir()}
    for place in archives(folder):
        kept |= archive.read(place).keys()
    return [folder / name for name in sorted(kept)]


def study_folders(results: Path) -> list[Path]:
    """Folders of the studies in a results folder; empty if there is no such folder."""
    return [path for name in _listed(results) if (path := results / name).is_dir()]


def _listed(folder: Path) -> list[str]:
    with stored.naming(folder):
        try:
            return sorted(path.name for path in folder.iterdir() if path.name[0] != ".")
        except (FileNotFoundError, NotADirectoryError):
            return []
