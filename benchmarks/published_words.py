"""The published generator of word problems, written again from its description.

Elements are known by name, and a product of two of them looks both names up: the arithmetic
that its group library offers. Words are drawn into a set of tuples until the set is full. What
the original does besides, writing a CSV file, is left out.

References: W. Merrill, J. Petty and A. Sabharwal, arXiv:2404.08819.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

Word = tuple[int, ...]


class NamedAlgebra:
    """A finite group whose elements are names."""

    def __init__(self, elements: Sequence[str], table: np.ndarray):
        self.elements = list(elements)
        self.table = table

    def op(self, first: str, second: str) -> str:
        """Product of two elements, by name."""
        row, column = self.elements.index(first), self.elements.index(second)
        return self.elements[self.table[row, column]]


def running_product(algebra: NamedAlgebra, word: Word) -> Word:
    """Product of every prefix of a word of element numbers."""
    product, products = 0, []
    for number in word:
        name = algebra.op(algebra.elements[product], algebra.elements[number])
        product = algebra.elements.index(name)
        products.append(product)
    return tuple(products)


def generate(
    algebra: NamedAlgebra, length: int, num_words: int, rng: random.Random
) -> tuple[list[Word], list[Word]]:
    """Distinct words with their running products."""
    numbers = range(len(algebra.elements))
    words: set[Word] = set()
    while len(words) < num_words:
        words.add(tuple(rng.choices(numbers, k=length)))
    ordered = list(words)
    return ordered, [running_product(algebra, word) for word in ordered]
