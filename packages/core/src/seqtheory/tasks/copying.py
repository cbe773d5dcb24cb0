"""Copying: repeat a string, a task of memory alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from seqtheory.checks import MOST_SYMBOLS, require_integer
from seqtheory.group import index_dtype
from seqtheory.tasks._lengths import Sequences

if TYPE_CHECKING:
    from jaxtyping import Bool, Integer


@dataclass(frozen=True)
class Copying(Sequences):
    """Read a string, then write it: the target at the k-th recall token is the k-th symbol.

    Parameters
    ----------
    num_symbols
        Number of symbols; the token `num_symbols` is the recall token.
    min_length, max_length
        Symbols per string; a sequence has twice as many tokens.

    Notes
    -----
    Only targets of the second half are scored. The symbols already written are not fed back, so the
    state alone has to hold the rest of the string. `algebra` is None: no finite automaton copies
    strings of every length, since num_symbols^n strings of n symbols must be told apart. For
    regular tasks, in contrast, a state of fixed size is enough.

    References
    ----------
    S. Jelassi et al., Repeat After Me, arXiv:2402.01032, Theorem 2.7. There the answer is fed back.

    Examples
    --------
    >>> data = Copying(num_symbols=3).at_length(4, num_sequences=1).build(seed=0)
    >>> for name in ("inputs", "targets", "scored"):
    ...     print(f"{name:8}", *getattr(data, name)[0].astype(int))
    inputs   1 1 2 2 3 3 3 3
    targets  0 0 0 0 1 1 2 2
    scored   0 0 0 0 1 1 1 1
    """

    num_symbols: int = 8
    _steps_per_length: ClassVar[int] = 2
    _bytes_per_step: ClassVar[int] = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("num_symbols", self.num_symbols, minimum=2, maximum=MOST_SYMBOLS)

    @property
    def num_tokens(self) -> int:
        """The symbols and the recall token."""
        return self.num_symbols + 1

    @property
    def num_classes(self) -> int:
        """The symbols."""
        return self.num_symbols

    @property
    def algebra(self) -> None:
        """None: no finite automaton copies strings of every length."""
        return

    def _draw(
        self, lengths: Integer[np.ndarray, " batch"], rng: np.random.Generator
    ) -> tuple[
        Integer[np.ndarray, "batch time"],
        Integer[np.ndarray, "batch time"],
        Bool[np.ndarray, "batch time"],
    ]:
        shape = (len(lengths), 2 * self.max_length)
        kind = index_dtype(self.num_tokens)
        symbols = rng.integers(0, self.num_symbols, shape, dtype=kind)
        place = np.arange(shape[1]) - lengths[:, None]
        recalled = place >= 0
        targets = np.take_along_axis(symbols, np.maximum(place, 0), axis=1)
        symbols[recalled] = self.num_symbols
        return symbols, targets, recalled
