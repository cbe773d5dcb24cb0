"""Reading files that may be damaged, huge or hostile: size limits, no links, no pickles.

Two kinds of failure are kept apart. A file is rejected for its content, such as invalid JSON, or
for being a link (`RejectedFileError`). If the system refuses to read it, because file handles run
out or a network file system is unavailable, the file may be intact (`ReadError`).
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.exit_code import DATA
from experiments.store import system_error
from seqtheory import _plain_file

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON_LIMIT = 16 * 2**20
LOG_LIMIT = 2**30
TENSOR_LIMIT = 2**36
_MOST_NESTED = 100  # functions of a value recurse as deep as it is nested

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class RejectedFileError(ValueError):
    """A stored file cannot be used; the message names the file and the reason."""

    exit_code = DATA


class ReadError(OSError):
    """The system refused to read a file that may be intact; the message says why and what helps."""


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn errors of the system into `ReadError`, except for FileNotFoundError."""
    try:
        yield
    except (FileNotFoundError, ReadError):
        raise
    except OSError as error:
        refusal = ReadError(f"could not read {path}: {system_error.reason(error)}")
        refusal.errno = error.errno
        raise refusal from error


def is_folder(path: Path) -> bool:
    """Whether `path` is a folder, and no link to one.

    Raises
    ------
    ReadError
        If the system refuses to answer.
    """
    with naming(path):
        try:
            return stat.S_ISDIR(path.lstat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False


def read_bytes(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    RejectedFileError
        If the file is a link, a device, or larger than `limit`.
    ReadError
        If the system refuses to read it.
    """
    with naming(path):
        return _plain_file.content(path, limit, RejectedFileError, links=False)


def read_json(path: Path, limit: int = JSON_LIMIT) -> dict[str, Any]:
    """Read a JSON object."""
    return parse_json(read_bytes(path, limit), path)


def parse_json(data: bytes, place: Path | str) -> dict[str, Any]:
    """Parse a JSON object that came from `place`, a file or a line of one."""
    try:
        value = json.loads(data)
        deep = _nested(value) > _MOST_NESTED
    except (ValueError, RecursionError, MemoryError) as error:
        raise RejectedFileError(
            f"{place}: not valid JSON ({type(error).__name__}: {error})"
        ) from error
    if deep:
        raise RejectedFileError(f"{place}: nested more than {_MOST_NESTED} deep")
    if not isinstance(value, dict):
        raise RejectedFileError(f"{place}: expected a JSON object, got {type(value).__name__}")
    return value


def _nested(value: object) -> int:
    """Depth to which lists and dictionaries are nested."""
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, (dict, list))]:
        depth += 1
        level = [
            inner for item in level for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return depth


def parse_tensors(data: bytes, path: Path | str) -> dict[str, np.ndarray]:
    """Arrays of a safetensors file, as fresh writable copies."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return {name: np.array(array) for name, array in load(data).items()}
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise RejectedFileError(f"{path}: not a valid safetensors file ({error})") from error


def sha256(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def checked_name(name: str) -> str:
    """Return a file name within a record; raise ValueError if it could point outside."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"got the name {str(name)[:120]!r}; expected letters, digits, "
            "'_', '-' and '.', starting with a letter or digit, at most 100 characters"
        )
    return name


def printable(text: object) -> str:
    """Text with control characters shown as escapes, so that a name cannot steer a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in str(text))
