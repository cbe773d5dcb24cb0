"""A data set in memory: inputs, targets and two masks, split and batched in NumPy alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from seqtheory._array import as_array
from seqtheory.checks import require_integer, require_memory

if TYPE_CHECKING:
    from jaxtyping import Bool, Integer, Shaped

Seed = int | tuple[int, ...]

# One stream per purpose, so that a split and the batches of one seed are not the same permutation.
_SPLIT, _BATCHES = 1, 2
_BLOCK_ROWS = 8192


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples along the first axis of every array.

    Parameters
    ----------
    inputs
        ``(batch, ...)``; for sequences ``(batch, time, channel)`` or tokens ``(batch, time)``.
    targets
        ``(batch, ...)``.
    mask
        Boolean ``(batch, time)``, True where an input exists, with the padding at the end of each
        row; None where all do. A model is given it.
    scored
        Boolean ``(batch, time)``, True where a target counts in losses and scores, for targets
        with the time axis of the inputs; a subset of `mask`. None where every input has a target
        that counts. No model sees it.

    Raises
    ------
    TypeError
        If an array is neither numbers nor booleans, or a mask is not boolean.
    ValueError
        If first axes differ, there are no rows, a mask does not fit the inputs or the targets, a
        target counts where no input exists, or a value is NaN or infinite; the message names the
        first bad index.

    Notes
    -----
    The arrays are read-only views of those given, not copies: whoever made them must not write
    to them afterwards.

    Examples
    --------
    >>> data = Dataset(np.arange(10).reshape(5, 2), np.arange(5))
    >>> train, test = data.split((0.8, 0.2), seed=None)
    >>> len(train), test.targets.tolist()
    (4, [4])
    """

    inputs: Shaped[np.ndarray, "batch ..."]
    targets: Shaped[np.ndarray, "batch ..."]
    mask: Bool[np.ndarray, "batch time"] | None = None
    scored: Bool[np.ndarray, "batch time"] | None = None

    def __post_init__(self) -> None:
        for name in ("inputs", "targets", "mask", "scored"):
            array = getattr(self, name)
            if array is not None:
                object.__setattr__(self, name, _checked_array(array, name))
        if len(self.targets) != len(self.inputs):
            raise ValueError(
                f"{len(self.inputs)} inputs but {len(self.targets)} targets: the first axes must "
                "agree, one row per example."
            )
        for name in ("mask", "scored"):
            if getattr(self, name) is not None:
                self._check_mask(name, getattr(self, name))
        if self.scored is not None:
            self._check_scored(self.scored)

    @property
    def counted(self) -> Bool[np.ndarray, "batch time"] | None:
        """Where targets count: `scored` if given, else `mask`; None if every target counts.

        Targets without the time axis of the inputs, such as one class per row, all count.
        """
        if self.scored is not None:
            return self.scored
        if self.mask is None or self.targets.shape[:2] != self.mask.shape:
            return None
        return self.mask

    @classmethod
    def padded(
        cls,
        rows: Sequence[bytes],
        targets: Shaped[np.ndarray, "batch ..."],
        length: int | None = None,
    ) -> Dataset:
        """Tokens of rows of different lengths, padded with zeros that the mask hides.

        Parameters
        ----------
        rows
            One byte for each token.
        targets
            ``(batch, ...)``.
        length
            Time steps of all rows; None takes the length of the longest row.

        Returns
        -------
        Inputs ``(batch, length)`` of uint8 and a mask that is True where a row has a token.

        Raises
        ------
        ValueError
            If a row is empty or longer than `length`, or there are no rows.

        Examples
        --------
        >>> data = Dataset.padded([bytes([3, 1]), bytes([4])], np.array([0, 1]))
        >>> data.inputs.tolist(), data.mask.tolist()
        ([[3, 1], [4, 0]], [[True, True], [True, False]])
        """
        sizes = np.array([len(row) for row in rows], dtype=np.int64)
        most = int(sizes.max(initial=0)) if length is None else length
        wrong = np.flatnonzero((sizes == 0) | (sizes > most))
        if len(wrong):
            raise ValueError(
                f"row {wrong[0]} has {sizes[wrong[0]]} tokens, expected 1 to {most}. Drop it, cut "
                "it, or give a greater length."
            )
        require_memory(len(rows) * most * 2 + 8 * most, f"{len(rows):,} rows of length={most:,}")
        mask = np.arange(most) < sizes[:, None]
        inputs = np.zeros(mask.shape, dtype=np.uint8)
        inputs[mask] = np.frombuffer(b"".join(rows), dtype=np.uint8)
        return cls(inputs, targets, mask)

    def __len__(self) -> int:
        return len(self.inputs)

    def split(self, fractions: Sequence[float], seed: Seed | None) -> tuple[Dataset, ...]:
        """Cut into disjoint parts.

        Parameters
        ----------
        fractions
            Share of each part, in (0, 1], with a sum of at most 1; rows left over belong to none.
        seed
            Shuffles the rows first; with None the first part holds the first rows.

        Returns
        -------
        One data set per fraction. Without a seed they share memory with this one.

        Raises
        ------
        ValueError
            If a fraction is not in (0, 1], their sum exceeds 1, or a part would be empty.
        """
        shares = as_array(fractions, dtype=np.float64)
        if shares.ndim != 1 or not len(shares) or not (shares > 0).all() or shares.sum() > 1 + 1e-9:
            raise ValueError(
                f"got fractions {fractions!r}, expected positive numbers that sum to at "
                "most 1, such as (0.8, 0.2)."
            )
        edges = [0, *np.rint(np.cumsum(shares) * len(self)).astype(int).tolist()]
        parts = list(pairwise(edges))
        for share, (start, stop) in zip(shares.tolist(), parts, strict=True):
            if start == stop:
                raise ValueError(
                    f"fraction {share} of {len(self)} rows is an empty part; use more rows or a "
                    "larger fraction."
                )
        if seed is None:
            return tuple(self.take(slice(start, stop)) for start, stop in parts)
        order = _permutation(len(self), seed, _SPLIT)
        return tuple(self.take(order[start:stop]) for start, stop in parts)

    def batches(self, batch_size: int, seed: Seed | None) -> Iterator[Dataset]:
        """Iterate over one epoch.

        Parameters
        ----------
        batch_size
            Rows per batch; the last batch holds what is left and may be shorter.
        seed
            Decides the order of the rows, from the seed and the number of rows alone; pass
            ``(seed, epoch)`` for another order in each epoch. None keeps the order.

        Raises
        ------
        TypeError, ValueError
            If `batch_size` is no integer of at least 1, or the seed holds a number that is no
            integer of at least 0.
        """
        require_integer("batch_size", batch_size, minimum=1)
        order = None if seed is None else _permutation(len(self), seed, _BATCHES)
        starts = range(0, len(self), batch_size)
        spans = (slice(start, start + batch_size) for start in starts)
        return (self.take(rows if order is None else order[rows]) for rows in spans)

    def take(self, rows: slice | Integer[np.ndarray, " row"]) -> Dataset:
        """Give the examples of these numbers, in their order."""
        mask, scored = (None if m is None else m[rows] for m in (self.mask, self.scored))
        return Dataset(self.inputs[rows], self.targets[rows], mask, scored)

    def _check_mask(self, name: str, mask: np.ndarray) -> None:
        if mask.dtype != np.bool_:
            raise TypeError(
                f"the {name} has dtype {mask.dtype}, expected bool; convert it with {name} != 0."
            )
        if mask.ndim != 2 or mask.shape != self.inputs.shape[:2]:
            raise ValueError(
                f"the {name} has shape {mask.shape}, expected the (batch, time) "
                f"{self.inputs.shape[:2]} of the inputs."
            )

    def _check_scored(self, scored: np.ndarray) -> None:
        if self.targets.shape[:2] != scored.shape:
            raise ValueError(
                f"the targets have shape {self.targets.shape} but scored {scored.shape}: it says "
                "where targets count along time, so they need that axis. Leave it out."
            )
        if self.mask is not None and (wrong := scored & ~self.mask).any():
            row, position = np.argwhere(wrong)[0].tolist()
            raise ValueError(
                f"scored[{row}, {position}] is True where the mask is False: a target cannot count "
                "where no input exists. Use scored & mask."
            )


