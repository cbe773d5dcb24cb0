r"""Rotations of space as one Householder factor times signs.

A matrix :math:`(I - 2 k k^\top) E` with E a diagonal of signs is a rotation by :math:`\theta` about
the axis n exactly if the rotation is a half turn or n has a coordinate that is zero: E turns the
sign of that coordinate (of all, for a half turn), and what is left, with trace 1 and determinant
-1, is a reflection. The same holds for minus a rotation. So a representation of dimension 3 is
within reach in a basis in which the axes of all letters lie in the coordinate planes.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from seqtheory.group import Group

if TYPE_CHECKING:
    from jaxtyping import Float, Integer

_TOLERANCE = 1e-6


def kernels_in_reach(
    group: Group, letters: Integer[np.ndarray, " letter"]
) -> set[tuple[bool, ...]]:
    """Kernels of the representations of dimension 3 that give every letter such a matrix."""
    return {
        tuple((np.trace(rho, axis1=1, axis2=2) > 3 - _TOLERANCE).tolist())
        for rho in spatial_representations(group)
        if coordinate_frame(axes(rho[letters])) is not None
    }


@lru_cache(maxsize=64)
def spatial_representations(group: Group) -> tuple[Float[np.ndarray, "order 3 3"], ...]:
    r"""Orthogonal matrices of the irreducible representations of dimension 3, one of each kind.

    Notes
    -----
    A symmetric matrix :math:`c(x^{-1} y)`, drawn at random, commutes with all permutations :math:`x
    \mapsto g x` of the group, and almost surely every eigenspace of it is irreducible.
    """
    drawn = np.random.default_rng(0).normal(size=group.order)
    drawn = drawn + drawn[group.inverses]
    values, vectors = np.linalg.eigh(drawn[group.table[group.inverses]])
    found: dict[tuple[float, ...], Float[np.ndarray, "order 3 3"]] = {}
    for space in np.split(vectors, 1 + np.flatnonzero(np.diff(values) > _TOLERANCE), axis=1):
        if space.shape[1] == 3:
            moved = space[group.table[group.inverses]]  # of each g the rows at g^-1 x
            rho = np.einsum("xi,gxj->gij", space, moved)
            character = np.trace(rho, axis1=1, axis2=2)
            found.setdefault(tuple((np.rint(character * 1e3) + 0.0).tolist()), rho)
    return tuple(found.values())


def axes(matrices: Float[np.ndarray, "letter 3 3"]) -> Float[np.ndarray, "axis 3"]:
    """Axes of the rotations up to sign, one of each line, without those of half turns."""
    found: list[Float[np.ndarray, " 3"]] = []
    for matrix in matrices:
        skew = matrix - matrix.T
        axis = np.array([skew[2, 1], skew[0, 2], skew[1, 0]])
        size = np.linalg.norm(axis)
        if size > _TOLERANCE and all(abs(axis @ n) < size - _TOLERANCE for n in found):
            found.append(axis / size)
    return np.array(found).reshape(-1, 3)


def coordinate_frame(lines: Float[np.ndarray, "axis 3"]) -> Float[np.ndarray, "3 3"] | None:
    """Find an orthonormal basis, as rows, whose coordinate planes hold all lines, if there is one.

    Notes
    -----
    Of four lines two lie in one plane, which gives one vector of the basis; a line that is neither
    in that plane nor perpendicular to it gives another. Up to three lines always fit.
    """
    if len(lines) < 2:
        return _frame(lines[0] if len(lines) else np.eye(3)[0], np.zeros(3))
    for one, other in combinations(lines, 2):
        normal = np.cross(one, other)
        normal = normal / np.linalg.norm(normal)
        heights = lines @ normal
        slanted = (np.abs(heights) > _TOLERANCE) & (np.abs(heights) < 1 - _TOLERANCE)
        basis = _frame(normal, lines[np.argmax(slanted)] if slanted.any() else one)
        if np.abs(lines @ basis.T).min(axis=1).max() < _TOLERANCE:
            return basis
    return None


def _frame(
    first: Float[np.ndarray, " 3"], towards: Float[np.ndarray, " 3"]
) -> Float[np.ndarray, "3 3"]:
    """Orthonormal basis that begins with a unit vector, its second vector near another one."""
    rest = [towards, *np.eye(3)]
    basis = [first]
    for vector in rest:
        left = vector - sum((vector @ b) * b for b in basis)
        if len(basis) < 3 and np.linalg.norm(left) > _TOLERANCE:
            basis.append(left / np.linalg.norm(left))
    return np.array(basis)
