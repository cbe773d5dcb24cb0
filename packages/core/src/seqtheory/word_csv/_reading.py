"""Reading word files: whole blocks where rows have the usual form, else line by line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seqtheory._text_file import shown
from seqtheory.group import Group, index_dtype
from seqtheory.word_csv._source import WordFile, open_word_file
from seqtheory.word_csv._writing import MAX_TOKEN

if TYPE_CHECKING:
    from jaxtyping import Integer

_BLOCK_BYTES = 1_000_000
_MAX_DIGITS = len(str(MAX_TOKEN))


def read(
    path: str | os.PathLike[str], order: int | None = None, group: Group | None = None
) -> tuple[Integer[np.ndarray, "word length"], Integer[np.ndarray, "word length"]]:
    r"""Read words and targets from a word-problem CSV.

    Parameters
    ----------
    path
        The file. A byte-order mark, CRLF line ends, blank lines at the end, further columns and
        another order of the columns are all accepted; only ``input`` and ``target`` are used.
    order
        Number of elements of the group: larger tokens are refused.
    group
        Also checks that every target is the running product of its word.

    Returns
    -------
    Words and targets, both ``(word, length)``, of the smallest integer type that holds the group's
    elements (or, without `order` and `group`, the largest token).

    Raises
    ------
    WordFileError
        Naming file and line: not a word file (empty, compressed, binary, a Git-LFS pointer), a
        missing column, tokens that are no numbers or out of range, words of different lengths, a
        file cut short, a target that is not the product. Naming the file: a folder, a pipe, larger
        than 1 GiB, or not to be read.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "Z3=2.csv"
    >>> _ = file.write_text("seed,input,target\n7,1 1,1 2\n")
    >>> words, targets = read(file, order=3)
    >>> words.tolist(), targets.tolist()
    ([[1, 1]], [[1, 2]])
    """
    if group is not None and order not in (None, group.order):
        raise ValueError(f"got order {order} but {group.name} has order {group.order}; pass one.")
    source = open_word_file(Path(path))
    pairs = _pairs(source)
    order = group.order if group is not None else order
    length = pairs.shape[1] // 2
    _check_range(source, pairs, MAX_TOKEN + 1 if order is None else order)
    pairs = pairs.astype(index_dtype(int(pairs.max()) + 1 if order is None else order), copy=False)
    words, targets = pairs[:, :length], pairs[:, length:]
    if group is not None:
        _check_products(source, words, targets, group)
    return np.ascontiguousarray(words), np.ascontiguousarray(targets)


def _pairs(source: WordFile) -> Integer[np.ndarray, "word twice_length"]:
    """Input and target of each row side by side."""
    length = len(_slow_row(source, source.rows[: source.rows.index(b"\n")], 2, None)) // 2
    regular = source.header == ("seed", "input", "target")
    parts: list[np.ndarray] = []
    line = 2
    for block in _blocks(source.rows):
        part = _fast_block(block, length) if regular else None
        if part is None:
            lines = block[:-1].split(b"\n")
            rows = [_slow_row(source, row, line + i, length) for i, row in enumerate(lines)]
            part = np.array(rows, dtype=np.int64)
        parts.append(_narrowed(part))
        line += len(part)
    return np.concatenate(parts)


def _blocks(rows: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(rows):
        stop = rows.find(b"\n", min(start + _BLOCK_BYTES, len(rows)) - 1) + 1
        yield rows[start:stop]
        start = stop


def _narrowed(tokens: Integer[np.ndarray, "word twice_length"]) -> np.ndarray:
    small = tokens.min() >= 0 and tokens.max() < 256
    return tokens.astype(np.uint8) if small else tokens.astype(np.int64, copy=False)


def _fast_block(block: bytes, length: int) -> Integer[np.ndarray, "word twice_length"] | None:
    """Parse rows that are exactly as `write` makes them; None if any row is not."""
    text = np.frombuffer(block, dtype=np.uint8)
    digits = text - np.uint8(ord("0"))  # wraps around: everything else becomes 10 or more
    is_digit = digits < 10
    ends = np.flatnonzero(~is_digit)
    fields = 1 + 2 * length
    gaps = np.array(
        [","] + [" "] * (length - 1) + [","] + [" "] * (length - 1) + ["\n"], dtype="S1"
    )
    if len(ends) % fields or (text[ends].reshape(-1, fields) != gaps.view(np.uint8)).any():
        return None
    sizes = np.diff(ends, prepend=-1) - 1
    tokens = sizes.reshape(-1, fields)[:, 1:]
    if (sizes < 1).any() or tokens.max() > _MAX_DIGITS:
        return None
    values = digits[ends - 1].astype(np.int32)
    for place in range(1, int(tokens.max())):
        digit = np.where(sizes > place, digits[ends - 1 - place], 0)
        values += digit * np.int32(10**place)
    return values.reshape(-1, fields)[:, 1:]


def _slow_row(source: WordFile, row: bytes, line: int, length: int | None) -> list[int]:
    """Parse one row, or raise an error that names its fault; the slow twin of `_fast_block`."""
    fields = row.decode("ascii").split(",")
    if not row.strip():
        source.fail(line, "a blank line between rows; remove it")
    if len(fields) < len(source.header):
        source.fail(
            line, f"{len(fields)} fields, expected {len(source.header)}: the row is cut short"
        )
    word, target = (
        _tokens(source, fields[source.column(name)], line, name) for name in ("input", "target")
    )
    if len(word) != len(target):
        source.fail(line, f"{len(word)} input tokens but {len(target)} target tokens")
    if length is not None and len(word) != length:
        source.fail(
            line, f"a word of length {len(word)}, but line 2 has one of length {length}; a file "
            "holds words of one length"
        )  # fmt: skip
    return word + target


def _tokens(source: WordFile, field: str, line: int, name: str) -> list[int]:
    parts = field.split()
    if not parts:
        source.fail(line, f"the column {name!r} is empty, expected tokens separated by spaces")
    for part in parts:
        if not part.removeprefix("-").isdigit() or len(part) > 18:
            source.fail(line, f"{shown(part)} in column {name!r} is not an integer token")
    return [int(part) for part in parts]


def _check_range(
    source: WordFile, pairs: Integer[np.ndarray, "word twice_length"], order: int
) -> None:
    if pairs.min() < 0 or pairs.max() >= order:
        row, position = np.argwhere((pairs < 0) | (pairs >= order))[0].tolist()
        name = "input" if position < pairs.shape[1] // 2 else "target"
        source.fail(
            row + 2,
            f"token {pairs[row, position]} in column {name!r} is out of range, expected "
            f"0..{order - 1}",
        )


def _check_products(source: WordFile, words: np.ndarray, targets: np.ndarray, group: Group) -> None:
    wrong = group.running_products(words) != targets
    if wrong.any():
        row, position = np.argwhere(wrong)[0].tolist()
        expected = group.running_products(words[row])[position]
        source.fail(
            row + 2,
            f"target {targets[row, position]} at position {position} is not the running product "
            f"{expected} in {group.name}; is the file for another group?",
        )
