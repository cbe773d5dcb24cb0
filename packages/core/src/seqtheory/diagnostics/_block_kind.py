"""The kind of a family of matrices: diagonal in some basis, near the identity, sparse, or dense."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from jaxtyping import Bool, Inexact

    Family = Inexact[np.ndarray, "sample n n"]

Spectrum = Literal["unit", "signed", "complex"]
Kind = Literal[
    "diagonal",
    "householder",
    "one_hot_diagonal",
    "diagonal_one_hot",
    "walsh_hadamard",
    "sparse",
    "diagonal_plus_low_rank",
    "householder_diagonal",
    "dense",
]
SPECTRA: tuple[Spectrum, ...] = ("unit", "signed", "complex")
_NOTHING = 1e-200  # entries below this count as zero, and are not divided by
_SKEWED = 1e8  # condition number beyond which eigenvectors are no basis


@dataclass(frozen=True)
class Block:
    """A set of coupled numbers of a state, and the kind of the matrices that act on them."""

    kind: Kind
    spectrum: Spectrum
    size: int
    factors: int = 1
    commuting: bool = False


def block_kind(matrices: Family, tolerance: float) -> Block:
    """Name the narrowest kind that all matrices of a family belong to.

    The kinds are tried in this order: commuting with a common basis of eigenvectors; one entry per
    column, or per row; a multiple of the identity plus a low rank, shrinking every vector; a fixed
    matrix of signs times a diagonal one; a fixed pattern of zeros; a diagonal plus a low rank, with
    complex eigenvalues perhaps a Householder matrix times a diagonal one; dense.
    """
    largest: Any = np.abs(matrices).max(axis=(1, 2))
    matrices = matrices[largest > _NOTHING]
    size = matrices.shape[1]
    if len(matrices) == 0:
        return Block("diagonal", "unit", 1, commuting=True)
    commuting = commute(matrices, tolerance)
    spectrum = spectrum_of(np.linalg.eigvals(matrices), tolerance)
    if commuting and share_a_basis(matrices, tolerance):
        return Block("diagonal", spectrum, 1, commuting=True)
    if _one_per_column(matrices, tolerance):
        return Block("one_hot_diagonal", spectrum, size)
    if _one_per_column(matrices.swapaxes(1, 2), tolerance):
        return Block("diagonal_one_hot", spectrum, size)
    if (rank := reflections(matrices, tolerance)) is not None:
        return Block("householder", _of_factors(matrices, rank), size, rank)
    if _signs_times_diagonal(matrices, tolerance):
        return Block("walsh_hadamard", spectrum, size)
    if not _pattern(matrices, tolerance).all():
        return Block("sparse", spectrum, size, commuting=commuting)
    if (rank := rank_beside_the_diagonal(matrices, tolerance)) is not None:
        if rank == 1 and spectrum == "complex" and reflected_diagonals(matrices, tolerance):
            return Block("householder_diagonal", "signed", size)
        return Block("diagonal_plus_low_rank", spectrum, size, rank)
    return Block("dense", spectrum, size, commuting=commuting)


def spectrum_of(values: Inexact[np.ndarray, "sample n"], tolerance: float) -> Spectrum:
    """Classify eigenvalues: real and not negative, real, or complex.

    Rounding splits a double eigenvalue by about the square root of the tolerance.
    """
    rounding = 3 * tolerance**0.5 if values.shape[1] > 1 else 10 * tolerance
    radius: Any = np.abs(values).max(axis=1, keepdims=True)
    share: Any = values / np.where(radius > 0, radius, 1.0)
    if np.abs(share.imag).max() > rounding:
        return "complex"
    return "signed" if share.real.min() < -rounding else "unit"


def commute(matrices: Family, tolerance: float) -> bool:
    """Whether A B = B A for all pairs."""
    scaled = _scaled(matrices)
    for k, one in enumerate(scaled[:-1]):
        rest = scaled[k + 1 :]
        if np.abs(one @ rest - rest @ one).max() > tolerance * scaled.shape[1]:
            return False
    return True


def share_a_basis(matrices: Family, tolerance: float) -> bool:
    """Whether commuting matrices are diagonal in a common basis."""
    scaled = _scaled(matrices)
    mixed = np.tensordot(np.random.default_rng(0).standard_normal(len(scaled)), scaled, axes=1)
    basis = np.linalg.eig(mixed)[1]
    if not np.linalg.cond(basis) < _SKEWED:
        return False
    turned: NDArray[Any] = np.linalg.solve(basis, scaled @ basis)
    turned[:, np.arange(len(basis)), np.arange(len(basis))] = 0.0
    return bool(np.abs(turned).max() < tolerance**0.5)


def reflections(matrices: Family, tolerance: float) -> int | None:
    """Rank of the difference from a multiple of the identity, if no matrix expands; else None."""
    if np.linalg.norm(matrices, 2, axis=(1, 2)).max() > 1 + 10 * tolerance:
        return None
    ranks = [_beside_a_multiple(matrix, tolerance) for matrix in matrices]
    rank = max(ranks)
    return rank if 0 < rank < matrices.shape[1] else None


def rank_beside_the_diagonal(matrices: Family, tolerance: float) -> int | None:
    """Largest rank of off-diagonal blocks, if it is below their size; else None."""
    size, rng, rank = matrices.shape[1], np.random.default_rng(0), 0
    for _ in range(3):
        rows, columns = np.split(rng.permutation(size), [size // 2])
        beside = matrices[:, rows[:, None], columns]
        rank = max(rank, *(_rank(each, tolerance) for each in beside))
    return rank if rank < size // 2 else None


def reflected_diagonals(matrices: Family, tolerance: float) -> bool:
    r"""Whether all matrices are :math:`(I - \beta k k^\top) D` and neither factor expands.

    The diagonal d makes :math:`A_{ij} d_i` symmetric, which says what it is up to a factor.
    """
    size, rounding = matrices.shape[1], tolerance**0.5
    if np.iscomplexobj(matrices):
        return False
    rows, columns = np.triu_indices(size, 1)
    equations, pairs = np.zeros((len(matrices), len(rows), size)), np.arange(len(rows))
    equations[:, pairs, rows] = matrices[:, rows, columns]
    equations[:, pairs, columns] = -matrices[:, columns, rows]
    _, sizes, directions = np.linalg.svd(equations)
    clear: Any = sizes[:, -2] > rounding * sizes[:, 0]  # of the others it is not known
    if clear.sum() < 2 or (sizes[clear, -1] > tolerance * sizes[clear, 0]).any():
        return False
    diagonal: Any = directions[clear, -1]
    values = cast(Any, np.linalg.eigvals(matrices[clear] / diagonal[:, None]))
    scale = np.median(values.real, axis=1, keepdims=True)  # all but one are equal
    apart = np.sort(np.abs(values / scale - 1), axis=1)
    largest = max(np.abs(diagonal * scale).max(), np.abs(values / scale).max())
    return bool(apart[:, -2].max() < rounding and largest < 1 + rounding)


def _beside_a_multiple(matrix: Inexact[np.ndarray, "n n"], tolerance: float) -> int:
    """Least rank of A - a, where a is 1 or an eigenvalue with two eigenvectors or more.

    Any eigenvalue lowers the rank by one, which says nothing.
    """
    size, scale = len(matrix), float(np.abs(matrix).max())
    rank = _rank(matrix - np.eye(size), tolerance, max(1.0, scale))
    if rank < size or size < 3:
        return rank
    values = np.linalg.eigvals(matrix)
    near = np.abs(values[:, None] - values) < tolerance**0.5 * np.abs(values).max()
    count = near.sum(axis=1)
    often = np.argsort(-count, kind="stable")[
        :4
    ]  # of equal ones, and others hardly apart from them
    for value in values[often[count[often] > 1]]:
        multiple = value if np.iscomplexobj(matrix) else value.real
        beside = _rank(matrix - multiple * np.eye(size), tolerance, scale)
        rank = beside if beside < min(rank, size - 1) else rank
    return rank


def _of_factors(matrices: Family, rank: int) -> Spectrum:
    """Spectrum of the factors: signed if a determinant is negative, as with a reflection."""
    if rank == 1:
        values: Any = np.linalg.eigvals(matrices)
        return "signed" if values.real.min() < -1e-6 else "unit"
    volumes: Any = np.linalg.det(_scaled(matrices))
    return "signed" if volumes.real.min() < -1e-9 else "unit"


def _one_per_column(matrices: Family, tolerance: float) -> bool:
    sizes: Any = np.abs(matrices)
    largest = sizes.max(axis=(1, 2), keepdims=True)
    return bool(((sizes > tolerance * largest).sum(axis=1) <= 1).all())


def _signs_times_diagonal(matrices: Family, tolerance: float) -> bool:
    """Whether each column, apart from its diagonal entry, is a number times fixed signs."""
    size = matrices.shape[1]
    if size < 4:
        return False
    beside = ~np.eye(size, dtype=bool)
    first = np.eye(1, size, dtype=np.int64)[0]  # a row that is not the column's own
    heads: Any = matrices[:, first, np.arange(size)]
    scale: Any = np.abs(matrices).max(axis=(1, 2))
    clear: Any = np.abs(heads) > tolerance**0.5 * scale[:, None]
    ratio: Any = matrices / np.where(clear, heads, 1.0)[:, None]
    seen: Any = clear[:, None] & beside
    if not seen.any():
        return False
    signs: Any = np.where(seen, ratio, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    off = np.abs(ratio - signs)[seen].max()
    return bool(off < tolerance**0.5 and np.abs(np.abs(signs[beside]) - 1).max() < tolerance**0.5)


def _pattern(matrices: Family, tolerance: float) -> Bool[np.ndarray, "n n"]:
    """Entries that are not zero in some sample, and the diagonal."""
    return (np.abs(_scaled(matrices)) > tolerance).any(axis=0) | np.eye(
        len(matrices[0]), dtype=bool
    )


def _rank(
    matrix: Inexact[np.ndarray, "rows columns"], tolerance: float, scale: float | None = None
) -> int:
    values = np.linalg.svd(matrix, compute_uv=False)
    largest = float(values[0]) if scale is None else scale
    return int((values > 10 * tolerance * max(largest, np.finfo(float).tiny)).sum())


def _scaled(matrices: Family) -> Family:
    """Scale each matrix so that its largest entry is 1."""
    largest: Any = np.abs(matrices).max(axis=(1, 2), keepdims=True)
    return matrices / np.where(largest > 0, largest, 1.0)
