"""Drawing expressions by the published recipe, many at once, one token at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from seqtheory._array import as_array
from seqtheory.checks import require_memory
from seqtheory.listops._grammar import CLOSE, FIRST_OPERATOR, NUM_DIGITS, OPERATORS
from seqtheory.listops._lengths import OPERATOR_PROBABILITY

if TYPE_CHECKING:
    from jaxtyping import Integer, UInt8

DRAWN_AT_ONCE = 8192
_DIGIT_AND_OPERATOR = 20  # equally likely pairs: the least common multiple of 10 and 4


def draw(
    min_length: int, max_length: int, max_depth: int, max_arguments: int, seed: int
) -> Iterator[list[bytes]]:
    """Draw expressions without end, and keep those with min_length < length < max_length.

    A node above `max_depth` is an operator with probability 1/4, else a digit; an operator is one
    of four and has 2 to `max_arguments` arguments. All choices are uniform.

    Yields
    ------
    The kept ones of each `DRAWN_AT_ONCE` expressions, in the order of drawing.

    Notes
    -----
    A node is one of n equally likely outcomes, n = 80 (max_arguments - 1), picked by 32 bits of the
    raw stream of PCG64, so that they are uniform to n / 2^32. The raw stream of a bit generator,
    unlike the numbers that NumPy's `Generator` makes from it, is equal in every version and on
    every machine.
    Where a bare digit is too short, only trees whose root is an operator are drawn.

    References
    ----------
    Y. Tay et al., Long Range Arena, arXiv:2011.04006, and its published generator.
    """
    bits = np.random.PCG64(np.random.SeedSequence(seed))
    tokens, arguments = _outcomes(max_arguments)
    roots = len(tokens) // 2 if min_length < 1 else int(np.argmin(arguments))
    while True:
        text, lengths = _block(bits, tokens, arguments, roots, max_length, max_depth)
        kept = np.flatnonzero(lengths > min_length)
        rows = np.ascontiguousarray(text[:, kept].T)
        yield [row[:length].tobytes() for row, length in zip(rows, lengths[kept], strict=True)]


def _outcomes(max_arguments: int) -> tuple[UInt8[np.ndarray, " m"], Integer[np.ndarray, " m"]]:
    """Token and number of arguments of each outcome.

    The first n outcomes are equally likely, operators in front. The next n are those of a node at
    the greatest depth, which is always a digit. The last is the end of an operator.
    """
    operators = max_arguments - 1  # one for each number of arguments
    require_memory(6 * 8 * 80 * max_arguments, f"the outcomes of max_arguments={max_arguments:,}")
    kinds = round(operators / OPERATOR_PROBABILITY)
    kind, pair = np.divmod(np.arange(kinds * _DIGIT_AND_OPERATOR), _DIGIT_AND_OPERATOR)
    digits = pair % NUM_DIGITS
    tokens = np.where(kind < operators, FIRST_OPERATOR + pair % len(OPERATORS), digits)
    arguments = np.where(kind < operators, kind + 2, 0)
    return (
        np.concatenate([tokens, digits, [CLOSE]]).astype(np.uint8),
        np.concatenate([arguments, np.zeros(len(pair) + 1, dtype=np.int64)]),
    )


def _block(
    bits: np.random.PCG64,
    tokens: UInt8[np.ndarray, " m"],
    arguments: Integer[np.ndarray, " m"],
    roots: int,
    max_length: int,
    max_depth: int,
) -> tuple[UInt8[np.ndarray, "time tree"], Integer[np.ndarray, " tree"]]:
    """Text and length of the next expressions, whose roots are among the first outcomes.

    The length is 0 where it would be `max_length` or more.
    """
    text = np.empty((max_length - 1, DRAWN_AT_ONCE), dtype=np.uint8)
    lengths = np.zeros(DRAWN_AT_ONCE, dtype=np.int64)
    tree = np.arange(DRAWN_AT_ONCE)  # numbers of the incomplete trees
    level = np.zeros(DRAWN_AT_ONCE, dtype=np.int64)  # how many operators are open
    stride = min(max_depth, max_length) + 1  # a level takes a token at least
    missing = np.zeros(DRAWN_AT_ONCE * stride, dtype=np.int64)  # arguments, by tree and level
    missing[::stride] = 1  # the expression itself
    close = len(tokens) - 1
    for time in range(max_length - 1):
        place = tree * stride + level
        here = missing.take(place)
        closes = here == 0
        outcome = _uniform(bits, len(tree), close // 2 if time else roots)
        outcome += (close // 2) * (level == max_depth - 1)
        outcome[closes] = close
        text[time, tree] = tokens.take(outcome)
        opened = arguments.take(outcome)
        missing[place] = here - ~closes
        missing[place + 1] = opened
        level += (opened > 0).astype(np.int64) - closes
        complete = level == 0
        if complete.any():
            lengths[tree[complete]] = time + 1
            tree, level = tree[~complete], level[~complete]
        if not len(tree):
            break
    return text, lengths


def _uniform(bits: np.random.PCG64, count: int, bound: int) -> Integer[np.ndarray, " count"]:
    """Integers of 0 to bound - 1, each from 32 bits: the integer part of a fraction of `bound`."""
    words = as_array(bits.random_raw((count + 1) // 2))
    halves = words.astype("<u8").view("<u4")[:count].astype(np.uint64)
    return (halves * np.uint64(bound) >> np.uint64(32)).astype(np.int64)
