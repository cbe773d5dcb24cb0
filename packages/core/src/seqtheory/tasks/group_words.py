"""The word problem of a finite group: tokens in, product of the prefix out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seqtheory._memory_guard import require_memory
from seqtheory._settings import require_integer
from seqtheory.dataset import Dataset
from seqtheory.group import group, index_dtype, order_of

if TYPE_CHECKING:
    from jaxtyping import Int, UInt64

_BLOCK_WORDS = 16_384


@dataclass(frozen=True)
class GroupWords:
    r"""Distinct words over a group, labelled with their running products.

    .. math:: y_k = x_1 x_2 \cdots x_k

    Parameters
    ----------
    group
        Name of the group: its elements are the tokens.
    length
        Tokens per word.
    num_words
        Distinct words to draw, uniformly. Where the group has no more words of that length, all
        of them are listed, once each, in lexicographic order.

    Raises
    ------
    TypeError, ValueError
        If there is no such group, or a number is no integer of at least 1.

    Notes
    -----
    A word is read as a number in base `order`, cut into limbs of 64 bits. Limbs are drawn
    uniformly, which makes the tokens uniform and independent; sorting the limbs then shows either
    that all words differ or which ones repeat, and only those are drawn again. Nothing is hashed,
    so distinctness is proven. Words drawn come in random order, words listed do not.

    References
    ----------
    W. Merrill, J. Petty and A. Sabharwal, The Illusion of State in State-Space Models,
    arXiv:2404.08819. Its files of length 2 and 3 list all words; the longer ones hold a million.

    Examples
    --------
    >>> data = GroupWords(group="Z3", length=2).build(seed=0)
    >>> len(data), data.inputs[5].tolist(), data.targets[5].tolist()
    (9, [1, 2], [1, 0])
    """

    group: str = "A5"
    length: int = 20
    num_words: int = 1_000_000

    def __post_init__(self) -> None:
        order_of(self.group)
        require_integer("length", self.length, minimum=1)
        require_integer("num_words", self.num_words, minimum=1)

    def auxiliary(self) -> GroupWords:
        """All words of length 2, the set that upstream mixes into training."""
        return GroupWords(self.group, length=2, num_words=order_of(self.group) ** 2)

    def build(self, seed: int) -> Dataset:
        """Draw or list the words and multiply them.

        Parameters
        ----------
        seed
            Decides the words and their order; unused where all words are listed.

        Returns
        -------
        Data set of inputs and targets, both ``(num_words, length)`` of dtype
        `index_dtype(order)`. The product of one word is one row of targets.

        Raises
        ------
        TypeError, ValueError
            If the seed is not a non-negative integer.
        MemoryError
            If so many words do not fit this machine.
        """
        require_integer("seed", seed, minimum=0)
        structure = group(self.group)
        token_bytes = 2 * self.length * index_dtype(structure.order).itemsize
        count = min(self.num_words, _num_words(structure.order, self.length))
        require_memory(count * (token_bytes + 64), f"{count:,} words of length {self.length}")
        limbs = self._limbs(structure.order, np.random.default_rng(seed))
        words = _decode(limbs, structure.order, self.length)
        return Dataset(words, structure.running_products(words))

    def _limbs(self, order: int, rng: np.random.Generator) -> UInt64[np.ndarray, "word limb"]:
        total = _num_words(order, self.length)
        if total <= self.num_words:
            return np.arange(total, dtype=np.uint64)[:, None]
        if total < 2 * self.num_words:  # nearly all words: rejection would draw in vain
            return rng.permutation(total)[: self.num_words, None].astype(np.uint64)
        bounds = [np.uint64(order**digits) for digits in _limb_digits(order, self.length)]
        limbs = _draw(rng, bounds, self.num_words)
        while (repeated := _repeated(limbs)).any():
            fresh = _draw(rng, bounds, int(repeated.sum()))
            limbs = np.concatenate([limbs[~repeated], fresh])
        return limbs


def _num_words(order: int, length: int) -> int:
    """Words of this length, or of 64 letters if it is longer: exact where all can be listed."""
    return order ** min(length, 64)


def _limb_digits(order: int, length: int) -> list[int]:
    """How many tokens each limb holds, the first ones as many as 64 bits allow."""
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
) -> Int[np.ndarray, "word length"]:
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
