"""What is printed: answers on standard output, all else on standard error."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from experiments.exit_code import FAILED, OK
from experiments.store import system_error
from experiments.store.stored import printable


class OutputError(Exception):
    """Standard output cannot be written: its reader has gone, or its disk is full.

    Parameters
    ----------
    error
        The error of the operating system.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output: {system_error.reason(error)}")
        self.closed = isinstance(error, BrokenPipeError)
        self.exit_code = OK if self.closed else FAILED  # a reader (head, less) that has seen enough


def say(text: object, stream: TextIO | None = None) -> None:
    """Print a line, with control characters escaped.

    Raises
    ------
    OutputError
        If the line cannot be printed.
    """
    try:
        print(printable(text), file=stream, flush=True)
    except OSError as error:
        raise OutputError(error) from error


def tell(text: object) -> None:
    """Print a line about the work itself on standard error, or nowhere if that takes none."""
    try:
        print(printable(text), file=sys.stderr, flush=True)  # noqa: T201
    except OSError:
        return


def open_streams() -> None:
    """Open the null device for each standard stream that the process was started without.

    Otherwise the next opened file would take the number of that stream, and receive what is
    printed.
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
    """Return the code after flushing the output; if that fails, end the process with the code."""
    try:
        sys.stdout.flush()
    except OSError:
        os._exit(code)  # without the flush at exit, which would fail again and change the code
    return code
