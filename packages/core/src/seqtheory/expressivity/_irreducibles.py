"""Irreducible representations of a finite group: what their characters determine."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from seqtheory.group import Group

if TYPE_CHECKING:
    from jaxtyping import Bool, Complex, Integer

_TOLERANCE = 1e-6
_DRAWS = 20


@dataclass(frozen=True, eq=False)
class Irreducible:
    """An irreducible representation over the real numbers.

    Parameters
    ----------
    dimension
        Its dimension.
    kernel
        True for the elements that it sends to the identity.
    codimension
        For each element the dimension that it moves, rank(rho(g) - I): the fewest reflections whose
        product is rho(g), where rho is orthogonal.
    """

    dimension: int
    kernel: Bool[np.ndarray, " order"]
    codimension: Integer[np.ndarray, " order"]

    def __repr__(self) -> str:
        """Dimension, and how much of the group is sent to the identity."""
        return (
            f"Irreducible(dimension {self.dimension}: kernel of {int(self.kernel.sum())} in a "
            f"group of order {len(self.kernel)})"
        )


def characters(group: Group) -> Complex[np.ndarray, "irreducible class"]:
    r"""Compute the character table of a group.

    .. math:: \omega_i \omega_j = \sum_k a_{ijk}\, \omega_k, \qquad
        \omega_k = \frac{|C_k|}{\chi(1)}\, \chi(C_k)

    Parameters
    ----------
    group
        The group; its classes are the columns, in the order of `Group.conjugacy_classes`.

    Returns
    -------
    One row per irreducible complex representation, those of small dimension first.

    Raises
    ------
    ArithmeticError
        If rounding makes a dimension uncertain (not observed up to order 720).

    Notes
    -----
    The structure constants a count the ways to write an element of class k as a product of one of
    class i and one of class j. A random combination over i that is Hermitian in suitable units has
    the vectors omega for eigenvectors, and almost surely no eigenvalue twice. O(order classes).

    References
    ----------
    W. Burnside's method; J. D. Dixon, High speed computation of group characters, Numerische
    Mathematik 10 (1967).

    Examples
    --------
    >>> from seqtheory.group import group
    >>> characters(group("S3")).real.round(9).tolist()
    [[1.0, 1.0, 1.0], [1.0, -1.0, 1.0], [2.0, 0.0, -1.0]]
    """
    classes, label = group.conjugacy_classes, _labels(group)
    sizes = np.array([len(members) for members in classes])
    root = np.sqrt(sizes)
    here = int(label[group.identity])
    rng = np.random.default_rng(0)
    for _ in range(_DRAWS):
        matrix = _class_matrix(group, label, rng) * (root / root[:, None])
        vectors = np.linalg.eigh(matrix)[1]
        dimensions = np.sqrt(group.order) * np.abs(vectors[here])
        whole = np.rint(dimensions)
        if np.abs(dimensions - whole).max() < _TOLERANCE and (whole**2).sum() == group.order:
            table = (vectors / root[:, None] / vectors[here] * whole).T
            order = np.lexsort((*np.rint(-table.real.T * 1e6)[::-1], whole))
            return table[order]
    raise ArithmeticError(f"the characters of {group.name} cannot be told apart in float64.")


@lru_cache(maxsize=64)
def real_irreducibles(group: Group) -> tuple[Irreducible, ...]:
    r"""List the irreducible real representations of a group.

    Notes
    -----
    By the indicator :math:`\nu = \frac{1}{|G|} \sum_g \chi(g^2)`: a complex representation is real
    itself (1), or makes a real one of twice its dimension, with its conjugate (0; listed twice) or
    with itself (-1). The dimension of the space that g fixes is the mean of the character over the
    powers of g.

    References
    ----------
    J.-P. Serre, Linear Representations of Finite Groups, sections 2.3 and 13.2.
    """
    label, elements = _labels(group), np.arange(group.order)
    found: list[Irreducible] = []
    for character in characters(group):
        values = character[label]
        indicator = round(float(values[group.table[elements, elements]].real.mean()))
        real = values.real * (1 if indicator == 1 else 2)
        dimension = round(float(real[group.identity]))
        kernel = np.abs(real - dimension) < _TOLERANCE
        fixed = np.rint(_mean_over_powers(group, real)).astype(int)
        found.append(Irreducible(dimension, kernel, dimension - fixed))
    return tuple(found)


def faithful_dimension(group: Group) -> int:
    """Smallest dimension in which a group acts on real vectors, no two elements alike.

    Notes
    -----
    The least total dimension of irreducibles whose kernels have only the identity in common, by
    Dijkstra's search over common kernels. 0 for the trivial group.

    Examples
    --------
    >>> from seqtheory.group import group
    >>> [faithful_dimension(group(name)) for name in ("Z2", "Z60", "A5", "S5", "A4_x_Z5")]
    [1, 2, 3, 4, 5]
    """
    best: dict[bytes, Irreducible] = {}
    for irreducible in sorted(real_irreducibles(group), key=lambda rho: -rho.dimension):
        best[irreducible.kernel.tobytes()] = irreducible  # of one kernel the smallest stays
    queue, done = [(0, np.ones(group.order, dtype=bool).tobytes())], set[bytes]()
    while queue:
        dimension, kernel = heapq.heappop(queue)
        if kernel.count(1) == 1:
            return dimension
        if kernel not in done:
            done.add(kernel)
            common = np.frombuffer(kernel, dtype=bool)
            for rho in best.values():
                heapq.heappush(queue, (dimension + rho.dimension, (common & rho.kernel).tobytes()))
    raise AssertionError(f"the irreducibles of {group.name} have a common kernel")


def separates(group: Group, chosen: list[Irreducible]) -> bool:
    """Whether no element but the identity is in the kernel of all the chosen ones."""
    common = np.ones(group.order, dtype=bool)
    for rho in chosen:
        common &= rho.kernel
    return int(common.sum()) == 1


def _labels(group: Group) -> Integer[np.ndarray, " order"]:
    label = np.empty(group.order, dtype=np.int64)
    for i, members in enumerate(group.conjugacy_classes):
        label[list(members)] = i
    return label


def _class_matrix(
    group: Group, label: Integer[np.ndarray, " order"], rng: np.random.Generator
) -> Complex[np.ndarray, "class class"]:
    """Sum the structure constants over i, with weights that are conjugate for inverse classes."""
    representatives = [members[0] for members in group.conjugacy_classes]
    count = len(representatives)
    weights = rng.normal(size=count) + 1j * rng.normal(size=count)
    weights = weights + weights[label[group.inverses[representatives]]].conj()
    matrix = np.empty((count, count), dtype=np.complex128)
    for k, element in enumerate(representatives):
        second = label[group.table[group.inverses, element]]  # x y = element
        matrix[:, k] = np.bincount(second, weights[label].real, count)
        matrix[:, k] += 1j * np.bincount(second, weights[label].imag, count)
    return matrix


def _mean_over_powers(group: Group, values: np.ndarray) -> np.ndarray:
    elements = np.arange(group.order)
    exponent = int(np.lcm.reduce(group.element_orders))
    total, power = np.zeros(group.order), elements
    for _ in range(exponent):
        total += values[power]
        power = group.table[power, elements]
    return total / exponent
