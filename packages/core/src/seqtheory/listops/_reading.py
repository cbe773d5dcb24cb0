"""Reading ListOps files in the format of the Long Range Arena, line by line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np

from seqtheory import _plain_file
from seqtheory._text_file import foreign_kind, is_lfs_pointer, shown
from seqtheory.dataset import Dataset
from seqtheory.listops._grammar import NUM_DIGITS, evaluate, parse
from seqtheory.listops._writing import COLUMNS

_HEADER = r"Source\tTarget"
_MAX_LINE = 1_000_000
_MAX_FILE = 2**32  # bytes; the published file for training has a seventh of that
_MAX_VALUES = 2**31  # tokens with padding; of the published file, a tenth of that
_DIGITS = [str(digit) for digit in range(NUM_DIGITS)]


class ListOpsFileError(ValueError):
    """A ListOps file that cannot be used; the message begins with file and, if any, line."""


def read(path: str | os.PathLike[str], length: int | None = None) -> Dataset:
    r"""Read expressions and their values from a tab-separated file, and check each value.

    Parameters
    ----------
    path
        A file such as ``basic_train.tsv``. Expressions may be curried, as published, or without
        round brackets, ``[MAX 4 7 ]``. Lines end in ``\r\n`` or ``\n``; further columns and a
        byte-order mark are passed over.
    length
        Time steps of the inputs; None for those of the longest expression.

    Returns
    -------
    Inputs ``(batch, length)`` of uint8, with zeros after an expression's end, where the mask is
    False; targets ``(batch,)`` of int64.

    Raises
    ------
    ListOpsFileError
        Naming file, line and column: no such file (compressed, empty, not UTF-8), a missing
        column, a word that is no token, unbalanced brackets, a label that is no digit or not the
        value, an expression longer than `length`, more than 2**31 tokens with the padding. Naming
        the file: a folder, a pipe, larger than 4 GiB, or not to be read.
    FileNotFoundError
        If there is no such file.

    References
    ----------
    Y. Tay et al., Long Range Arena, arXiv:2011.04006: the files of its folder ``listops-1000``.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "basic_val.tsv"
    >>> _ = file.write_text("Source\tTarget\n( ( ( [SM 7 ) 8 ) ] )\t5\n3\t3\n")
    >>> data = read(file)
    >>> data.inputs.tolist(), data.targets.tolist()
    ([[13, 7, 8, 14], [3, 0, 0, 0]], [5, 3])
    """
    file = Path(path)
    lines = _lines(file)
    _, header = next(lines, (1, ""))
    names = header.split("\t")
    for name in COLUMNS:
        if name not in names:
            _fail(file, 1, f"no column {name!r}: the header is {shown(header)}, expected {_HEADER}")
    source, target = (names.index(name) for name in COLUMNS)
    rows: list[bytes] = []
    labels: list[int] = []
    width = length or 0
    for line, text in lines:
        fields = text.split("\t")
        if len(fields) != len(names):
            _fail(file, line, f"{len(fields)} columns, expected {len(names)}: {_HEADER}")
        row, value = _expression(file, line, fields[source], length)
        _check_label(file, line, fields[target], value)
        rows.append(row)
        labels.append(value)
        width = max(width, len(row))
        if len(rows) * width > _MAX_VALUES:
            _fail(file, line, f"more than {_MAX_VALUES:,} tokens, each row padded to {width:,}")
    if not rows:
        _fail(file, 1, "a header and no expressions: the file is empty or cut short")
    return Dataset.padded(rows, np.array(labels, dtype=np.int64), length=length)


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """Each line with its number, from 1 on; the file is never held whole."""
    with _plain_file.opened(file, _MAX_FILE, ListOpsFileError) as handle:
        for line, raw in enumerate(iter(lambda: handle.readline(_MAX_LINE + 1), b""), start=1):
            if line == 1:
                _refuse_foreign(file, raw)
            if len(raw) > _MAX_LINE:
                _fail(
                    file, line, f"a line of more than {_MAX_LINE:,} bytes, expected an expression"
                )
            if not raw.endswith(b"\n"):
                _fail(
                    file,
                    line,
                    "the last line does not end in a newline, so the file may be cut short. Get it "
                    "again, or add the newline if it is complete",
                )
            try:
                text = raw.decode("utf-8-sig" if line == 1 else "utf-8")
            except UnicodeDecodeError as error:
                column = raw.count(b"\t", 0, error.start) + 1
                byte = raw[error.start]
                _fail(file, line, f"column {column}: the byte 0x{byte:02x} is not UTF-8")
            yield line, text.removesuffix("\n").removesuffix("\r")


def _refuse_foreign(file: Path, data: bytes) -> None:
    if is_lfs_pointer(data):
        _fail(file, 1, "a Git-LFS pointer, not the data. Run `git lfs pull` where it came from")
    if kind := foreign_kind(data):
        _fail(file, 1, f"the file is {kind}")


def _expression(file: Path, line: int, text: str, length: int | None) -> tuple[bytes, int]:
    where = f"column {COLUMNS[0]!r}: "
    try:
        row = parse(text)
        value = evaluate(row)
    except ValueError as error:
        _fail(file, line, where + str(error))
    _check_round_brackets(file, line, text, len(row))
    if length is not None and len(row) > length:
        _fail(file, line, f"{where}an expression of {len(row):,} tokens, expected at most {length}")
    return row, value


def _check_round_brackets(file: Path, line: int, text: str, tokens: int) -> None:
    """Curried, each token but one stands in a pair of its own; without any they are left out."""
    if "(" not in text and ")" not in text:
        return
    characters = np.frombuffer(text.encode(), dtype=np.uint8)
    steps = (characters == ord("(")).astype(np.int64) - (characters == ord(")"))
    opened = int((steps > 0).sum())
    if steps.sum() or np.cumsum(steps).min() < 0 or opened != tokens - 1:
        _fail(
            file,
            line,
            f"column {COLUMNS[0]!r}: round brackets are unbalanced: {opened} open and "
            f"{int((steps < 0).sum())} close, expected {tokens - 1} pairs or none",
        )


def _check_label(file: Path, line: int, text: str, value: int) -> None:
    where = f"column {COLUMNS[1]!r}: "
    if text not in _DIGITS:
        _fail(file, line, f"{where}the label {shown(text)}, expected one of 0..9")
    if int(text) != value:
        _fail(file, line, f"{where}the label {text}, but the expression's value is {value}")


def _fail(path: Path, line: int, reason: str) -> NoReturn:
    raise ListOpsFileError(f"{path}:{line}: {reason}.")
