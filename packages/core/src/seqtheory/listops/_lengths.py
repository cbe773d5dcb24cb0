"""The lengths of the expressions of the published recipe, and the number of expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqtheory.checks import require_integer
from seqtheory.listops._grammar import NUM_DIGITS, OPERATORS

if TYPE_CHECKING:
    from jaxtyping import Float

OPERATOR_PROBABILITY = 0.25
MOST_COUNTED = 2**53
"""Numbers of expressions are exact below this bound; larger ones are given as the bound."""

_MOST_ARGUMENTS = 2**25  # the outcomes of a draw are told apart by 32 bits
_MOST_STEPS = 1e10


def length_distribution(
    max_length: int, max_depth: int = 10, max_arguments: int = 10
) -> Float[np.ndarray, " length"]:
    r"""Probability of each length of an expression in the published recipe, before any selection.

    With :math:`P_d(x) = \sum_L p_d(L)\,x^L` for a subtree whose root has depth d,

    .. math:: P_D(x) = x, \qquad
              P_d(x) = \tfrac34 x + \tfrac14 \frac{x^2}{A - 1} \sum_{k=2}^{A} P_{d+1}(x)^k,

    D being the greatest depth and A the largest number of arguments.

    Parameters
    ----------
    max_length
        Lengths 0 to max_length - 1 are computed; at least 2.
    max_depth
        Depth at which every node is a digit; the root has depth 1.
    max_arguments
        Largest number of arguments of an operator, at least 2.

    Returns
    -------
    ``(max_length,)``; entry L is the probability of L tokens. The sum falls short of 1 by the
    probability of longer expressions.

    Notes
    -----
    O(max_depth max_arguments max_length^2): a fraction of a second at the published settings.

    Examples
    --------
    >>> chance = length_distribution(2000)
    >>> float(chance[1]), round(float(chance[501:].sum()), 3)
    (0.75, 0.083)
    """
    check_shape(max_length, max_depth, max_arguments)
    split = OPERATOR_PROBABILITY / (max_arguments - 1)
    leaf = 1 - OPERATOR_PROBABILITY
    return _series(max_length, max_depth, max_arguments, leaf, 1.0, split)


def num_expressions(min_length: int, max_length: int, max_depth: int, max_arguments: int) -> int:
    """Count the expressions with min_length < length < max_length; at most `MOST_COUNTED`."""
    counts = _series(
        max_length, max_depth, max_arguments, NUM_DIGITS, NUM_DIGITS, len(OPERATORS), MOST_COUNTED
    )
    return int(min(counts[min_length + 1 :].sum(), MOST_COUNTED))


def check_shape(max_length: int, max_depth: int, max_arguments: int) -> None:
    """Raise unless the numbers describe trees whose lengths are counted within a minute."""
    require_integer("max_length", max_length, minimum=2)
    require_integer("max_depth", max_depth, minimum=1)
    require_integer("max_arguments", max_arguments, minimum=2, maximum=_MOST_ARGUMENTS)
    if max_depth * max_arguments * max_length**2 > _MOST_STEPS:
        raise ValueError(
            f"max_length={max_length:,} with max_depth={max_depth} and max_arguments="
            f"{max_arguments} is beyond what can be counted: their product, the length squared, "
            f"must be at most {_MOST_STEPS:.0e}. Make one of them smaller."
        )


def _series(
    size: int,
    max_depth: int,
    max_arguments: int,
    leaf: float,
    deepest: float,
    operator: float,
    most: float = np.inf,
) -> Float[np.ndarray, " length"]:
    """Sum of the weights of all trees of each length below `size`, cut off at `most`."""
    tree = np.array([0.0, deepest])
    for _ in range(max_depth - 1):
        shallower = tree
        power, arguments = tree, np.zeros(1)
        for _ in range(2, max_arguments + 1):
            power = np.minimum(np.convolve(power, tree)[:size], most)
            if not power.any():  # so many arguments are too long
                break
            arguments = _sum(arguments, power)
        tree = np.minimum(_sum(operator * arguments, np.zeros(1)), most)
        tree = np.concatenate([[0.0, 0.0], tree])[:size]  # an operator and its ]
        tree[1] = leaf
        if np.array_equal(tree, shallower):  # deeper trees are too long
            break
    return _sum(tree, np.zeros(size))[:size]


def _sum(a: Float[np.ndarray, " i"], b: Float[np.ndarray, " j"]) -> Float[np.ndarray, " k"]:
    """Sum of two series of different lengths."""
    out = np.zeros(max(len(a), len(b)))
    out[: len(a)] += a
    out[: len(b)] += b
    return out
