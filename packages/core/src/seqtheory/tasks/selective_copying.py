"""Selective copying: repeat the symbols of a string and none of the blanks between them."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from seqtheory.checks import MOST_SYMBOLS, require_integer
from seqtheory.group import index_dtype
from seqtheory.tasks._choices import distinct
from seqtheory.tasks._lengths import Sequences

if TYPE_CHECKING:
    from jaxtyping import Bool, Integer


@dataclass(frozen=True)
class SelectiveCopying(Sequences):
    r"""Read symbols scattered among blanks, then write them: the k-th marker asks for the k-th.

    .. math::

        x_{p_k} = s_k, \qquad y_{\text{length} + k} = s_k, \qquad p_1 < \dots < p_K,

    where the K places p are uniform among all choices of K of the positions 0..length - 1, the
    symbols s uniform and independent, and every other input of the first part is a blank.

    Parameters
    ----------
    num_symbols
        Number of symbols; token `num_symbols` is the blank, the next one the marker.
    num_memorised
        Symbols in a sequence, K, at every length.
    min_length, max_length
        Positions of the first part, at least `num_memorised`. A sequence has `num_memorised` tokens
        more: the markers.

    Notes
    -----
    Only targets at the markers are scored, and the symbols already written are not fed back. Where
    the symbols stand differs between sequences, so no fixed delay finds them: a model has to see
    from the token itself whether to keep it. `Copying` at one length, in contrast, is one delay.

    The published setting is 16 symbols to memorise in a length of 4,096 with a vocabulary of 16,
    ``SelectiveCopying().at_length(4096)``. Its generator is not public; here the 16 tokens are 14
    symbols, the blank and the marker, and the length does not count the markers.

    `algebra` is None: for a fixed number of symbols to memorise there is a finite automaton, but it
    has a state for each string of up to that many symbols, far too many to compute with.

    References
    ----------
    A. Gu and T. Dao, Mamba, arXiv:2312.00752, sections 3.1 and 4.1.1 and appendix E.1. L. Jing et
    al., Gated orthogonal recurrent units, Neural Computation 31 (2019), arXiv:1706.02761, where it
    is the denoise task.

    Examples
    --------
    >>> task = SelectiveCopying(num_symbols=4, num_memorised=3)
    >>> data = task.at_length(8, num_sequences=1).build(seed=1)
    >>> for name in ("inputs", "targets", "scored"):
    ...     print(f"{name:8}", *getattr(data, name)[0].astype(int))
    inputs   4 4 4 3 4 3 4 0 5 5 5
    targets  0 0 0 0 0 0 0 0 3 3 0
    scored   0 0 0 0 0 0 0 0 1 1 1
    """

    num_symbols: int = 14
    num_memorised: int = 16
    _: KW_ONLY
    min_length: int = 16
    _bytes_per_step: ClassVar[int] = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("num_symbols", self.num_symbols, minimum=2, maximum=MOST_SYMBOLS)
        require_integer("num_memorised", self.num_memorised, minimum=1, maximum=MOST_SYMBOLS)
        if self.min_length < self.num_memorised:
            raise ValueError(
                f"min_length={self.min_length} has no places for num_memorised="
                f"{self.num_memorised} symbols: it must be at least {self.num_memorised}."
            )

    @property
    def num_tokens(self) -> int:
        """The symbols, the blank and the marker."""
        return self.num_symbols + 2

    @property
    def num_classes(self) -> int:
        """The symbols."""
        return self.num_symbols

    @property
    def algebra(self) -> None:
        """None: the automaton has a state for each string read so far, too many to compute with."""
        return

    @property
    def _steps_behind(self) -> int:
        return self.num_memorised

    def _draw(
        self, lengths: Integer[np.ndarray, " batch"], rng: np.random.Generator
    ) -> tuple[
        Integer[np.ndarray, "batch time"],
        Integer[np.ndarray, "batch time"],
        Bool[np.ndarray, "batch time"],
    ]:
        shape, kind = (
            (len(lengths), self.max_length + self.num_memorised),
            index_dtype(self.num_tokens),
        )
        blank, marker = self.num_symbols, self.num_symbols + 1
        symbols = rng.integers(0, blank, (len(lengths), self.num_memorised), dtype=kind)
        places = np.sort(distinct(lengths, symbols.shape, rng), axis=1)
        rows = np.arange(len(lengths))[:, None]
        answers = lengths[:, None] + np.arange(self.num_memorised)
        inputs = np.full(shape, blank, dtype=kind)
        inputs[rows, places], inputs[rows, answers] = symbols, marker
        targets, scored = np.zeros(shape, dtype=kind), np.zeros(shape, dtype=bool)
        targets[rows, answers], scored[rows, answers] = symbols, True
        return inputs, targets, scored
