"""The batches of each block of steps: rows in order or fresh ones, and how much of them counts."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from seqtheory.dataset import Dataset
from seqtheory.training import Course, FitData, Stream, Training, row_batches
from seqtheory.training._stream import fresh_rows

from .blocks import Batch, Steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jaxtyping import Array, PRNGKeyArray

_AUXILIARY = 1  # the stream of random orders that auxiliary rows take


class Feed:
    """Blocks of steps, in order, from step `start` on.

    Parameters
    ----------
    data, training, course
        Those of the fit.
    key
        Gives each step a key.
    block
        Steps per block.
    """

    def __init__(
        self,
        data: FitData,
        training: Training,
        course: Course,
        key: PRNGKeyArray,
        block: int,
        start: int,
    ) -> None:
        self._data, self._training, self._course = data, training, course
        self._key, self._block = key, block
        self._auxiliary = None if data.auxiliary is None else on_device(data.auxiliary)
        self._orders = [
            row_batches(rows, size, training.seed, stream=stream, start=start, drop_last=True)
            for rows, size, stream in learnt(data, training)
        ]
        self._shown: dict[int, Batch] = {}

    def block(self, start: int, positions: int) -> tuple[Batch, Batch | None, Steps]:
        """Rows for the steps from `start` on, at most `positions` of each word to be learnt."""
        numbers = np.arange(start, start + self._block)
        orders = [self._next(order) for order in self._orders]
        auxiliary_rows = orders.pop() if self._auxiliary is not None else None
        if isinstance(self._data.train, Dataset):
            (rows,), train = orders, self._whole(self._data.train, positions)
        else:
            train, rows = self._fresh(self._data.train, numbers.tolist(), positions)
        steps = Steps(
            rows,
            auxiliary_rows,
            jnp.asarray([self._training.schedule_factor(n) for n in numbers.tolist()]),
            _keys(self._key, numbers),
            self._positions(numbers.tolist(), positions),
        )
        return train, self._auxiliary, steps

    def _whole(self, data: Dataset, positions: int) -> Batch:
        """All rows on the device, sent again when the course cuts them at another place."""
        if positions not in self._shown:
            self._shown = {positions: on_device(self._cut(data, positions))}
        return self._shown[positions]

    def _fresh(self, stream: Stream, numbers: list[int], positions: int) -> tuple[Batch, Array]:
        """Rows of a block's steps, one step after the other, and their numbers."""
        size, seed = self._training.batch_size, self._training.seed
        drawn = joined([fresh_rows(stream, size, seed, number) for number in numbers])
        rows = np.arange(len(drawn), dtype=np.int32).reshape(len(numbers), size)
        return on_device(self._cut(drawn, positions)), jnp.asarray(rows)

    def _cut(self, data: Dataset, positions: int) -> Dataset:
        if positions == self._course.length or not self._course.cuts:
            return data
        return self._course.shown(data, positions)

    def _positions(self, numbers: list[int], positions: int) -> Array | None:
        """Positions that count in each step; None where all that are there do."""
        if self._training.lengths == "whole" and self._course.cuts:
            return None
        drawn = [self._course.drawn(number, positions) for number in numbers]
        return jnp.asarray(np.array(drawn, dtype=np.int32))

    def _next(self, rows: Iterator[np.ndarray]) -> Array:
        return jnp.asarray(np.stack(list(islice(rows, self._block))).astype(np.int32))


def learnt(data: FitData, training: Training) -> list[tuple[int, int, tuple[int, ...]]]:
    """Rows of each data set that is learnt from, those of a step, and its stream of orders.

    A stream has no order: its rows come as they are drawn.
    """
    found: list[tuple[int, int, tuple[int, ...]]] = []
    if isinstance(data.train, Dataset):
        found.append((len(data.train), training.batch_size, ()))
    if data.auxiliary is not None:
        size = training.auxiliary_batch_size or training.batch_size
        found.append((len(data.auxiliary), min(size, len(data.auxiliary)), (_AUXILIARY,)))
    return found


def joined(batches: Sequence[Dataset]) -> Dataset:
    """Rows of several data sets in one; a mask that only some of them need is filled up."""
    inputs, targets = (
        np.concatenate([getattr(batch, name) for batch in batches])
        for name in ("inputs", "targets")
    )
    mask, scored = (
        None
        if all(getattr(batch, name) is None for batch in batches)
        else np.concatenate([_full(batch, name) for batch in batches])
        for name in ("mask", "scored")
    )
    return Dataset(inputs, targets, mask, scored)


def _full(batch: Dataset, name: str) -> np.ndarray:
    held = getattr(batch, name) if name == "mask" else batch.counted
    return np.ones(batch.inputs.shape[:2], dtype=bool) if held is None else held


def on_device(dataset: Dataset) -> Batch:
    """Arrays of a data set as the device holds them."""
    masks = (dataset.mask, dataset.counted)
    mask, counted = (None if m is None else jnp.asarray(m) for m in masks)
    return Batch(jnp.asarray(dataset.inputs), jnp.asarray(dataset.targets), mask, counted)


@jax.jit
def _keys(key: PRNGKeyArray, steps: np.ndarray) -> PRNGKeyArray:
    return jax.vmap(lambda step: jax.random.fold_in(key, step))(steps)
