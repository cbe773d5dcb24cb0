"""Archives of finished records: one compressed file in place of many folders.

``<results>/<study>/<preset>.tar.xz`` stands for the folders ``<hash>/`` that ``tar -xf`` would make
beside it, and is read without being unpacked on disk. It is compressed as a whole, since different
records resemble each other.

The unpacked bytes depend on the files alone: files come in the order of their names, each after a
header with its name and size, without dates or owners. A reader accepts only headers that it would
have written itself, so one comparison refuses links, devices, absolute names and repeated names.
"""

from __future__ import annotations

import functools
import lzma
import re
import struct
from typing import TYPE_CHECKING

from experiments.store import stored
from experiments.store.stored import RejectedFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    Records = Mapping[str, Mapping[str, bytes]]

SUFFIX = ".tar.xz"
LIMIT = 2**28  # bytes unpacked; a repository should not hold more
HASH = re.compile(r"[0-9a-f]{16}")

_MEMORY = 2**26  # bytes that unpacking may take besides its result
_BLOCK = 512
_END = bytes(2 * _BLOCK)
# Of POSIX.1-1988: name, mode, owner, group, size, date, checksum, kind, link, magic word, names of
# owner and group, device, and the folder that stands before the name.
_USTAR = struct.Struct("100s8s8s8s12s12s8s1s100s8s32s32s8s8s155s12x")


def packed(records: Records) -> bytes:
    """Pack records, each a dictionary of file contents by name; equal records give equal bytes.

    Raises
    ------
    ValueError
        If the records together are larger than `LIMIT`.
    """
    parts = []
    for record, files in sorted(records.items()):
        for name, content in sorted(files.items()):
            parts += [_header(record, name, len(content)), content, bytes(-len(content) % _BLOCK)]
    data = b"".join([*parts, _END])
    if len(data) > LIMIT:
        raise ValueError(f"{len(data):,} bytes of records, expected at most {LIMIT:,}")
    return lzma.compress(data)


def read(path: Path) -> Records:
    """Read an archive; the result is cached until the file changes.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    RejectedFileError
        If the file is a link, damaged, too large, or no archive of records; the message names path
        and entry.
    ReadError
        If the system refuses to read the file.
    """
    with stored.naming(path):
        facts = path.lstat()
    return _read(path, facts.st_ino, facts.st_size, facts.st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _read(path: Path, *identity: int) -> Records:
    return unpacked(stored.read_bytes(path, LIMIT), path)


def unpacked(data: bytes, path: Path) -> Records:
    """Inverse of `packed`, for bytes from the untrusted file `path`."""
    records: dict[str, dict[str, bytes]] = {}
    last = ("", "")
    for record, name, content in _entries(_decompressed(data, path), path):
        if (record, name) <= last:
            raise RejectedFileError(f"{path}!{record}/{name}: twice, or not in order of the names")
        last = record, name
        records.setdefault(record, {})[name] = content
    for record, files in records.items():
        if "DONE" not in files:
            raise RejectedFileError(f"{path}!{record}: has no DONE; expected finished records")
    return records


def _decompressed(data: bytes, path: Path) -> bytes:
    decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)
    try:
        found = decoder.decompress(data, LIMIT + 1)
    except (lzma.LZMAError, MemoryError) as error:
        raise RejectedFileError(f"{path}: not a whole {SUFFIX} archive ({error})") from error
    if len(found) > LIMIT:
        raise RejectedFileError(f"{path}: unpacks to more than {LIMIT:,} bytes")
    if not decoder.eof or decoder.unused_data:
        raise RejectedFileError(f"{path}: cut short, or something follows the archive")
    return found


def _entries(data: bytes, path: Path) -> Iterator[tuple[str, str, bytes]]:
    """Record, name and content of each file."""
    at = 0
    while (end := len(data) - len(_END)) > at:
        record, name, size = _announced(data[at : at + _BLOCK], path, at)
        start, at = at + _BLOCK, at + _BLOCK + size + -size % _BLOCK
        if at > end or any(data[start + size : at]):
            raise RejectedFileError(f"{path}!{record}/{name}: cut short")
        yield record, name, data[start : start + size]
    if data[at:] != _END:
        raise RejectedFileError(f"{path}: has no proper end")


def _announced(block: bytes, path: Path, at: int) -> tuple[str, str, int]:
    """Record, name and size in a header, which must be exactly as `packed` writes it."""
    try:
        fields = _USTAR.unpack(block)
        name, record = (fields[i].rstrip(b"\0").decode("ascii") for i in (0, 14))
        size = int(fields[4].rstrip(b"\0"), 8)
        same = size >= 0 and _header(record, name, size) == block
    except (struct.error, ValueError) as error:
        raise RejectedFileError(f"{path}: no header at byte {at:,} ({error})") from error
    if not same:
        raise RejectedFileError(
            f"{path}!{stored.printable(record)}/{name}: a link, a folder or another kind of entry; "
            "expected plain files as `python -m experiments publish` packs them"
        )
    return record, name, size


def _header(record: str, name: str, size: int) -> bytes:
    """Make the header of a file ``record/name``, after checking that both names are safe."""
    if not HASH.fullmatch(record):
        raise ValueError(f"got a record named {record[:120]!r}; expected 16 hexadecimal digits")
    fields = [stored.checked_name(name).encode(), b"0000644", b"0000000", b"0000000"]
    fields += [
        b"%011o" % size,
        b"%011o" % 0,
        b" " * 8,
        b"0",
        b"",
        b"ustar\00000",
        b"",
        b"",
        b"",
        b"",
    ]
    fields.append(record.encode())
    fields[6] = b"%06o\0 " % sum(_USTAR.pack(*fields))
    return _USTAR.pack(*fields)
