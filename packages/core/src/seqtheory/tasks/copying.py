"""Copying: say a string again, a task of memory alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from seqtheory.checks import MOST_SYMBOLS, require_integer
from seqtheory.group import index_dtype
from seqtheory.tasks._lengths import Sequences

if TYPE_CHECKING:
    from jaxtyping import Bool, Int


@dataclass(frozen=True)
class Copying(Sequences):
    """Read a string, then write it: the k-th sign for recall asks for the k-th symbol.

    Parameters
    ----------
    num_symbols
        Symbols; the token `num_symbols` is the sign for recall.
    min_length, max_length
        Symbols of a string; a sequence is twice as long.

    Notes
    -----
    Only the second half counts. The symbols said are not fed back, so that the state alone has to
    hold what is left. `algebra` is None: no finite automaton copies strings of every length, since
    n symbols have num_symbols^n strings to be told apart, and that is the counterweight to the
    regular tasks, where a state of fixed size is enough.

    References
    ----------
    S. Jelassi et al., Repeat After Me, arXiv:2402.01032, Theorem 2.7. There the answer is fed back.

    Examples
    --------
    >>> data = Copying(3).at_length(3, num_sequences=1).build(seed=0)
    >>> data.inputs.tolist(), data.targets.tolist(), data.scored.tolist()[0][2:4]
    ([[1, 1, 2, 3, 3, 3]], [[0, 0, 0, 1, 1, 2]], [False, True])
    """

    num_symbols: int = 8
    _steps_per_length: ClassVar[int] = 2
    _bytes_per_step: ClassVar[int] = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("num_symbols", self.num_symbols, minimum=2, maximum=MOST_SYMBOLS)

    @property
    def num_tokens(self) -> int:
        """The symbols and the sign for recall."""
        return self.num_symbols + 1

    @property
    def num_classes(self) -> int:
        """The symbols."""
        return self.num_symbols

    @property
    def algebra(self) -> None:
        """None: no finite automaton does this at every length."""
        return

    def _draw(
        self, lengths: Int[np.ndarray, " batch"], rng: np.random.Generator
    ) -> tuple[
        Int[np.ndarray, "batch time"], Int[np.ndarray, "batch time"], Bool[np.ndarray, "batch time"]
    ]:
        shape = (len(lengths), 2 * self.max_length)
        kind = index_dtype(self.num_tokens)
        symbols = rng.integers(0, self.num_symbols, shape, dtype=kind)
        place = np.arange(shape[1]) - lengths[:, None]
        recalled = place >= 0
        targets = np.take_along_axis(symbols, np.maximum(place, 0), axis=1)
        symbols[recalled] = self.num_symbols
        return symbols, targets, recalled
