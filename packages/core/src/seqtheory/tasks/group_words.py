"""The word problem of a finite group: at every letter, the product of the word so far."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from seqtheory.automaton import Algebra, Automaton, algebra_of, group_algebra
from seqtheory.automaton._automaton import checked_letters
from seqtheory.checks import require_flag, require_integer, require_memory
from seqtheory.dataset import Dataset
from seqtheory.group import MAX_ORDER, Group, group, index_dtype, order_of
from seqtheory.plain import added

if TYPE_CHECKING:
    from jaxtyping import Integer, UInt64

_BLOCK_WORDS = 16_384


@dataclass(frozen=True)
class GroupWords:
    r"""Distinct words over a group, labelled with their running products.

    .. math:: y_k = x_1 x_2 \cdots x_k

    Parameters
    ----------
    group
        Name of the group.
    length
        Letters per word.
    num_words
        Distinct words to draw, uniformly. If there are no more words than this of that length, all
        of them are listed, once each, in lexicographic order.
    letters
        ``"elements"``: the letters are all elements, in order. ``"swaps"``: the permutations of a
        symmetric group that move at most two points, the identity first. A tuple gives the elements
        that the letters stand for.
    tokens_per_letter
        Each letter is followed by ``tokens_per_letter - 1`` blank tokens, and only the last
        position of each letter is scored. A model then has `tokens_per_letter` steps per letter.
    distinct
        False draws every letter independently: words may repeat, and `num_words` come even where
        there are fewer.

    Raises
    ------
    TypeError, ValueError
        If there is no such group or letter, or a number is no integer of at least 1.

    Notes
    -----
    Inputs are numbers of letters, targets are numbers of elements; with ``letters="elements"`` both
    numberings agree. A word is a number in base `num_letters`, cut into limbs of 64 bits. Limbs are
    drawn uniformly, which makes the letters uniform and independent. Sorting the limbs then shows
    which words repeat, and only those are drawn again. Nothing is hashed, so all words are proven
    distinct. Drawn words come in random order, listed words in lexicographic order.

    References
    ----------
    W. Merrill, J. Petty and A. Sabharwal, The Illusion of State in State-Space Models,
    arXiv:2404.08819. Its files of length 2 and 3 list all words; the longer ones hold a million.
    R. Grazzi et al., arXiv:2411.12537, section 5.2, for swaps alone and four tokens per letter.

    Examples
    --------
    Sums modulo 3:

    >>> data = GroupWords(group="Z3", length=5, num_words=2).build(seed=0)
    >>> for name in ("inputs", "targets"):
    ...     print(f"{name:8}", *getattr(data, name)[0])
    inputs   2 1 1 2 2
    targets  2 0 1 0 2

    Transpositions of three points, the letters 0 to 3, each followed by two blank tokens, 4:

    >>> task = GroupWords("S3", length=3, num_words=1, letters="swaps", tokens_per_letter=3)
    >>> data = task.build(seed=0)
    >>> for name in ("inputs", "targets", "scored"):
    ...     print(f"{name:8}", *getattr(data, name)[0].astype(int))
    inputs   3 4 4 1 4 4 2 4 4
    targets  0 0 5 0 0 4 0 0 1
    scored   0 0 1 0 0 1 0 0 1
    """

    group: str = "A5"
    length: int = 20
    num_words: int = 1_000_000
    letters: tuple[int, ...] | str = "elements"
    tokens_per_letter: int = 1
    distinct: bool = added(True)

    def __post_init__(self) -> None:
        order_of(self.group)
        require_integer("length", self.length, minimum=1)
        require_integer("num_words", self.num_words, minimum=1)
        require_integer("tokens_per_letter", self.tokens_per_letter, minimum=1)
        require_flag("distinct", self.distinct)
        if self.letters != "elements":
            self._letters()

    @property
    def num_letters(self) -> int:
        """Number of letters."""
        return order_of(self.group) if self.letters == "elements" else len(self._letters())

    @property
    def num_tokens(self) -> int:
        """The letters, and the blank token if there is one."""
        return self.num_letters + (self.tokens_per_letter > 1)

    @property
    def num_classes(self) -> int:
        """The elements of the group."""
        return order_of(self.group)

    @property
    def num_sequences(self) -> int:
        """Words in the data set: `num_words`, or all distinct ones if these are fewer."""
        if not self.distinct:
            return self.num_words
        return min(self.num_words, _num_words(self.num_letters, self.length))

    @property
    def algebra(self) -> Algebra:
        """The group that the letters generate, or the monoid of letters and blanks.

        Raises
        ------
        ValueError
            If several tokens per letter make a monoid above `seqtheory.group.MAX_ORDER`.
        """
        letters = None if self.letters == "elements" else tuple(self._letters())
        return _algebra(self.group, letters, self.tokens_per_letter)

    def auxiliary(self) -> GroupWords:
        """All words of length 2, the set that upstream mixes into training."""
        return replace(self, length=2, num_words=self.num_letters**2, distinct=True)

    def at_length(self, length: int, num_sequences: int | None = None) -> GroupWords:
        """Set another length, to test on; `num_sequences` None keeps the number of words."""
        count = self.num_words if num_sequences is None else num_sequences
        return replace(self, length=length, num_words=count)

    def with_rows(self, rows: int) -> GroupWords:
        """Set the number of words, drawn independently of each other."""
        return replace(self, num_words=rows, distinct=False)

    def build(self, seed: int) -> Dataset:
        """Draw or list the words and multiply them.

        Parameters
        ----------
        seed
            Decides the words and their order; unused where all words are listed.

        Returns
        -------
        Inputs and targets, both ``(num_words, length * tokens_per_letter)`` of small integers. A
        row of targets holds the products of the prefixes of one word. With several tokens per
        letter, `scored` is True at the last token of each letter.

        Raises
        ------
        TypeError, ValueError
            If the seed is not a non-negative integer.
        MemoryError
            If the words do not fit this machine.
        """
        require_integer("seed", seed, minimum=0)
        structure = _group(self.group)
        num_letters, steps = self.num_letters, self.length * self.tokens_per_letter
        spread = self.tokens_per_letter > 1
        step_bytes = 2 * index_dtype(structure.order).itemsize + spread
        count = self.num_sequences
        require_memory(
            count * (steps * step_bytes + 64),
            f"num_words={count:,} of length={self.length:,}"
            + (f" with tokens_per_letter={self.tokens_per_letter:,}" if spread else ""),
        )
        rng = np.random.default_rng(seed)
        if self.distinct:
            words = _decode(self._limbs(num_letters, rng), num_letters, self.length)
        else:
            shape = (count, self.length)
            words = rng.integers(0, num_letters, shape, dtype=index_dtype(num_letters))
        elements = words if self.letters == "elements" else self._elements(words)
        return self._spread(words, structure.running_products(elements))

    def _letters(self) -> list[int]:
        if self.letters == "elements":
            return list(range(order_of(self.group)))
        if self.letters == "swaps":
            return _swaps(group(self.group))
        if isinstance(self.letters, str):
            raise ValueError(
                f"letters={self.letters!r}: expected 'elements', 'swaps', or a tuple of elements."
            )
        return checked_letters(group(self.group), self.letters)

    def _elements(
        self, words: Integer[np.ndarray, "word length"]
    ) -> Integer[np.ndarray, "word length"]:
        return np.array(self._letters(), dtype=index_dtype(order_of(self.group)))[words]

    def _spread(
        self,
        words: Integer[np.ndarray, "word length"],
        products: Integer[np.ndarray, "word length"],
    ) -> Dataset:
        """Put blank tokens after each letter, if `tokens_per_letter` is above 1."""
        if self.tokens_per_letter == 1:
            return Dataset(words, products)
        shape = (*words.shape, self.tokens_per_letter)
        inputs = np.full(shape, self.num_letters, dtype=index_dtype(self.num_tokens))
        targets, scored = np.zeros(shape, dtype=products.dtype), np.zeros(shape, dtype=bool)
        inputs[..., 0], targets[..., -1], scored[..., -1] = words, products, True
        rows = len(words)
        return Dataset(
            inputs.reshape(rows, -1), targets.reshape(rows, -1), scored=scored.reshape(rows, -1)
        )

    def _limbs(self, order: int, rng: np.random.Generator) -> UInt64[np.ndarray, "word limb"]:
        total = _num_words(order, self.length)
        if total <= self.num_words:
            return np.arange(total, dtype=np.uint64)[:, None]
        if total < 2 * self.num_words:  # at least half of all words: rejection would draw too often
            return rng.permutation(total)[: self.num_words, None].astype(np.uint64)
        bounds = [np.uint64(order**digits) for digits in _limb_digits(order, self.length)]
        limbs = _draw(rng, bounds, self.num_words)
        while (repeated := _repeated(limbs)).any():
            fresh = _draw(rng, bounds, int(repeated.sum()))
            limbs = np.concatenate([limbs[~repeated], fresh])
        return limbs


_group = lru_cache(maxsize=1)(group)  # a stream of words asks for one group at every step


@lru_cache(maxsize=32)
def _algebra(name: str, letters: tuple[int, ...] | None, tokens: int) -> Algebra:
    structure = group(name)
    if tokens == 1:
        return group_algebra(structure, letters)
    chosen = range(structure.order) if letters is None else letters
    if (least := len({*chosen}) * tokens) > MAX_ORDER:  # each letter, and so many tokens after it
        raise ValueError(
            f"tokens_per_letter={tokens:,} of {len(chosen)} letters make {least:,} maps or more; "
            f"at most {MAX_ORDER} are closed. Take fewer tokens, letters or a smaller group."
        )
    return algebra_of(_spelt(structure, [*chosen], tokens))


def _spelt(structure: Group, letters: list[int], tokens: int) -> Automaton:
    """Multiply letters of several tokens each: states are (element, tokens of the last letter).

    A token at the wrong place leads to an absorbing last state, which the data never reach.
    """
    order, dead = structure.order, structure.order * tokens
    table = np.full((dead + 1, len(letters) + 1), dead)
    table[:dead:tokens, :-1] = structure.table[:, letters] * tokens + 1
    for place in range(1, tokens):
        table[place:dead:tokens, -1] = np.arange(order) * tokens + (place + 1) % tokens
    outputs = np.full(dead + 1, order)
    outputs[:dead:tokens] = np.arange(order)
    return Automaton(
        tuple(tuple(row) for row in table.tolist()),
        tuple(outputs.tolist()),
        structure.identity * tokens,
    )


def _swaps(structure: Group) -> list[int]:
    """Elements of a symmetric group that move at most two points, in order."""
    if not structure.name.startswith("S") or "_x_" in structure.name:
        raise ValueError(
            f"letters='swaps' needs a symmetric group such as S5, but the group is "
            f"{structure.name!r}. Give a tuple of its elements instead."
        )
    points = structure.elements[0]
    moved = [sum(a != b for a, b in zip(points, p, strict=True)) for p in structure.elements]
    return [i for i, count in enumerate(moved) if count <= 2]


def _num_words(order: int, length: int) -> int:
    """Words of this length, or of 64 letters if it is longer: exact where all can be listed."""
    return order ** min(length, 64)


def _limb_digits(order: int, length: int) -> list[int]:
    """Count the tokens of each limb: as many as 64 bits hold, and the rest in the last."""
    if order == 1:
        return [length]
    most = 1
    while order ** (most + 1) < 2**64:
        most += 1
    whole, rest = divmod(length, most)
    return [most] * whole + [rest] * (rest > 0)


def _draw(
    rng: np.random.Generator, bounds: list[np.uint64], count: int
) -> UInt64[np.ndarray, "word limb"]:
    limbs = np.empty((count, len(bounds)), dtype=np.uint64)
    for i, bound in enumerate(bounds):
        limbs[:, i] = rng.integers(0, bound, size=count, dtype=np.uint64)
    return limbs


def _repeated(limbs: UInt64[np.ndarray, "word limb"]) -> np.ndarray:
    """Rows equal to an earlier row; exact, and one sort where the first limbs already differ."""
    leading = np.sort(limbs[:, 0])
    repeated = np.zeros(len(limbs), dtype=bool)
    if (leading[1:] != leading[:-1]).all():
        return repeated
    order = np.lexsort(limbs.T[::-1])  # stable: of equal rows the earliest comes first
    ranked = limbs[order]
    repeated[order[1:]] = (ranked[1:] == ranked[:-1]).all(axis=1)
    return repeated


def _decode(
    limbs: UInt64[np.ndarray, "word limb"], order: int, length: int
) -> Integer[np.ndarray, "word length"]:
    """Tokens of each word, the first token most significant."""
    words = np.empty((len(limbs), length), dtype=index_dtype(order))
    base = np.uint64(order)
    for start in range(0, len(limbs), _BLOCK_WORDS):
        block = limbs[start : start + _BLOCK_WORDS]
        columns = np.empty((length, len(block)), dtype=words.dtype)
        stop = 0
        for limb, digits in enumerate(_limb_digits(order, length)):
            value, stop = block[:, limb], stop + digits
            for position in range(stop - 1, stop - digits - 1, -1):
                quotient = value // base
                columns[position] = value - quotient * base
                value = quotient
        words[start : start + _BLOCK_WORDS] = columns.T
    return words
