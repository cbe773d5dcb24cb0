"""Standard output: lines for people, and what to do when it takes no more of them."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from experiments.exit_code import FAILED, OK
from experiments.store import system_error
from experiments.store.stored import printable


class OutputError(Exception):
    """Standard output takes no more: its reader has left, or the disk that holds it is full.

    Parameters
    ----------
    error
        What the system answered.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output: {system_error.reason(error)}")
        self.closed = isinstance(error, BrokenPipeError)
        self.exit_code = OK if self.closed else FAILED  # a reader (head, less) that has seen enough


def say(text: object, stream: TextIO | None = None) -> None:
    """Print a line, control characters escaped.

    Raises
    ------
    OutputError
        If it cannot be printed.
    """
    try:
        print(printable(text), file=stream, flush=True)
    except OSError as error:
        raise OutputError(error) from error


def complain(text: object) -> None:
    """Print a line on standard error, or nowhere."""
    try:
        print(printable(text), file=sys.stderr, flush=True)  # noqa: T201
    except OSError:
        return


def open_streams() -> None:
    """Give the null device to each standard stream that the process was started without.

    Otherwise the next file that is opened would take its place, and receive what is printed.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the least number that is free: this one
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def finish(code: int) -> int:
    """Return the code once all is printed; where that fails, end the process with it at once."""
    try:
        sys.stdout.flush()
    except OSError:
        os._exit(code)  # without the flush at exit, which would fail again and change the code
    return code
