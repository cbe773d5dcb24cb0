"""Multi-query recall: look up the values of keys that were given before."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from seqtheory.checks import MOST_SYMBOLS, require_flag, require_integer
from seqtheory.group import index_dtype
from seqtheory.tasks._lengths import Sequences

if TYPE_CHECKING:
    from jaxtyping import Bool, Integer


@dataclass(frozen=True)
class MultiQueryRecall(Sequences):
    """Read pairs of key and value, then answer each queried key with its value.

    Parameters
    ----------
    num_pairs
        Pairs at the start of a sequence, the first ``2 * num_pairs`` tokens, with distinct keys.
    num_keys, num_values
        Tokens 0..num_keys - 1 are keys, the next `num_values` tokens are values. Value v is token
        num_keys + v and class v.
    min_length, max_length
        Tokens of a sequence, more than ``2 * num_pairs``. All tokens after the pairs are queries:
        keys drawn uniformly from the pairs.
    distinct_values
        Whether no two pairs of a sequence share a value, as in the published data.
    each_once
        Whether a key is queried at most once, as in the published data. The queries are then in
        random order, and no sequence is longer than ``3 * num_pairs``.

    Notes
    -----
    Only queries are scored. `algebra` is None: for fixed numbers of keys, values and pairs there is
    a finite automaton, but it has a state for each table of pairs, far too many to compute with.
    The task tests the size of a model's memory, not its algebra.

    In the source, queries lie among blank tokens, with gaps drawn from a power law. Here they
    follow one another directly.

    References
    ----------
    S. Arora et al., Zoology, arXiv:2312.04927, section 4.

    Examples
    --------
    >>> task = MultiQueryRecall(num_pairs=2, num_keys=4, num_values=4)
    >>> data = task.at_length(8, num_sequences=1).build(seed=1)
    >>> for name in ("inputs", "targets", "scored"):
    ...     print(f"{name:8}", *getattr(data, name)[0].astype(int))
    inputs   2 7 1 4 2 1 1 2
    targets  0 0 0 0 3 0 0 3
    scored   0 0 0 0 1 1 1 1
    """

    num_pairs: int = 4
    num_keys: int = 16
    num_values: int = 16
    _: KW_ONLY
    min_length: int = 12
    distinct_values: bool = False
    each_once: bool = False
    _bytes_per_step: ClassVar[int] = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("num_pairs", "num_keys", "num_values"):
            require_integer(name, getattr(self, name), minimum=1, maximum=MOST_SYMBOLS)
        if self.num_pairs > self.num_keys:
            raise ValueError(
                f"num_pairs={self.num_pairs} need as many distinct keys, but num_keys="
                f"{self.num_keys}. Raise num_keys."
            )
        for name in ("distinct_values", "each_once"):
            require_flag(name, getattr(self, name))
        if self.distinct_values and self.num_pairs > self.num_values:
            raise ValueError(
                f"num_pairs={self.num_pairs} need as many distinct values, but num_values="
                f"{self.num_values}. Raise num_values."
            )
        if self.each_once and self.max_length > 3 * self.num_pairs:
            raise ValueError(
                f"max_length={self.max_length} has more queries than {self.num_pairs} pairs have "
                f"keys to ask once: it must be at most {3 * self.num_pairs}."
            )
        if self.min_length <= 2 * self.num_pairs:
            raise ValueError(
                f"min_length={self.min_length} leaves no query behind {self.num_pairs} pairs: it "
                f"must be at least {2 * self.num_pairs + 1}."
            )

    @property
    def num_tokens(self) -> int:
        """Keys and values."""
        return self.num_keys + self.num_values

    @property
    def num_classes(self) -> int:
        """Values."""
        return self.num_values

    @property
    def algebra(self) -> None:
        """None: the automaton has a state for each table of pairs, too many to compute with."""
        return

    def _draw(
        self, lengths: Integer[np.ndarray, " batch"], rng: np.random.Generator
    ) -> tuple[
        Integer[np.ndarray, "batch time"],
        Integer[np.ndarray, "batch time"],
        Bool[np.ndarray, " time"],
    ]:
        shape = (len(lengths), self.max_length)
        told = 2 * self.num_pairs
        keys = _distinct(self.num_keys, (len(lengths), self.num_pairs), rng)
        if self.distinct_values:
            values = _distinct(self.num_values, keys.shape, rng)
        else:
            values = rng.integers(0, self.num_values, keys.shape)
        queries = (shape[0], shape[1] - told)
        if self.each_once:
            asked = _distinct(self.num_pairs, queries, rng)
        else:
            asked = rng.integers(0, self.num_pairs, queries)
        inputs = np.empty(shape, dtype=index_dtype(self.num_tokens))
        inputs[:, 0:told:2], inputs[:, 1:told:2] = keys, self.num_keys + values
        inputs[:, told:] = np.take_along_axis(keys, asked, axis=1)
        targets = np.zeros(shape, dtype=index_dtype(self.num_values))
        targets[:, told:] = np.take_along_axis(values, asked, axis=1)
        return inputs, targets, np.arange(shape[1]) >= told


def _distinct(
    count: int, shape: tuple[int, int], rng: np.random.Generator
) -> Integer[np.ndarray, "batch pair"]:
    """Distinct numbers below `count` in each row; all ordered choices equally likely (Floyd)."""
    rows, chosen = shape
    numbers = np.empty(shape, dtype=np.int64)
    for i, top in enumerate(range(count - chosen, count)):
        draw = rng.integers(0, top + 1, rows)
        taken = (numbers[:, :i] == draw[:, None]).any(axis=1)
        numbers[:, i] = np.where(taken, top, draw)
    return rng.permuted(numbers, axis=1)
