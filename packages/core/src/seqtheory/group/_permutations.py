"""The group that permutations generate: its elements and its multiplication table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqtheory._array import as_array

if TYPE_CHECKING:
    from jaxtyping import Integer

Permutation = tuple[int, ...]


def permutation_table(
    generators: Sequence[Sequence[int]], name: str, max_order: int
) -> tuple[list[Permutation], Integer[np.ndarray, "order order"]]:
    """Elements in lexicographic order, and the table of their products (right factor first)."""
    checked = [_checked(generator, name) for generator in generators]
    if not checked:
        raise ValueError(f"{name} got no generators; pass at least one permutation of 0..degree-1.")
    degrees = sorted({len(generator) for generator in checked})
    if len(degrees) > 1:
        raise ValueError(
            f"the generators of {name} act on {degrees} points; give all of them the same degree."
        )
    elements = _closure(checked, name, max_order)
    return elements, _table(elements, checked)


def one_line(permutation: Permutation) -> str:
    """One-line notation on 1..degree: ``(1, 0, 2)`` is ``213``; spaced beyond nine points."""
    return ("" if len(permutation) < 10 else " ").join(str(i + 1) for i in permutation)


def _checked(generator: Sequence[int], name: str) -> Permutation:
    points = as_array(generator)
    if points.ndim != 1 or sorted(points.tolist()) != list(range(len(points))) or not len(points):
        raise ValueError(
            f"generator {tuple(generator)!r} of {name} is not a permutation of 0..degree-1: entry "
            "i is the image of point i, and points are counted from 0."
        )
    return tuple(int(i) for i in points.tolist())


def _after(first: Permutation, second: Permutation) -> Permutation:
    return tuple(first[i] for i in second)


def _closure(generators: list[Permutation], name: str, max_order: int) -> list[Permutation]:
    identity = tuple(range(len(generators[0])))
    seen, frontier = {identity}, [identity]
    while frontier:
        reached = {_after(p, g) for p in frontier for g in generators} - seen
        seen |= reached
        frontier = list(reached)
        if len(seen) > max_order:
            raise ValueError(
                f"{name} has more than {max_order} elements, and a table for so many is not "
                "built. Use generators of a smaller subgroup."
            )
    return sorted(seen)


def _table(
    elements: list[Permutation], generators: list[Permutation]
) -> Integer[np.ndarray, "order order"]:
    # x (y g) = (x y) g: each column follows from an earlier one by one known permutation of the
    # elements, so only the products with the generators are ever looked up.
    index = {element: i for i, element in enumerate(elements)}
    right = [np.array([index[_after(p, g)] for p in elements]) for g in generators]
    columns = np.empty((len(elements), len(elements)), dtype=np.int32)
    columns[0] = np.arange(len(elements))
    known, queue = {0}, [0]
    for y in queue:  # grows while it is walked: a breadth-first search from the identity
        for step in right:
            z = int(step[y])
            if z not in known:
                columns[z] = step[columns[y]]
                known.add(z)
                queue.append(z)
    return np.ascontiguousarray(columns.T)