def _checked_array(array: object, name: str) -> np.ndarray:
    try:
        checked = as_array(array)
    except ValueError as error:
        raise ValueError(
            f"{name} is no array ({error}); pad rows of different lengths and pass a mask."
        ) from error
    if checked.dtype.kind not in "biufc":
        raise TypeError(f"{name} has dtype {checked.dtype}, expected numbers.")
    if checked.ndim == 0 or len(checked) == 0:
        raise ValueError(
            f"{name} has shape {checked.shape}, expected (batch, ...) with at least one row."
        )
    if checked.dtype.kind in "fc":
        _check_finite(checked, name)
    view = checked.view()
    view.flags.writeable = False
    return view


def _check_finite(array: np.ndarray, name: str) -> None:
    for start in range(0, len(array), _BLOCK_ROWS):
        finite = np.isfinite(array[start : start + _BLOCK_ROWS])
        if not finite.all():
            row, *rest = np.argwhere(~finite)[0].tolist()
            where = (start + row, *rest)
            raise ValueError(
                f"{name}[{', '.join(map(str, where))}] is {array[where]}; every value must be "
                "finite. Drop or mend that row first."
            )


def _permutation(count: int, seed: Seed, stream: int) -> Integer[np.ndarray, " row"]:
    entropy = seed if isinstance(seed, tuple) else (seed,)
    if not entropy:
        raise ValueError("got the seed (), expected at least one number in it, or None.")
    for part in entropy:
        require_integer("seed", part, minimum=0)
    return np.random.default_rng((stream, *entropy)).permutation(count)
