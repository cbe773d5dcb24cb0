"""Members of a tar archive, plain or gzip: read in order, each of them and the whole bounded."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from experiments.data.damage import refused
from experiments.exit_code import DataError
from experiments.store.inputs import reading
from seqtheory import _plain_file

_LIMIT = 2**30  # bytes, packed and unpacked; the largest archive here unpacks to a third of it
_MOST_MEMBERS = 2**18  # more than twice those of the archive that has most
_GZIP = b"\x1f\x8b"


def members(
    path: Path, kind: str, wanted: Callable[[str], bool], limit: int
) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the wanted files, in the archive's order.

    Parameters
    ----------
    path
        The archive.
    kind
        What it should be, for messages.
    wanted
        Whether a member of this name is.
    limit
        Bytes that a member, or a header, may have.

    Raises
    ------
    DataError
        If it is damaged, cut short or no tar archive, or a bound is passed; the message names it.
    """
    with (
        refused(path, kind),
        _plain_file.opened(reading(path), _LIMIT, DataError) as file,
        tarfile.open(fileobj=_Bounded(_unpacked(file), path, limit), mode="r:") as archive,
    ):
        for number, member in enumerate(archive, start=1):
            if number > _MOST_MEMBERS:
                raise DataError(f"{path} has more than {_MOST_MEMBERS:,} members")
            if not member.isfile() or not wanted(member.name):
                continue
            if member.size > limit:
                raise DataError(
                    f"{path}: {member.name} has {member.size:,} bytes, expected at most {limit:,}"
                )
            content = archive.extractfile(member)
            assert content is not None, "a regular member has content"
            yield member.name, content.read()


def _unpacked(file: BinaryIO) -> BinaryIO | gzip.GzipFile:
    packed = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    return gzip.GzipFile(fileobj=file) if packed else file


class _Bounded(io.RawIOBase):
    """What `tarfile` reads from: headers may promise any size, and gzip unpack to any."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile, path: Path, limit: int) -> None:
        self._stream, self._path, self._limit = stream, path, limit

    def tell(self) -> int:
        return self._stream.tell()

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= max(self._limit, tarfile.RECORDSIZE):
            raise DataError(f"{self._path}: a part of {size:,} bytes, at most {self._limit:,}")
        self._check(self.tell() + size)
        return self._stream.read(size)

    def seek(self, place: int, whence: int = 0, /) -> int:
        assert whence == 0, "tarfile counts from the beginning"
        self._check(place)
        return self._stream.seek(place)

    def _check(self, place: int) -> None:
        if place > _LIMIT:
            raise DataError(
                f"{self._path} unpacks to more than the {_LIMIT:,} bytes expected at most"
            )
