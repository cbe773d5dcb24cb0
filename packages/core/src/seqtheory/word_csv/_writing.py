"""Writing word files, equal byte for byte to those of the word-problem generator."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seqtheory._array import as_array

if TYPE_CHECKING:
    from jaxtyping import Integer, UInt8

HEADER = b"seed,input,target\n"
MAX_TOKEN = 999_999

_BLOCK_TOKENS = 1_000_000


def write(
    path: str | os.PathLike[str],
    words: Integer[np.ndarray, "word length"],
    targets: Integer[np.ndarray, "word length"],
    seed: int,
) -> None:
    """Write words and targets as a word-problem CSV.

    Parameters
    ----------
    path
        File to make or replace. It appears whole or not at all: the rows go to a temporary file
        in the same folder first, which takes its place at the end.
    words, targets
        Tokens in 0..999999, both of shape ``(word, length)``, with at least one word and one
        letter.
    seed
        Number in the first column of each row.

    Raises
    ------
    TypeError, ValueError
        If the arrays are no such tokens, or the seed is no integer; nothing is written.
    OSError
        If the folder is missing or cannot be written, or the disk is full; a file that stood
        there before is left as it was.

    Notes
    -----
    About a second for a million words of length 20. The published generator did not fix the order
    of the words in its longer files; for equal words in equal order, the files agree byte for byte.

    Examples
    --------
    >>> import tempfile
    >>> from seqtheory.tasks import GroupWords
    >>> file = Path(tempfile.mkdtemp()) / "Z2=2.csv"
    >>> data = GroupWords("Z2", length=2).build(seed=0)
    >>> write(file, data.inputs, data.targets, seed=7)
    >>> print(file.read_text().splitlines()[-1])
    7,1 1,1 0
    """
    words, targets = _checked_tokens(words, "words"), _checked_tokens(targets, "targets")
    if words.shape != targets.shape:
        raise ValueError(
            f"words have shape {words.shape} but targets {targets.shape}: each token has a target."
        )
    blocks = _rows(words, targets, f"{index(seed)},".encode())
    file = Path(path)
    draft = file.with_name(f".words-{secrets.token_hex(8)}.tmp")
    try:
        with draft.open("xb") as handle:
            handle.write(HEADER)
            handle.writelines(blocks)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def _checked_tokens(tokens: Integer[np.ndarray, "word length"], name: str) -> np.ndarray:
    tokens = as_array(tokens)
    if tokens.dtype.kind not in "iu":
        raise TypeError(f"{name} have dtype {tokens.dtype}, expected integer tokens.")
    if tokens.ndim != 2 or tokens.size == 0:
        raise ValueError(
            f"{name} have shape {tokens.shape}, expected (word, length), neither of them 0."
        )
    if tokens.min() < 0 or tokens.max() > MAX_TOKEN:
        row, position = np.argwhere((tokens < 0) | (tokens > MAX_TOKEN))[0].tolist()
        raise ValueError(
            f"{name}[{row}, {position}] = {tokens[row, position]}, expected 0..{MAX_TOKEN}."
        )
    return tokens


def _rows(words: np.ndarray, targets: np.ndarray, prefix: bytes) -> Iterator[bytes]:
    """Rows as text. Every token has a cell of one width; the padding is deleted at the end."""
    length = words.shape[1]
    cells = _cells(int(max(words.max(), targets.max())))
    width = cells.shape[1]
    step = max(1, _BLOCK_TOKENS // length)
    for start in range(0, len(words), step):
        block = slice(start, start + step)
        pair = np.concatenate([words[block], targets[block]], axis=1)
        text = cells[pair.astype(np.intp)]
        text[:, length - 1, width - 1] = ord(",")
        text[:, -1, width - 1] = ord("\n")
        rows = np.empty((len(pair), len(prefix) + 2 * length * width), dtype=np.uint8)
        rows[:, : len(prefix)] = np.frombuffer(prefix, dtype=np.uint8)
        rows[:, len(prefix) :] = text.reshape(len(pair), -1)
        yield rows.tobytes().translate(None, b"\0")


def _cells(largest: int) -> UInt8[np.ndarray, "token width"]:
    """Text of each token: digits, NUL padding in front, a space behind."""
    width = len(str(largest)) + 1
    text = b"".join(f"{token} ".encode().rjust(width, b"\0") for token in range(largest + 1))
    return np.frombuffer(text, dtype=np.uint8).reshape(largest + 1, width)
