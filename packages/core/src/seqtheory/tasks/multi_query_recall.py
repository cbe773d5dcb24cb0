"""Multi-query recall: look up the values of keys that were given before."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from seqtheory.checks import (
    MOST_SYMBOLS,
    require_choice,
    require_flag,
    require_fraction,
    require_integer,
)
from seqtheory.group import index_dtype
from seqtheory.plain import added
from seqtheory.tasks._choices import distinct, weighted
from seqtheory.tasks._lengths import Sequences

if TYPE_CHECKING:
    from jaxtyping import Bool, Integer


@dataclass(frozen=True)
class MultiQueryRecall(Sequences):
    r"""Read pairs of key and value, then answer each queried key with its value.

    Parameters
    ----------
    num_pairs
        Pairs at the start of a sequence, the first ``2 * num_pairs`` tokens, with distinct keys.
    num_keys, num_values
        Tokens 0..num_keys - 1 are keys, the next `num_values` tokens are values. Value v is token
        num_keys + v and class v.
    min_length, max_length
        Tokens of a sequence, more than ``2 * num_pairs``. Without gaps all tokens after the pairs
        are queries: keys drawn uniformly from the pairs.
    distinct_values
        Whether no two pairs of a sequence share a value, as in the published data.
    each_once
        Whether a key is queried at most once, as in the published data. Without gaps the queries
        are then in random order, and no sequence is longer than ``3 * num_pairs``.
    gap_power
        Exponent a, in (0, 1], of the power law of the gaps between pairs and queries; 0.01 in the
        published data, 1 for uniform gaps. There are then as many queries as pairs, with filler
        between them, and no sequence is shorter than ``4 * num_pairs``. None: no gaps.
    filler
        What stands where neither pair nor query does, if there are gaps: "random", tokens drawn
        uniformly from the whole vocabulary, keys and values included, as in the published data; or
        "blank", the last token, which has no other use.

    Notes
    -----
    Only queries are scored, at the query itself; the answer is not fed back.

    With gaps, the tokens behind the pairs are read as S = (length - 2 num_pairs) // 2 places of two
    tokens, of which a query takes the first. Places g_1, g_2, ... are drawn one after the other,
    without replacement,

    .. math::

        P(g_j = g) = \frac{(g + 1)^{a - 1}}{\sum_{h \text{ free}} (h + 1)^{a - 1}},
        \qquad g = 0, \dots, S - 1,

    and the query at g_j asks for the key of pair j if `each_once`, otherwise for the key of a pair
    drawn uniformly. So pairs told early tend to be asked early, and most queries stand soon after
    the pairs. The data of the source with vocabulary V, n pairs and length L are those of

    ``MultiQueryRecall(n, V // 2 - 1, V - V // 2, distinct_values=True, each_once=True,``
    ``gap_power=0.01, min_length=L, max_length=L)``

    with other numbers for the tokens: there 0 is the blank, keys are 1..V // 2 - 1, and a model
    chooses its answer among all V tokens instead of among the values.

    `algebra` is None: for fixed numbers of keys, values and pairs there is a finite automaton, but
    it has a state for each table of pairs, far too many to compute with. The task tests the size of
    a model's memory, not its algebra.

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

    With gaps, and blanks (8) between the queries:

    >>> task = MultiQueryRecall(2, 4, 4, each_once=True, gap_power=0.01, filler="blank")
    >>> data = task.at_length(12, num_sequences=1).build(seed=1)
    >>> for name in ("inputs", "targets", "scored"):
    ...     print(f"{name:8}", *getattr(data, name)[0].astype(int))
    inputs   2 7 1 4 8 8 1 8 2 8 8 8
    targets  0 0 0 0 0 0 0 0 3 0 0 0
    scored   0 0 0 0 0 0 1 0 1 0 0 0
    """

    num_pairs: int = 4
    num_keys: int = 16
    num_values: int = 16
    _: KW_ONLY
    min_length: int = 12
    distinct_values: bool = False
    each_once: bool = False
    gap_power: float | None = added(None)
    filler: Literal["random", "blank"] = added("random")
    _bytes_per_step: ClassVar[int] = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_symbols()
        if self.gap_power is not None:
            require_fraction("gap_power", self.gap_power, one=True)
            # with the blank, the tokens still fit 32 bits
            require_integer("num_values", self.num_values, minimum=1, maximum=MOST_SYMBOLS - 1)
        require_choice("filler", self.filler, ("random", "blank"))
        if self.gap_power is None and self.filler != "random":
            raise ValueError(
                f"filler={self.filler!r} stands between queries, but without gaps there is no "
                "place for it: give gap_power, which is 0.01 in the published data."
            )
        self._require_lengths()

    def _require_symbols(self) -> None:
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

    def _require_lengths(self) -> None:
        if self.gap_power is not None and self.min_length < 4 * self.num_pairs:
            raise ValueError(
                f"min_length={self.min_length} has no places for {self.num_pairs} pairs and as "
                f"many queries, two tokens each: it must be at least {4 * self.num_pairs}."
            )
        if self.gap_power is None and self.each_once and self.max_length > 3 * self.num_pairs:
            raise ValueError(
                f"max_length={self.max_length} has more queries than {self.num_pairs} pairs have "
                f"keys to ask once: it must be at most {3 * self.num_pairs}, or give gap_power."
            )
        if self.min_length <= 2 * self.num_pairs:
            raise ValueError(
                f"min_length={self.min_length} leaves no query behind {self.num_pairs} pairs: it "
                f"must be at least {2 * self.num_pairs + 1}."
            )

    @property
    def num_tokens(self) -> int:
        """Keys and values; with gaps, the blank."""
        return self.num_keys + self.num_values + (self.gap_power is not None)

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
        Bool[np.ndarray, "batch time"] | Bool[np.ndarray, " time"],
    ]:
        pairs = (len(lengths), self.num_pairs)
        keys = distinct(self.num_keys, pairs, rng)
        if self.distinct_values:
            values = distinct(self.num_values, pairs, rng)
        else:
            values = rng.integers(0, self.num_values, pairs)
        if self.gap_power is None:
            inputs, targets, scored = self._queries_in_a_row(keys, values, rng)
        else:
            inputs, targets, scored = self._queries_at(
                self._places(lengths, self.gap_power, rng), keys, values, rng
            )
        told = 2 * self.num_pairs
        inputs[:, 0:told:2], inputs[:, 1:told:2] = keys, self.num_keys + values
        return inputs, targets, scored

    def _queries_in_a_row(
        self,
        keys: Integer[np.ndarray, "batch pair"],
        values: Integer[np.ndarray, "batch pair"],
        rng: np.random.Generator,
    ) -> tuple[
        Integer[np.ndarray, "batch time"],
        Integer[np.ndarray, "batch time"],
        Bool[np.ndarray, " time"],
    ]:
        shape, told = (len(keys), self.max_length), 2 * self.num_pairs
        queries = (shape[0], shape[1] - told)
        if self.each_once:
            asked = distinct(self.num_pairs, queries, rng)
        else:
            asked = rng.integers(0, self.num_pairs, queries)
        inputs = np.empty(shape, dtype=index_dtype(self.num_tokens))
        inputs[:, told:] = np.take_along_axis(keys, asked, axis=1)
        targets = np.zeros(shape, dtype=index_dtype(self.num_values))
        targets[:, told:] = np.take_along_axis(values, asked, axis=1)
        return inputs, targets, np.arange(shape[1]) >= told

    def _places(
        self, lengths: Integer[np.ndarray, " batch"], power: float, rng: np.random.Generator
    ) -> Integer[np.ndarray, "batch pair"]:
        told = 2 * self.num_pairs
        weights = np.arange(1.0, (self.max_length - told) // 2 + 1) ** (power - 1)
        return told + 2 * weighted(weights, (lengths - told) // 2, self.num_pairs, rng)

    def _queries_at(
        self,
        places: Integer[np.ndarray, "batch pair"],
        keys: Integer[np.ndarray, "batch pair"],
        values: Integer[np.ndarray, "batch pair"],
        rng: np.random.Generator,
    ) -> tuple[
        Integer[np.ndarray, "batch time"],
        Integer[np.ndarray, "batch time"],
        Bool[np.ndarray, "batch time"],
    ]:
        shape, kind = (len(keys), self.max_length), index_dtype(self.num_tokens)
        if not self.each_once:
            asked = rng.integers(0, self.num_pairs, keys.shape)
            keys, values = (np.take_along_axis(x, asked, axis=1) for x in (keys, values))
        if self.filler == "random":
            inputs = rng.integers(0, self.num_tokens, shape, dtype=kind)
        else:
            inputs = np.full(shape, self.num_tokens - 1, dtype=kind)
        targets, scored = np.zeros(shape, dtype=index_dtype(self.num_values)), np.zeros(shape, bool)
        rows = np.arange(len(keys))[:, None]
        inputs[rows, places], targets[rows, places], scored[rows, places] = keys, values, True
        return inputs, targets, scored
