"""Errors of the operating system as one line for people: where, why, and what helps."""

from __future__ import annotations

import errno
import os

_ROOM = "free some space, or choose another disk with --results"
_HANDLES = "lower --workers, or raise the limit (ulimit -n)"
_RIGHTS = "see who may read and write there, or choose another folder with --results"
_ADVICE = {
    "ENOSPC": _ROOM,
    "EDQUOT": _ROOM,
    "EMFILE": _HANDLES,
    "ENFILE": _HANDLES,
    "EACCES": _RIGHTS,
    "EPERM": _RIGHTS,
    "EROFS": _RIGHTS,
    "ESTALE": "the network file system lost it: when it is mounted again, run the same command",
    "EIO": "the disk or its connection failed: when it is sound, run the same command",
    "ENOMEM": "lower --workers",
    "EAGAIN": "lower --workers, or raise the limit of processes (ulimit -u)",
    "ENAMETOOLONG": "shorten the name",
}


def message(error: OSError) -> str:
    """Describe an error: the path if the error has one, the reason, and what helps."""
    if error.strerror is None:  # raised by this package, with all of that in its message
        return str(error)
    return reason(error) if error.filename is None else f"{_path(error)}: {reason(error)}"


def reason(error: OSError) -> str:
    """Describe the reason of an error, and what helps."""
    text = os.strerror(error.errno) if error.errno else str(error)
    helps = _ADVICE.get(errno.errorcode.get(error.errno or 0, ""))
    return f"{text}; {helps}" if helps else text


def _path(error: OSError) -> str:
    return os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else "a file"
