"""Dense, diagonal and block-diagonal matrices: the structures that products keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from seqtheory._array import as_array
from seqtheory.checks import require_integer
from seqtheory.structure._contract import (
    Parameters,
    Structure,
    diagonal_matrix,
    last_axes,
    require_width,
)

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Dense(Structure):
    """Full matrices; random ones have independent entries N(0, 1 / width).

    The random family whose linear readouts are dense in the continuous path functionals
    (Cirone et al., arXiv 2402.19047, Theorems 4.1 and 4.2).

    Examples
    --------
    >>> Dense().shapes(3), Dense().num_parameters(3), Dense().cost(3)
    ({'matrix': (3, 3)}, 9, 9)
    """

    closed = True

    def shapes(self, width: int) -> dict[str, tuple[int, ...]]:
        """Give one parameter, the matrix itself."""
        require_width(width)
        return {"matrix": (width, width)}

    def scales(self, width: int) -> dict[str, float]:
        """1 / sqrt(width)."""
        require_width(width)
        return {"matrix": 1 / sqrt(width)}

    def matrix(self, parameters: Parameters) -> Float[np.ndarray, "... width width"]:
        """Give the matrix as it is stored."""
        return self._checked(parameters)[1]["matrix"]

    def apply(self, parameters: Parameters, vectors: ArrayLike) -> Float[np.ndarray, "... width"]:
        """Multiply by the whole matrix."""
        return np.einsum("...ij,...j->...i", self.matrix(parameters), as_array(vectors))

    def cost(self, width: int) -> int:
        """width^2."""
        require_width(width)
        return width**2

    def _width(self, shapes: Mapping[str, tuple[int, ...]]) -> int:
        return last_axes(shapes, "matrix", 2)[0]


@dataclass(frozen=True)
class Diagonal(Structure):
    """Diagonal matrices; random ones have independent entries N(0, 1).

    They commute, so the state sees only increments of the driving path between two times
    (Cirone et al., arXiv 2402.19047, Theorem 4.3). Entries are not scaled with the width:
    each is a scalar equation of its own.

    Examples
    --------
    >>> Diagonal().matrix({"diagonal": [1.0, -1.0]})
    array([[ 1.,  0.],
           [ 0., -1.]])
    """

    closed = True

    def shapes(self, width: int) -> dict[str, tuple[int, ...]]:
        """Give one parameter, the diagonal."""
        require_width(width)
        return {"diagonal": (width,)}

    def scales(self, width: int) -> dict[str, float]:
        """1, whatever the width."""
        require_width(width)
        return {"diagonal": 1.0}

    def matrix(self, parameters: Parameters) -> Float[np.ndarray, "... width width"]:
        """diag(d)."""
        return diagonal_matrix(self._checked(parameters)[1]["diagonal"])

    def apply(self, parameters: Parameters, vectors: ArrayLike) -> Float[np.ndarray, "... width"]:
        """Multiply entry by entry."""
        return self._checked(parameters)[1]["diagonal"] * as_array(vectors)

    def cost(self, width: int) -> int:
        """Give the width."""
        require_width(width)
        return width

    def _width(self, shapes: Mapping[str, tuple[int, ...]]) -> int:
        return last_axes(shapes, "diagonal", 1)[0]


@dataclass(frozen=True, kw_only=True)
class BlockDiagonal(Structure):
    """Matrices of equal blocks along the diagonal, entries N(0, 1 / block_size) when random.

    Parameters
    ----------
    block_size
        Rows b of a block, a divisor of the width. Size 1 is a real diagonal.

    Notes
    -----
    Random blocks reach every path functional as b grows (Walker et al., arXiv 2505.17761,
    Theorem 4.1). At a fixed b they reach every word of fewer than 2 b letters: no polynomial
    identity of lower degree holds for b x b matrices (A. Amitsur and J. Levitzki, 1950).

    Examples
    --------
    >>> BlockDiagonal(block_size=2).shapes(6), BlockDiagonal(block_size=2).cost(6)
    ({'blocks': (3, 2, 2)}, 12)
    """

    block_size: int = 4

    closed = True

    def __post_init__(self) -> None:
        """Refuse a size below 1."""
        require_integer("block_size", self.block_size, minimum=1)

    def shapes(self, width: int) -> dict[str, tuple[int, ...]]:
        """Give one parameter, the blocks."""
        require_width(width)
        if width % self.block_size:
            raise ValueError(
                f"width={width} cannot be cut into blocks of {self.block_size}; choose a multiple."
            )
        return {"blocks": (width // self.block_size, self.block_size, self.block_size)}

    def scales(self, width: int) -> dict[str, float]:
        """1 / sqrt(block_size)."""
        self.shapes(width)
        return {"blocks": 1 / sqrt(self.block_size)}

    def matrix(self, parameters: Parameters) -> Float[np.ndarray, "... width width"]:
        """Set the blocks into zeros."""
        width, given = self._checked(parameters)
        blocks, size = given["blocks"], self.block_size
        whole = np.zeros((*blocks.shape[:-3], width, width))
        for j in range(width // size):
            part = slice(j * size, (j + 1) * size)
            whole[..., part, part] = blocks[..., j, :, :]
        return whole

    def apply(self, parameters: Parameters, vectors: ArrayLike) -> Float[np.ndarray, "... width"]:
        """Multiply each part of the vector by its block."""
        width, given = self._checked(parameters)
        states = as_array(vectors)
        parts = states.reshape(*states.shape[:-1], width // self.block_size, self.block_size)
        moved = np.einsum("...kij,...kj->...ki", given["blocks"], parts)
        return moved.reshape(*moved.shape[:-2], width)

    def cost(self, width: int) -> int:
        """Width times block_size."""
        self.shapes(width)
        return width * self.block_size

    def _smallest(self) -> int:
        return self.block_size

    def _width(self, shapes: Mapping[str, tuple[int, ...]]) -> int:
        return last_axes(shapes, "blocks", 3)[0] * self.block_size
