"""How far learned transitions are from a representation of the group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import linalg  # pyright: ignore[reportMissingTypeStubs]

from seqtheory.checks import require_memory
from seqtheory.diagnostics._arrays import as_elements, as_transitions

if TYPE_CHECKING:
    from jaxtyping import Float, Integer

    from seqtheory.representation import Representation

_SAME = 1e-6  # matrices and eigenvalues of representations are equal up to rounding, or far apart


@dataclass(frozen=True, eq=False)
class Intertwiner:
    r"""The linear map of the state that follows one irreducible representation best.

    Attributes
    ----------
    part
        :math:`\rho`, ``(order, d, d)``, irreducible over the real numbers and orthogonal.
    reading
        T, ``(d, n)``, of Frobenius norm :math:`\sqrt d`.
    residual
        Root mean square over the tokens of :math:`|T M(a) - \rho(a)^T T|_F / |T|_F`.
    kernel
        Elements that the representation sends to the identity, ``(element,)``.
    """

    part: Float[np.ndarray, "order d d"]
    reading: Float[np.ndarray, "d n"]
    residual: float
    kernel: Integer[np.ndarray, " element"]

    def __repr__(self) -> str:
        """How well it is followed, and what it is."""
        return (
            f"Intertwiner(residual {self.residual:.3g}: dimension {self.dimension} of a group of "
            f"order {len(self.part)}, kernel of {len(self.kernel)})"
        )

    @property
    def dimension(self) -> int:
        """Dimension of the representation."""
        return self.part.shape[1]


@dataclass(frozen=True, eq=False)
class RepresentationDistance:
    """How well transitions follow each irreducible part of a representation, best first."""

    parts: tuple[Intertwiner, ...]

    def __repr__(self) -> str:
        """Distance, and the parts that are followed best, each a dimension and a residual."""
        best = ", ".join(f"{part.dimension}: {part.residual:.2g}" for part in self.parts[:4])
        more = f", ... of {len(self.parts)}" if len(self.parts) > 4 else ""
        return f"RepresentationDistance({self.distance:.3g}: parts by dimension {best}{more})"

    @property
    def distance(self) -> float:
        r"""Least r such that the parts with a residual of at most r tell all elements apart.

        0 for an exact tracker of the group; 1 if the transitions are zero; :math:`\sqrt 2` if they
        are orthogonal and have nothing in common with the group.
        """
        together = np.arange(len(self.parts[0].part))
        for part in self.parts:
            together = np.intersect1d(together, part.kernel)
            if len(together) == 1:
                return part.residual
        raise AssertionError("the parts of a faithful representation are faithful together")


def representation_distance(
    transitions: Float[np.ndarray, "token n n"],
    representation: Representation,
    elements: Integer[np.ndarray, " token"] | None = None,
) -> RepresentationDistance:
    r"""Find the readings of the state that follow a representation of the group best.

    For every irreducible part :math:`\rho` of the representation, a linear reading
    :math:`z = T h` of the state that moves as the group does:

    .. math:: \min_T \; \frac{1}{|A|} \sum_{a \in A} |T M(a) - \rho(a)^T T|_F^2,
              \qquad |T|_F = 1

    Parameters
    ----------
    transitions
        :math:`M`. Where the residual is 0, :math:`h_k = M(x_k) h_{k-1}` implies :math:`z_k =
        \rho(x_1 \cdots x_k)^T z_0`.
    representation
        A faithful representation of the group, such as `seqtheory.representation` gives. It may be
        reducible. Its parts are judged one by one, since a model that tracks a quotient of the
        group follows only some of them.
    elements
        Element that each token stands for; None where token i is element i.

    Raises
    ------
    MemoryError
        If the (d n)**2 numbers of the eigenvalue problem do not fit this machine.

    Notes
    -----
    The minimum is the least eigenvalue of a symmetric matrix of size d n. With residual r the
    reading departs from the group by at most :math:`\sqrt{|A|}\, r\, |T|\, |h|` per step. By
    Schur's lemma an exact reading of an irreducible part is either zero or has full rank; of an
    approximate one the least singular value of `reading` shows it.

    References
    ----------
    J.-P. Serre, Linear Representations of Finite Groups, sections 2.2 and 13.2.

    Examples
    --------
    A tracker of the sign of a permutation follows one part of S3, and not the faithful one:

    >>> from seqtheory.representation import representation
    >>> s3 = representation("S3")
    >>> sign = np.linalg.det(s3.matrices).round()[:, None, None]
    >>> found = representation_distance(sign, s3)
    >>> [(p.dimension, round(p.residual, 2)) for p in found.parts]
    [(1, 0.0), (1, 1.41), (2, 1.41)]
    >>> round(found.distance, 2)
    1.41
    """
    matrices = as_transitions(transitions)
    named = as_elements(elements, len(matrices), representation.group.order)
    identity = representation.group.identity
    found = [
        _intertwiner(matrices, part, named, identity) for part in irreducible_parts(representation)
    ]
    return RepresentationDistance(tuple(sorted(found, key=lambda part: part.residual)))


def irreducible_parts(
    representation: Representation,
) -> tuple[Float[np.ndarray, "order d d"], ...]:
    r"""Irreducible parts of a representation over the real numbers, each kind once.

    Notes
    -----
    The mean of :math:`\rho(g) X \rho(g)^T` over the group commutes with it; for a symmetric X
    drawn at random (from a fixed seed) its eigenspaces are irreducible. Parts with the same
    character are equivalent, and one of them is kept.

    Examples
    --------
    >>> from seqtheory.representation import representation
    >>> [len(part[0]) for part in irreducible_parts(representation("S3"))]
    [1, 1, 2]
    """
    matrices = representation.matrices
    drawn = np.random.default_rng(0).standard_normal(matrices.shape[1:])
    mean = np.zeros_like(drawn)
    for matrix in matrices:  # one at a time: all at once take the memory of the representation
        mean += matrix @ (drawn + drawn.T) @ matrix.T
    values, vectors = np.linalg.eigh(mean / len(matrices))
    cuts = np.flatnonzero(np.diff(values) > _SAME) + 1
    parts: list[np.ndarray] = []
    for space in np.split(vectors, cuts, axis=1):
        part = space.T @ matrices @ space
        if not any(_equivalent(part, other) for other in parts):
            parts.append(part)
    return tuple(sorted(parts, key=lambda part: part.shape[1]))


def _equivalent(one: Float[np.ndarray, "g d d"], other: Float[np.ndarray, "g e e"]) -> bool:
    characters = [np.trace(part, axis1=1, axis2=2) for part in (one, other)]
    return bool(np.abs(characters[0] - characters[1]).max() < _SAME)


def _intertwiner(
    matrices: Float[np.ndarray, "token n n"],
    part: Float[np.ndarray, "order d d"],
    elements: Integer[np.ndarray, " token"],
    identity: int,
) -> Intertwiner:
    size, dimension = matrices.shape[1], part.shape[1]
    total = size * dimension
    require_memory(3 * 8 * total**2, f"the intertwiner of {dimension} by {size} dimensions")
    turned = part[elements].swapaxes(1, 2)
    # vec(T M - R T) = (1 x M^T - R x 1) vec T, with R orthogonal; the mean of its square:
    cross: np.ndarray = np.tensordot(turned, matrices, axes=(0, 0)).transpose(0, 2, 1, 3)
    cross = cross.reshape(total, total) / len(matrices)
    gram: np.ndarray = np.mean(matrices @ matrices.swapaxes(1, 2), axis=0) + np.eye(size)
    quadratic: Any = np.kron(np.eye(dimension), gram) - cross - cross.T
    eigh: Any = linalg.eigh  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    least = eigh(quadratic, subset_by_index=(0, 0))
    reading = np.asarray(least[1], dtype=np.float64)[:, 0].reshape(dimension, size)
    # Not the root of the eigenvalue, which would be rounded to 1e-8.
    missed = np.sum((reading @ matrices - turned @ reading) ** 2, axis=(1, 2))
    fixed = np.abs(part - part[identity]).max(axis=(1, 2)) < _SAME
    return Intertwiner(
        part=part,
        reading=reading * np.sqrt(dimension),
        residual=float(np.sqrt(missed.mean())),
        kernel=np.flatnonzero(fixed),
    )
