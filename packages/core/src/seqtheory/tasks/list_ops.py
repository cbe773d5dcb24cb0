"""ListOps: the value of a nested list operation, read from a long sequence of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from seqtheory.checks import require_flag, require_integer, require_memory
from seqtheory.dataset import Dataset
from seqtheory.listops import VOCABULARY, evaluate, length_distribution
from seqtheory.listops._drawing import draw
from seqtheory.listops._lengths import check_shape, num_expressions

if TYPE_CHECKING:
    from jaxtyping import Integer

_NUM_LABELS = 10
_MOST_DRAWN = 1e8
_PATIENCE = 20


@dataclass(frozen=True)
class ListOps:
    """Classify an expression such as ``[MAX 4 [MIN 2 9 ] 7 ]`` by its value, 0 to 9.

    Parameters
    ----------
    min_length, max_length
        Tokens of an expression: more than `min_length` and fewer than `max_length`.
    max_depth
        Depth at which every node is a digit; the root has depth 1.
    max_arguments
        Largest number of arguments of an operator; each number from 2 on is equally likely.
    num_examples
        Distinct expressions to draw.
    balanced
        Draw equally many expressions of each value, to within one. The published data are not
        balanced: 0 and 9 have about a sixth of the examples each.

    Raises
    ------
    TypeError, ValueError
        If a number is no integer, too small or far too large, if fewer distinct expressions of such
        lengths exist, or if the recipe hits the lengths so seldom that more than 10^8 would have to
        be drawn.

    Notes
    -----
    Tokens are indices into `seqtheory.listops.VOCABULARY`, `vocabulary` of them. Expressions are
    independent draws of the published recipe, without repetitions, so that ``data.split((0.96,
    0.02, 0.02), seed=None)`` makes disjoint training, validation and test sets. A balanced data set
    consists of rounds of ten examples, one of each value, so that parts of it are balanced too.
    With one seed, a smaller data set is the beginning of a larger one.

    References
    ----------
    Y. Tay et al., Long Range Arena, arXiv:2011.04006, section 3.2 and its published generator,
    whose settings are the defaults (96,000 + 2,000 + 2,000 examples). That generator takes no seed,
    so the official files hold other expressions; `seqtheory.listops.read` reads them.

    Examples
    --------
    >>> data = ListOps(min_length=3, max_length=20, num_examples=4).build(seed=0)
    >>> data.inputs.shape, data.mask.sum(axis=1).tolist(), data.targets.tolist()
    ((4, 19), [11, 6, 4, 4], [9, 0, 7, 9])
    >>> from seqtheory.listops import VOCABULARY
    >>> print("inputs  ", *(VOCABULARY[token] for token in data.inputs[1][data.mask[1]]))
    inputs   [MIN 0 8 5 2 ]
    >>> print("target  ", data.targets[1])
    target   0
    """

    min_length: int = 500
    max_length: int = 2000
    max_depth: int = 10
    max_arguments: int = 10
    num_examples: int = 100_000
    balanced: bool = False

    def __post_init__(self) -> None:
        require_integer("min_length", self.min_length, minimum=0)
        check_shape(self.max_length, self.max_depth, self.max_arguments)
        require_integer("num_examples", self.num_examples, minimum=1)
        require_flag("balanced", self.balanced)
        self._check_lengths()

    @property
    def length(self) -> int:
        """Time steps of the inputs: the longest expression allowed."""
        return self.max_length - 1

    @property
    def vocabulary(self) -> int:
        """Number of tokens: ten digits, four operators and the closing bracket."""
        return len(VOCABULARY)

    def build(self, seed: int) -> Dataset:
        """Draw the expressions; the same seed gives the same bytes on every machine.

        Parameters
        ----------
        seed
            Decides the expressions and their order.

        Returns
        -------
        Inputs ``(num_examples, max_length - 1)`` of uint8, with zeros after an expression's end;
        the mask is True within the expression. Targets ``(num_examples,)`` of int64.

        Raises
        ------
        TypeError, ValueError
            If the seed is no integer of at least 0, or a value has too few distinct expressions.
        MemoryError
            If the expressions do not fit this machine.
        """
        require_integer("seed", seed, minimum=0)
        require_memory(
            3 * self.num_examples * self.length,
            f"num_examples={self.num_examples:,} of max_length={self.max_length:,}",
        )
        sample = _Sample(self.num_examples, self.balanced)
        fruitless = 0
        for block in draw(
            self.min_length, self.max_length, self.max_depth, self.max_arguments, seed
        ):
            fruitless = 0 if sample.add(block) else fruitless + len(block)
            if sample.complete:
                break
            if fruitless > _PATIENCE * (self.num_examples + 1000):
                raise ValueError(
                    f"{fruitless:,} expressions in a row brought nothing new: {sample}. Ask for "
                    f"fewer than {self.num_examples:,} examples, or for other lengths."
                )
        rows, labels = sample.in_order()
        return Dataset.padded(rows, labels, length=self.length)

    def _check_lengths(self) -> None:
        exist, chance = _exist_and_chance(
            self.min_length, self.max_length, self.max_depth, self.max_arguments
        )
        lengths = (
            f"more than min_length={self.min_length:,} and fewer than max_length="
            f"{self.max_length:,} tokens"
        )
        if exist < self.num_examples:
            raise ValueError(
                f"num_examples={self.num_examples:,}, but there are {exist:,} distinct expressions "
                f"of {lengths} with max_depth={self.max_depth} and "
                f"max_arguments={self.max_arguments}. Ask for fewer, or for other lengths (a digit "
                "has 1 token, an operator on n digits n + 2)."
            )
        if self.num_examples > _MOST_DRAWN * chance:
            raise ValueError(
                f"only {chance:.1e} of the recipe's expressions have {lengths}, too few to find "
                f"num_examples={self.num_examples:,} of them. Widen the range, or ask for fewer."
            )


class _Sample:
    """Distinct expressions in the order of drawing, up to a number in all or of each value."""

    def __init__(self, num_examples: int, balanced: bool) -> None:
        self.num_examples, self.balanced = num_examples, balanced
        self.each = -(-num_examples // _NUM_LABELS) if balanced else num_examples
        self.seen: set[bytes] = set()
        self.rows: list[bytes] = []
        self.labels: list[int] = []
        self.counts = [0] * _NUM_LABELS

    @property
    def complete(self) -> bool:
        return (min(self.counts) if self.balanced else len(self.rows)) == self.each

    def __str__(self) -> str:
        counts = ", ".join(f"{count:,}" for count in self.counts)
        return f"{len(self.rows):,} are found, of the values 0 to 9 {counts}"

    def add(self, block: list[bytes]) -> bool:
        """Keep new expressions of values still needed; return whether there were any."""
        before = len(self.rows)
        for row in block:
            if row in self.seen or self.complete:
                continue
            self.seen.add(row)
            label = evaluate(row)
            if self.counts[label] < self.each:
                self.counts[label] += 1
                self.rows.append(row)
                self.labels.append(label)
        return len(self.rows) > before

    def in_order(self) -> tuple[list[bytes], Integer[np.ndarray, " row"]]:
        """Expressions and values; if balanced, in rounds that hold each value once."""
        labels = np.array(self.labels)
        if not self.balanced:
            return self.rows, labels
        round_of = np.empty(len(labels), dtype=np.int64)
        for label in range(_NUM_LABELS):
            round_of[labels == label] = np.arange(self.each)
        order = np.argsort(round_of, kind="stable")[: self.num_examples]
        return [self.rows[int(row)] for row in order], labels[order]


@cache
def _exist_and_chance(
    min_length: int, max_length: int, max_depth: int, max_arguments: int
) -> tuple[int, float]:
    """Count the expressions of allowed lengths, and give the recipe's probability of one."""
    exist = num_expressions(min_length, max_length, max_depth, max_arguments)
    chances = length_distribution(max_length, max_depth, max_arguments)
    return exist, float(chances[min_length + 1 :].sum())
