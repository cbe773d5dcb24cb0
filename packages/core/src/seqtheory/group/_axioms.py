"""The group axioms, checked on a multiplication table; every failure names its witness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Integer

MAX_ORDER = 5040
"""Largest order of a table that is built (S7; 25 million entries, 100 MB)."""

_BLOCK_ROWS = 256


def check_order(order: int, name: str) -> None:
    """Refuse orders whose table would not fit comfortably in memory.

    Raises
    ------
    ValueError
        If `order` is above `MAX_ORDER`.
    """
    if order > MAX_ORDER:
        raise ValueError(
            f"{name} has {order} elements or more, so its table would have at least {order**2} "
            f"entries; at most order {MAX_ORDER} (S7) is built. Use a smaller group, or the "
            "subgroup that you need through from_permutations(generators)."
        )


def check_axioms(table: Integer[np.ndarray, "order order"], name: str) -> int:
    """Check closure, identity, associativity and inverses, and return the identity.

    Associativity is proven, not sampled: by Light's test it is enough that
    :math:`(x g) y = x (g y)` for all x, y and for each g of a generating set, so the cost is
    O(order^2) per generator, of which a group needs at most log2(order).

    Raises
    ------
    ValueError
        Naming the elements at which the first failing axiom fails.
    """
    _check_closure(table, name)
    identity = _identity(table, name)
    _check_associativity(table, name)
    _check_inverses(table, identity, name)
    return identity


def span(
    table: Integer[np.ndarray, "order order"], members: Integer[np.ndarray, " member"]
) -> tuple[Integer[np.ndarray, " span"], list[int]]:
    """Elements reached from `members` by right multiplication, and the generators that were used.

    In a group this is the generated subgroup. Members that earlier ones already reach are not
    used, so that the list of generators is short.
    """
    reached = np.zeros(len(table), dtype=bool)
    generators: list[int] = []
    for candidate in members.tolist():
        if reached[candidate]:
            continue
        generators.append(candidate)
        reached[candidate] = True
        frontier = np.flatnonzero(reached)
        while frontier.size:
            products = np.zeros(len(table), dtype=bool)
            for generator in generators:
                products[table[frontier, generator]] = True
            frontier = np.flatnonzero(products & ~reached)
            reached[frontier] = True
        if reached.all():
            break
    return np.flatnonzero(reached), generators


def _check_closure(table: Integer[np.ndarray, "order order"], name: str) -> None:
    order = len(table)
    outside = np.argwhere((table < 0) | (table >= order))
    if len(outside):
        a, b = outside[0].tolist()
        raise ValueError(
            f"{name} is not closed: table[{a}, {b}] = {table[a, b]}, expected an element in "
            f"0..{order - 1}. Number the elements from 0."
        )


def _identity(table: Integer[np.ndarray, "order order"], name: str) -> int:
    elements = np.arange(len(table))
    neutral = (table == elements).all(axis=1) & (table == elements[:, None]).all(axis=0)
    if not neutral.any():
        raise ValueError(
            f"{name} has no identity: no element e gives table[e, x] = x = table[x, e] for all x."
        )
    return int(np.argmax(neutral))


def _check_associativity(table: Integer[np.ndarray, "order order"], name: str) -> None:
    _, generators = span(table, np.arange(len(table)))
    for g in generators:
        for start in range(0, len(table), _BLOCK_ROWS):
            rows = slice(start, start + _BLOCK_ROWS)
            left = table[table[rows, g]]  # (x g) y
            right = table[rows][:, table[g]]  # x (g y)
            if not np.array_equal(left, right):
                row, y = np.argwhere(left != right)[0].tolist()
                raise ValueError(
                    f"{name} is not associative: with (a, b, c) = ({start + row}, {g}, {y}), "
                    f"(a b) c = {left[row, y]} but a (b c) = {right[row, y]}."
                )


def _check_inverses(table: Integer[np.ndarray, "order order"], identity: int, name: str) -> None:
    # A one-sided inverse is two-sided once the table is associative with an identity.
    invertible = (table == identity).any(axis=1)
    if not invertible.all():
        element = int(np.argmin(invertible))
        raise ValueError(
            f"{name} is not a group: element {element} has no inverse (the identity {identity} is "
            f"not in row {element} of the table)."
        )
