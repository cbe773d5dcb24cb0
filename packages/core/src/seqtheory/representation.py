"""Orthogonal representations of finite groups: known solutions of their word problems."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from seqtheory._array import as_array
from seqtheory.group import Group, group, index_dtype

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jaxtyping import Bool, Float, Integer

_TOLERANCE = 1e-9
_APART = 1e-6  # eigenvalues, and matrices of different elements


@dataclass(frozen=True, eq=False)
class Representation:
    r"""One orthogonal matrix per group element; products of matrices follow those of elements.

    .. math:: \rho(a)\, \rho(b) = \rho(a b), \qquad \rho(a) \ne \rho(b) \text{ for } a \ne b

    Parameters
    ----------
    group
        The group.
    matrices
        :math:`\rho`, ``(order, dimension, dimension)``, real.

    Raises
    ------
    ValueError
        If shapes do not fit, a matrix is not orthogonal, two are equal, or a product is wrong.

    Notes
    -----
    The linear recurrence :math:`S_k = S_{k-1} \rho(x_k)` solves the word problem exactly, whatever
    the length: the nearest :math:`\rho(g)` to :math:`S_k` is the running product as long as
    rounding has moved :math:`S_k` by less than half of `separation`.

    Examples
    --------
    >>> rotations = representation("A5")
    >>> rotations.dimension, round(rotations.separation, 4)
    (3, 1.6625)
    >>> words = np.array([[7, 31, 59, 2]])
    >>> np.array_equal(rotations.track(words), rotations.group.running_products(words))
    True
    """

    group: Group
    matrices: Float[np.ndarray, "order dimension dimension"]

    def __post_init__(self) -> None:
        matrices = np.array(self.matrices, dtype=np.float64)
        order = self.group.order
        if matrices.ndim != 3 or len(matrices) != order or len({*matrices.shape[1:]}) != 1:
            raise ValueError(
                f"matrices have shape {matrices.shape}, expected ({order}, n, n): one square "
                f"matrix per element of {self.group.name}."
            )
        matrices.flags.writeable = False
        object.__setattr__(self, "matrices", matrices)
        _check_homomorphism(self.group, matrices)
        if order > 1 and self.separation < _TOLERANCE:
            raise ValueError(
                f"two elements of {self.group.name} have the same matrix: the representation is "
                "not faithful, and products cannot be read off it."
            )

    @property
    def dimension(self) -> int:
        """Size of the matrices."""
        return self.matrices.shape[1]

    @property
    def separation(self) -> float:
        """Least Frobenius distance between the matrices of two elements."""
        # |rho(a) - rho(b)| = |rho(0) - rho(0 a^-1 b)|: distances from one element are all.
        flat = self.matrices.reshape(len(self.matrices), -1)
        distances = 2 * self.dimension - 2 * flat[1:] @ flat[0]
        return float(np.sqrt(np.maximum(distances, 0).min(initial=np.inf)))

    def nearest(
        self, states: Float[np.ndarray, "... dimension dimension"]
    ) -> Integer[np.ndarray, ...]:
        """Element whose matrix is nearest to each state."""
        flat = as_array(states).reshape(*states.shape[:-2], -1)
        scores = flat @ self.matrices.reshape(self.group.order, -1).T
        return np.argmax(scores, axis=-1).astype(index_dtype(self.group.order))

    def states(
        self, words: Integer[np.ndarray, "batch length"]
    ) -> Float[np.ndarray, "batch length dimension dimension"]:
        r"""States :math:`S_k = S_{k-1} \rho(x_k)`, :math:`S_0 = I`, in float64."""
        words = as_array(words)
        states = np.empty((*words.shape, self.dimension, self.dimension))
        state = np.eye(self.dimension)
        for k in range(words.shape[1]):
            state = state @ self.matrices[words[:, k]]
            states[:, k] = state
        return states

    def track(
        self, words: Integer[np.ndarray, "batch length"]
    ) -> Integer[np.ndarray, "batch length"]:
        """Multiply words: read the products off the states of the linear recurrence.

        Raises
        ------
        TypeError, ValueError
            If a word holds a number that is no element of the group.
        """
        words = as_array(words)
        if words.dtype.kind not in "iu" or words.ndim != 2:
            raise TypeError(
                f"words have dtype {words.dtype} and shape {words.shape}, expected integers "
                "(batch, length)."
            )
        if words.size and not 0 <= words.min() <= words.max() < self.group.order:
            raise ValueError(
                f"words hold numbers {words.min()}..{words.max()}, expected elements of "
                f"{self.group.name}, 0..{self.group.order - 1}."
            )
        return self.nearest(self.states(words))


def representation(name: str) -> Representation:
    """Represent a named group by orthogonal matrices.

    A5 by the rotations of the icosahedron (three dimensions, the fewest possible), ``Z<n>`` by
    rotations of the plane, every other group by the permutations of its own elements.

    References
    ----------
    J.-P. Serre, Linear Representations of Finite Groups, sections 1.2 and 5.9.
    """
    structure = group(name)
    if name == "A5":
        return _icosahedral(structure)
    if name.startswith("Z") and "_x_" not in name and structure.order > 1:
        return from_generators(
            structure, {1: _rotation(np.array([0.0, 0, 1]), structure.order)[:2, :2]}
        )
    elements = np.arange(structure.order)
    matrices = np.zeros((structure.order,) * 3)
    matrices[elements[:, None], structure.table, elements] = 1.0  # rho(a) e_b = e_ab
    return Representation(structure, matrices)


def smallest(structure: Group) -> Representation:
    """Represent a group by orthogonal matrices of the fewest dimensions.

    Notes
    -----
    The blocks of the matrices are irreducible representations that have no element but the identity
    in common among those that they send to the identity matrix. They are the eigenspaces of a
    symmetric matrix c(x^-1 y), drawn from a fixed seed, which commutes with the permutations
    x -> g x of the group. Takes O(order^3) operations, and more where many blocks are needed.

    Examples
    --------
    >>> from seqtheory.group import group
    >>> [smallest(group(name)).dimension for name in ("Z5", "S3", "A4", "S4", "A5", "A4_x_Z5")]
    [2, 2, 3, 3, 3, 5]
    """
    blocks = _irreducibles(structure)
    sums = [chosen for size in (1, 2, 3) for chosen in combinations(blocks, size)]
    for chosen in sorted(sums, key=lambda chosen: sum(rho.shape[1] for rho in chosen)):
        if np.any([_moves(rho) for rho in chosen], axis=0).sum() == structure.order - 1:
            return Representation(structure, _block_diagonal(chosen, structure.order))
    raise ValueError(
        f"{structure.name} has no faithful sum of at most three irreducible representations; make "
        "a Representation of matrices of your own."
    )


def from_generators(
    structure: Group, images: Mapping[int, Float[np.ndarray, "dimension dimension"]]
) -> Representation:
    """Extend the matrices of generators to the group.

    Parameters
    ----------
    structure
        The group.
    images
        Matrices by element, for elements that generate the group.

    Raises
    ------
    ValueError
        If the elements do not generate the group, or no representation has these matrices.
    """
    dimension = len(next(iter(images.values())))
    matrices = np.full((structure.order, dimension, dimension), np.nan)
    matrices[structure.identity] = np.eye(dimension)
    reached = [structure.identity]
    for element in reached:  # grows while it is walked
        for generator, image in images.items():
            product = int(structure.table[element, generator])
            if np.isnan(matrices[product, 0, 0]):
                matrices[product] = matrices[element] @ image
                reached.append(product)
    if len(reached) < structure.order:
        raise ValueError(
            f"elements {sorted(images)} generate {len(reached)} of the {structure.order} elements "
            f"of {structure.name}; give the matrices of further ones."
        )
    return Representation(structure, matrices)


def _irreducibles(structure: Group) -> list[Float[np.ndarray, "order n n"]]:
    """Orthogonal matrices of irreducible real representations, the least of each kernel."""
    drawn = np.random.default_rng(0).normal(size=structure.order)
    drawn = drawn + drawn[structure.inverses]
    before = structure.table[structure.inverses]  # before[g, x] is g^-1 x
    values, vectors = np.linalg.eigh(drawn[before])
    spaces = np.split(vectors, 1 + np.flatnonzero(np.diff(values) > _APART), axis=1)
    found: dict[bytes, Float[np.ndarray, "order n n"]] = {}
    for space in sorted(spaces, key=lambda space: space.shape[1]):
        rho = np.einsum("xi,gxj->gij", space, space[before])
        found.setdefault(_moves(rho).tobytes(), rho)
    return list(found.values())


def _moves(rho: Float[np.ndarray, "order n n"]) -> Bool[np.ndarray, " order"]:
    """Whether the matrix of each element is another than the identity."""
    return np.abs(rho - np.eye(rho.shape[1])).max((1, 2)) > _APART


def _block_diagonal(
    blocks: Iterable[Float[np.ndarray, "order m m"]], order: int
) -> Float[np.ndarray, "order n n"]:
    matrices = np.zeros((order, 0, 0))
    for block in blocks:
        n, m = matrices.shape[1], block.shape[1]
        larger = np.zeros((order, n + m, n + m))
        larger[:, :n, :n], larger[:, n:, n:] = matrices, block
        matrices = larger
    return matrices


def _icosahedral(structure: Group) -> Representation:
    """Rotations by 72 and 120 degrees about a vertex and a face next to it."""
    golden = (1 + 5**0.5) / 2
    vertex, face = _rotation(np.array([0, 1, golden]), 5), _rotation(np.ones(3), 3)
    orders = structure.element_orders
    turn = _order(vertex @ face)
    fifth = int(np.flatnonzero(orders == 5)[0])  # all are alike, up to an automorphism
    for third in np.flatnonzero(orders == 3).tolist():
        if orders[structure.table[fifth, third]] == turn:
            try:
                return from_generators(structure, {fifth: vertex, third: face})
            except ValueError:
                continue
    raise AssertionError(f"{structure.name} is not the rotation group of the icosahedron")


def _rotation(axis: Float[np.ndarray, " 3"], order: int) -> Float[np.ndarray, "3 3"]:
    """Rotation about an axis by a full turn divided by `order` (Rodrigues)."""
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = 2 * np.pi / order
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _order(matrix: Float[np.ndarray, "n n"]) -> int:
    power, exponent = matrix, 1
    while not np.allclose(power, np.eye(len(matrix))):
        power, exponent = power @ matrix, exponent + 1
    return exponent


def _check_homomorphism(
    structure: Group, matrices: Float[np.ndarray, "order dimension dimension"]
) -> None:
    grams = matrices @ matrices.swapaxes(1, 2)
    if np.abs(grams - np.eye(matrices.shape[1])).max() > _TOLERANCE:
        raise ValueError("a matrix is not orthogonal; states would grow or vanish along a word.")
    for a in range(structure.order):
        error = np.abs(matrices[a] @ matrices - matrices[structure.table[a]]).max()
        if error > _TOLERANCE:
            raise ValueError(
                f"rho({a}) rho(b) is not rho({a} b) for some b (error {error:.1e}): no "
                f"representation of {structure.name}."
            )
