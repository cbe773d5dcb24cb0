"""The order in which a training takes its rows, a function of the seed and the step alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from seqtheory.checks import require_integer
from seqtheory.dataset import Dataset

if TYPE_CHECKING:
    from jaxtyping import Integer


def row_batches(
    num_rows: int,
    batch_size: int,
    seed: int,
    *,
    stream: tuple[int, ...] = (),
    start: int = 0,
    drop_last: bool = False,
) -> Iterator[Integer[np.ndarray, " row"]]:
    """Row numbers of batch after batch, epoch after epoch, without end.

    Epoch e holds the rows of ``Dataset.batches(batch_size, (seed, e, *stream))``.

    Parameters
    ----------
    num_rows
        Rows of the data set.
    batch_size
        Rows per batch.
    seed, stream
        Decide the order; with one seed, each `stream` gives another order.
    start
        Number of batches to skip: those that a resumed training has already taken.
    drop_last
        Leave out the batch at the end of an epoch if it is short.

    Raises
    ------
    TypeError, ValueError
        If a number is no integer or too small, or `drop_last` would leave nothing.

    Examples
    --------
    >>> batches = row_batches(3, 2, seed=0)
    >>> [len(next(batches)) for _ in range(4)]
    [2, 1, 2, 1]
    """
    require_integer("num_rows", num_rows, minimum=1)
    require_integer("batch_size", batch_size, minimum=1)
    require_integer("start", start, minimum=0)
    per_epoch = num_rows // batch_size if drop_last else -(-num_rows // batch_size)
    if per_epoch == 0:
        raise ValueError(
            f"batch_size={batch_size} is more than the {num_rows} rows there are, and short "
            "batches are dropped: nothing would be left. Use smaller batches."
        )
    return _batches(num_rows, batch_size, seed, stream, *divmod(start, per_epoch), per_epoch)


def _batches(
    num_rows: int,
    batch_size: int,
    seed: int,
    stream: tuple[int, ...],
    epoch: int,
    position: int,
    per_epoch: int,
) -> Iterator[Integer[np.ndarray, " row"]]:
    numbers = np.arange(num_rows)
    rows = Dataset(numbers, numbers)
    for e in count(epoch):
        (whole,) = rows.batches(num_rows, (seed, e, *stream))
        for i in range(position if e == epoch else 0, per_epoch):
            yield whole.inputs[i * batch_size : (i + 1) * batch_size]
