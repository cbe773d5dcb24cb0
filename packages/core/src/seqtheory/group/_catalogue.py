"""Groups by name (S5, A5, Z60, D4, A4_x_Z5), from a table, or from permutations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from math import factorial
from typing import TYPE_CHECKING

import numpy as np

from seqtheory.group._axioms import MAX_ORDER, check_order
from seqtheory.group._permutations import one_line, permutation_table
from seqtheory.group._structure import Group

if TYPE_CHECKING:
    from jaxtyping import Integer

_FACTOR = re.compile(r"([SAZD])([1-9][0-9]{0,8})")
_FORMAT = (
    "a name is S, A, Z or D and a number (S5, A5, Z60, D4 with 8 elements), or a product such as "
    "A4_x_Z5"
)


def group(name: str) -> Group:
    """Build a group from its name.

    Parameters
    ----------
    name
        ``S<n>`` symmetric, ``A<n>`` alternating, ``Z<n>`` cyclic, ``D<n>`` dihedral of order 2n,
        or a direct product of these joined by ``_x_``.

    Returns
    -------
    The group, with its elements in the word-problem order: permutations in lexicographic order of
    their one-line notation (A_n: the even ones); Z_n by exponent; D_n the rotations r^i, then
    r^i s; in a product the first factor is the slowest.

    Raises
    ------
    ValueError
        If there is no such name, or the order is above `MAX_ORDER`.

    References
    ----------
    W. Merrill, J. Petty and A. Sabharwal, The Illusion of State in State-Space Models,
    arXiv:2404.08819; its generator fixes the order of the elements.

    Examples
    --------
    >>> group("A5")
    Group('A5', order=60)
    >>> group("A4_x_Z5").derived_series
    (60, 4, 1)
    """
    factors = [_factor(letter, size) for letter, size in _checked_factors(name)]
    product = reduce(_direct_product, factors)
    return Group(name, product.table, product.elements) if len(factors) > 1 else product


def order_of(name: str) -> int:
    """Order of the group called `name`, without building it; raises the errors of `group`."""
    order = 1
    for letter, size in _checked_factors(name):
        order *= _factor_order(letter, size)
    return order


def from_table(table: Integer[np.ndarray, "order order"], name: str = "table") -> Group:
    """Build a group from its multiplication table, checking every axiom.

    Parameters
    ----------
    table
        ``table[a][b]`` is the number of the element a b, elements numbered from 0. Any element may
        be the identity.
    name
        What error messages call the group.

    Raises
    ------
    TypeError, ValueError
        If it is not a square array of integers, or no group: the message names the failing
        elements.

    Examples
    --------
    >>> from_table(np.array([[0, 1], [1, 0]]), name="signs").is_abelian
    True
    """
    return Group(name, table)


def from_permutations(generators: Sequence[Sequence[int]], name: str = "permutations") -> Group:
    """Build the group that permutations generate.

    Parameters
    ----------
    generators
        Each maps point i to ``generator[i]``; a permutation of 0..degree-1, all of one degree.
    name
        What error messages call the group.

    Returns
    -------
    The group, elements in lexicographic order, named by their one-line notation on 1..degree (as
    word-problem does). The identity is 0, and a b means a after b.

    Raises
    ------
    ValueError
        If a generator is not a permutation, or the group is larger than `MAX_ORDER`.

    Examples
    --------
    >>> from_permutations([(1, 0, 2), (1, 2, 0)]).elements
    ('123', '132', '213', '231', '312', '321')
    """
    elements, table = permutation_table(generators, name, MAX_ORDER)
    return Group(name, table, tuple(one_line(p) for p in elements))


def _checked_factors(name: str) -> list[tuple[str, int]]:
    parts = [_FACTOR.fullmatch(part) for part in str(name).split("_x_")]
    factors = [(part[1], int(part[2])) for part in parts if part is not None]
    if len(factors) < len(parts):
        raise ValueError(f"unknown group {name!r}{_suggestion(name)}; {_FORMAT}.")
    order = 1
    for letter, size in factors:
        order *= _factor_order(letter, size)
        check_order(order, name)
    return factors


def _suggestion(name: str) -> str:
    words: list[str] = re.findall(r"[A-Z]+_?[0-9]+", str(name).upper())
    letters = {"C": "Z", "SYM": "S", "ALT": "A", "DIH": "D", "XS": "S", "XA": "A", "XZ": "Z"}
    guess: list[str] = []
    for word in words:
        letter, size = word.rstrip("0123456789_"), re.sub(r"[^0-9]", "", word)
        guess.append(letters.get(letter, letter) + size.lstrip("0"))
    candidate = "_x_".join(guess)
    known = bool(guess) and all(_FACTOR.fullmatch(part) for part in guess)
    return f" (did you mean {candidate!r}?)" if known else ""


def _factor_order(letter: str, size: int) -> int:
    if letter in "ZD":
        return size if letter == "Z" else 2 * size
    capped = factorial(min(size, 12))  # beyond 12 the exact number would only fill the message
    return capped if letter == "S" or size == 1 else capped // 2


def _factor(letter: str, size: int) -> Group:
    name = f"{letter}{size}"
    if letter == "Z":
        return _cyclic(size, name)
    if letter == "D":
        return _dihedral(size, name)
    points = tuple(range(size))
    if letter == "S":  # a transposition and a full cycle
        swap = (1, 0, *points[2:]) if size > 1 else points
        return from_permutations([swap, (*points[1:], 0)], name)
    three_cycles = [(1, i, *points[2:i], 0, *points[i + 1 :]) for i in points[2:]]
    return from_permutations(three_cycles or [points], name)


def _power(letter: str, exponent: int) -> str:
    return ("e", letter)[exponent] if exponent < 2 else f"{letter}^{exponent}"


def _cyclic(size: int, name: str) -> Group:
    i = np.arange(size)
    return Group(name, (i[:, None] + i) % size, tuple(_power("a", k) for k in range(size)))


def _dihedral(size: int, name: str) -> Group:
    # (r^i s^e)(r^j s^f) = r^(i + (-1)^e j) s^(e + f), because s r = r^-1 s
    flip, turn = np.divmod(np.arange(2 * size), size)
    turns = (turn[:, None] + np.where(flip[:, None] == 1, -turn, turn)) % size
    flips = (flip[:, None] + flip) % 2
    rotations = [_power("r", k) for k in range(size)]
    reflections = ["s", *(f"{r} s" for r in rotations[1:])]
    return Group(name, flips * size + turns, (*rotations, *reflections))


def _direct_product(first: Group, second: Group) -> Group:
    order = first.order * second.order
    pairs = first.table[:, None, :, None] * second.order + second.table[None, :, None, :]
    names = tuple(f"{a}, {b}" for a in first.elements for b in second.elements)
    return Group(f"{first.name}_x_{second.name}", pairs.reshape(order, order), names)
