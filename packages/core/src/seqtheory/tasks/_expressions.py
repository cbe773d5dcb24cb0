"""Random expressions with brackets, drawn and evaluated for a whole batch at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqtheory.group import index_dtype

if TYPE_CHECKING:
    from jaxtyping import Integer

_SHORTEST = 5  # tokens of the shortest expression with an operator, such as (1+2)

Level = tuple[
    "Integer[np.ndarray, ' node']", "Integer[np.ndarray, ' inner']", "Integer[np.ndarray, ' inner']"
]


def bracketed(
    lengths: Integer[np.ndarray, " batch"], modulus: int, operators: str, rng: np.random.Generator
) -> tuple[Integer[np.ndarray, "batch time"], Integer[np.ndarray, " batch"]]:
    """Draw expressions of the given numbers of tokens, and give their values modulo `modulus`.

    An expression of 1 to 4 tokens is d, -d, (d) or (-d) with a uniform digit; a longer one is
    ``(left op right)`` with a uniform operator and a uniform length of the left part.

    Notes
    -----
    Trees are grown from all roots together, one level at a time, and evaluated on the way back.
    """
    minus, opening = modulus + operators.index("-"), modulus + len(operators)
    tokens = np.zeros((len(lengths), lengths.max()), dtype=index_dtype(opening + 2))
    row, start, size = np.arange(len(lengths)), np.zeros_like(lengths), lengths
    levels: list[Level] = []
    while len(row):
        inner = np.flatnonzero(size >= _SHORTEST)
        opened = np.flatnonzero(size >= 3)
        tokens[row[opened], start[opened]] = opening
        tokens[row[opened], (start + size - 1)[opened]] = opening + 1
        values = _leaves(tokens, (row, start, size), modulus, minus, rng)
        row, start, size = row[inner], start[inner], size[inner]
        left = rng.integers(1, size - 3)
        operator = rng.integers(0, len(operators), len(row))
        tokens[row, start + 1 + left] = modulus + operator
        levels.append((values, inner, operator))
        row = np.concatenate([row, row])
        start = np.concatenate([start + 1, start + 2 + left])
        size = np.concatenate([left, size - 3 - left])
    return tokens, _evaluate(levels, operators, modulus)


def combine(
    left: Integer[np.ndarray, " node"], right: Integer[np.ndarray, " node"], sign: str, modulus: int
) -> Integer[np.ndarray, " node"]:
    """Add, subtract or multiply left and right, modulo `modulus`."""
    if sign == "*":
        return left * right % modulus
    return (left + right if sign == "+" else left - right) % modulus


def _leaves(
    tokens: Integer[np.ndarray, "batch time"],
    nodes: tuple[np.ndarray, np.ndarray, np.ndarray],
    modulus: int,
    minus: int,
    rng: np.random.Generator,
) -> Integer[np.ndarray, " node"]:
    """Write the short expressions, and give their values; 0 for the others."""
    row, start, size = nodes
    leaf = size < _SHORTEST
    digits = rng.integers(0, modulus, len(row))
    negated = leaf & (size % 2 == 0)
    place = start + (size >= 3)
    tokens[row[negated], place[negated]] = minus
    tokens[row[leaf], (place + negated)[leaf]] = digits[leaf]
    return np.where(leaf, np.where(negated, -digits % modulus, digits), 0)


def _evaluate(levels: list[Level], operators: str, modulus: int) -> Integer[np.ndarray, " batch"]:
    below = np.zeros(0, dtype=np.int64)
    for values, inner, operator in reversed(levels):
        left, right = below[: len(inner)], below[len(inner) :]
        for i, sign in enumerate(operators):
            chosen = operator == i
            values[inner[chosen]] = combine(left[chosen], right[chosen], sign, modulus)
        below = values
    return below
