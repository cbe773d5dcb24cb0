"""Opening a file that may turn out to be anything: a folder, a pipe, a device, or too large."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
# Errors by which the system says that a path holds something other than a file.
_NO_FILE = (errno.EISDIR, errno.ELOOP, errno.ENOTDIR, errno.ENXIO)
_FOLDER = "not a regular file but a folder"


def content(path: Path, limit: int, error: type[ValueError], *, links: bool = True) -> bytes:
    """Content of a regular file of at most `limit` bytes; raises as `opened` does."""
    with opened(path, limit, error, links=links) as file:
        return file.read()


@contextmanager
def opened(
    path: Path, limit: int, error: type[ValueError], *, links: bool = True
) -> Generator[BinaryIO, None, None]:
    """Open a regular file of at most `limit` bytes, without waiting for the other end of a pipe.

    Parameters
    ----------
    path
        The file.
    limit
        Bytes that it may have.
    error
        What the reader of this kind of file raises.
    links
        Whether the path may end in a symbolic link.

    Raises
    ------
    FileNotFoundError
        If nothing is at the path.
    error
        If the path is no regular file, or the file is too large; the message names the path.
    OSError
        If the system refuses to open the file or, later, to read it; the message names the path.
        The file itself may be intact.
    """
    try:
        descriptor = _descriptor(path, error, links)
        try:
            if reason := _unusable(os.fstat(descriptor), limit):
                raise error(f"{path}: {reason}.")
            file = os.fdopen(descriptor, "rb")
        except BaseException:
            os.close(descriptor)
            raise
        with file:
            yield file
    except FileNotFoundError:
        raise
    except MemoryError as refusal:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM), str(path)) from refusal
    except OSError as refusal:
        if refusal.errno == errno.EACCES and path.is_dir():  # as Windows answers
            raise error(f"{path}: {_FOLDER}.") from refusal
        if refusal.errno in _NO_FILE:
            reason = "is a symbolic link" if path.is_symlink() else refusal.strerror
            raise error(f"{path}: {reason}.") from refusal
        if refusal.errno is not None and refusal.filename is None:
            raise OSError(refusal.errno, refusal.strerror, str(path)) from refusal
        raise


def _descriptor(path: Path, error: type[ValueError], links: bool) -> int:
    try:
        return os.open(path, _FLAGS if links else _FLAGS | _NO_LINKS)
    except ValueError as refusal:  # NUL, or half of a pair of UTF-16
        raise error(f"{str(path)!r} cannot be a file's name: {refusal}.") from refusal


def _unusable(facts: os.stat_result, limit: int) -> str:
    """Say what keeps an open file from being read whole; empty if nothing does."""
    if stat.S_ISDIR(facts.st_mode):
        return _FOLDER
    if not stat.S_ISREG(facts.st_mode):
        return "not a regular file: a pipe or a device may never end"
    if facts.st_size > limit:
        return f"{facts.st_size:,} bytes, expected at most {limit:,}"
    return ""
