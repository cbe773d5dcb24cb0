"""Getting the text of a word file, and recognising files that are no word files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from seqtheory import _plain_file
from seqtheory._text_file import foreign_kind, is_lfs_pointer, shown

MAX_FILE = 2**30
"""Largest file that is read, in bytes; some 1.7 million words of length 100 over A5."""

MAX_LINE = 1_000_000
"""Longest line that is read, in bytes; a word of 100,000 tokens still fits."""

_TEXT = b"\t\n\r" + bytes(range(0x20, 0x7F))
_NOT_TEXT = re.compile(rb"[^\t\n\r\x20-\x7e]")


class WordFileError(ValueError):
    """A word file that cannot be used; the message begins with file and, if any, line."""


@dataclass(frozen=True)
class WordFile:
    r"""The text of a word file: the names of its columns, and its rows.

    Parameters
    ----------
    path
        The file, for messages.
    header
        Names of the columns.
    rows
        All lines after the header, each ended by ``\n``.
    """

    path: Path
    header: tuple[str, ...]
    rows: bytes

    def column(self, name: str) -> int:
        """Position of a column."""
        if name not in self.header:
            self.fail(
                1,
                f"no column {name!r}; the header is {shown(','.join(self.header))}, expected "
                "seed,input,target",
            )
        return self.header.index(name)

    def fail(self, line: int, reason: str) -> NoReturn:
        """Raise a `WordFileError` at a line, the header being line 1."""
        fail(self.path, line, reason)


def fail(path: Path, line: int, reason: str) -> NoReturn:
    """Raise a `WordFileError`."""
    raise WordFileError(f"{path}:{line}: {reason}.")


def open_word_file(path: Path) -> WordFile:
    """Read a word file and unify its line ends; raise WordFileError for other files."""
    data = _plain_file.content(path, MAX_FILE, WordFileError)
    _refuse_foreign(path, data)
    text = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    damaged = bool(text.translate(None, _TEXT))  # far quicker than the search
    if damaged and (bad := _NOT_TEXT.search(text)):
        kind = "a NUL byte" if bad[0] == b"\0" else f"the byte 0x{bad[0].hex()}"
        line = text.count(b"\n", 0, bad.start()) + 1
        fail(path, line, f"{kind} in what should be plain text: the file is binary or damaged")
    _refuse_long_lines(path, text)
    header, newline, rows = text.partition(b"\n")
    names = tuple(name.strip() for name in header.decode("ascii").split(","))
    source = WordFile(path, names, rows.rstrip(b"\n") + b"\n")
    for name in ("input", "target"):
        source.column(name)
    if not newline or not rows or rows.isspace():
        fail(path, 1, "a header and no rows: the file is empty or cut short. Write it again")
    if not rows.endswith(b"\n"):
        fail(
            path,
            text.count(b"\n") + 1,
            "the last line does not end in a newline, so the file may be cut short. Get it again, "
            "or add the newline if it is complete",
        )
    return source


def _refuse_foreign(path: Path, data: bytes) -> None:
    if not data or data.isspace():
        fail(path, 1, "the file is empty, expected the header seed,input,target")
    if is_lfs_pointer(data):
        fail(
            path,
            1,
            "a Git-LFS pointer, not the data. Run `git lfs pull` in the clone it came from, or "
            "make words with seqtheory.tasks.GroupWords",
        )
    if kind := foreign_kind(data):
        fail(path, 1, f"the file is {kind}")


def _refuse_long_lines(path: Path, text: bytes) -> None:
    start, line = 0, 1
    while len(text) - start > MAX_LINE:
        # the last newline in reach: all lines before it are short enough
        stop = text.rfind(b"\n", start, start + MAX_LINE + 1)
        if stop < 0:
            fail(path, line, f"a line of more than {MAX_LINE} characters, expected a word")
        line += text.count(b"\n", start, stop + 1)
        start = stop + 1
