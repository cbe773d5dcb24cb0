"""Writing ListOps files in the format of the Long Range Arena."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import numpy as np

from seqtheory.dataset import Dataset
from seqtheory.listops._grammar import curried, evaluate

COLUMNS = ("Source", "Target")


def write(path: str | os.PathLike[str], data: Dataset) -> None:
    r"""Write expressions and their values as a tab-separated file.

    Parameters
    ----------
    path
        File to make or replace; it appears whole or not at all. The header is ``Source`` and
        ``Target``, expressions are curried (see `curried`), lines end in ``\r\n``, as in the
        published files.
    data
        Tokens ``(batch, time)`` with a mask, or without one where all have the same length, and
        values ``(batch,)``: what `seqtheory.tasks.ListOps` builds and `read` gives.

    Raises
    ------
    ValueError
        If a row is no expression, or its target not its value; nothing is written.
    OSError
        If the file cannot be written; a file that stood there before is left as it was.

    Examples
    --------
    >>> import tempfile
    >>> from seqtheory.listops import parse
    >>> file = Path(tempfile.mkdtemp()) / "basic_test.tsv"
    >>> write(file, Dataset.padded([parse("[SM 7 8 ]")], np.array([5])))
    >>> file.read_bytes()
    b'Source\tTarget\r\n( ( ( [SM 7 ) 8 ) ] )\t5\r\n'
    """
    if data.inputs.ndim != 2 or data.targets.ndim != 1:
        raise ValueError(
            f"got inputs of shape {data.inputs.shape} and targets of shape {data.targets.shape}, "
            "expected tokens (batch, time) and values (batch,)."
        )
    file = Path(path)
    draft = file.with_name(f".listops-{secrets.token_hex(8)}.tmp")
    try:
        with draft.open("x", encoding="ascii", newline="") as handle:
            handle.write("\t".join(COLUMNS) + "\r\n")
            handle.writelines(_line(data, row) for row in range(len(data)))
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def _line(data: Dataset, row: int) -> str:
    tokens, target = data.inputs[row], data.targets[row]
    if data.mask is not None:
        tokens = tokens[data.mask[row]]
    try:
        value = evaluate(tokens)
    except ValueError as error:
        raise ValueError(f"row {row} is no expression: {error}.") from None
    if np.any(target != value):
        raise ValueError(f"row {row} has the target {target}, but its expression the value {value}")
    return f"{curried(tokens)}\t{value}\r\n"
