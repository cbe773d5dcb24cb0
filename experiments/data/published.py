"""What is published under one name, and where it lies: on the network and in the data folder."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Remote:
    """A file to download: its name, its size in bytes and its SHA-256."""

    name: str
    size: int
    sha256: str


def remotes(table: str) -> tuple[Remote, ...]:
    """Read a table of files to download, a line for each: name, bytes, SHA-256."""
    lines = (line.split() for line in table.strip().splitlines())
    return tuple(Remote(name, int(size), sha256) for name, size, sha256 in lines)


@dataclass(frozen=True)
class Published:
    """A data set with a name.

    Parameters
    ----------
    name
        As papers write it.
    folder
        Name of its folder in the data folder.
    copies
        Names, with ``*`` for any text, under which a copy or a subset may lie beside that folder.
    url
        Folder that holds the files to download.
    remote
        Those files; none where no checksum is published.
    """

    name: str
    folder: str
    copies: tuple[str, ...]
    url: str
    remote: tuple[Remote, ...]
