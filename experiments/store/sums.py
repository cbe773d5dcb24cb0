"""Digests of archives: ``SHA256SUMS`` in a results folder, as ``sha256sum -c SHA256SUMS`` reads it.

A record's own seal shows that its files are unchanged since its run; the digest of an archive shows
that no record was added or removed since the archive was made.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from experiments.store import archive, durable, shelf, stored
from experiments.store.stored import RejectedFileError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  ([\w.-]+/[\w.-]+)")


def read(results: Path) -> dict[str, str]:
    """SHA-256 of each archive by its path ``<study>/<preset>.tar.xz``; empty without the file.

    Raises
    ------
    RejectedFileError
        If a line is no digest and path.
    """
    path = results / NAME
    try:
        lines = stored.read_bytes(path, stored.JSON_LIMIT).decode("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise RejectedFileError(f"{path}: {error}") from error
    found = {}
    for number, line in enumerate(lines, start=1):
        if not (match := _LINE.fullmatch(line)) or match[2] in found:
            raise RejectedFileError(
                f"{path}:{number}: expected a SHA-256, two spaces and the path of an archive, each "
                f"path once; got {stored.printable(line)[:120]!r}"
            )
        found[match[2]] = match[1]
    return found


def write(results: Path, sums: Mapping[str, str]) -> None:
    """Inverse of `read`."""
    lines = [f"{sha256}  {name}\n" for name, sha256 in sorted(sums.items())]
    durable.write_text(results / NAME, "".join(lines))


def check(folder: Path) -> dict[str, str]:
    """Compare the archives in the folder of a study with their digests, and return all digests.

    Raises
    ------
    RejectedFileError
        If an archive is damaged or missing, has another digest, or has none.
    """
    results, sums = folder.parent, read(folder.parent)
    there = {f"{folder.name}/{path.name}" for path in shelf.archives(folder)}
    listed = {name for name in sums if name.partition("/")[0] == folder.name}
    for name in sorted(there | listed):
        path = results / name
        if name not in there:
            raise RejectedFileError(f"{path}: listed in {results / NAME}, and not there")
        sha256 = stored.sha256(stored.read_bytes(path, archive.LIMIT))
        if sums.get(name) != sha256:
            raise RejectedFileError(
                f"{path}: its SHA-256 is {sha256}, expected {sums.get(name, 'a line')} in "
                f"{results / NAME}; take both from the repository again"
            )
        archive.read(path)
    return sums
