"""Matrices that are the sum of a diagonal one and one of low rank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

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


@dataclass(frozen=True, kw_only=True)
class DiagonalPlusLowRank(Structure):
    r"""Matrices :math:`\mathrm{diag}(d) + U V^\top` with U and V of a few columns.

    Parameters
    ----------
    rank
        Columns r of U and of V.

    Notes
    -----
    A random draw gives half the variance to each part: d has entries N(0, 1/2), U and V entries
    :math:`N(0, (2 n r)^{-1/2})`, so that :math:`U V^\top` moves a vector as far as a dense draw
    of half the variance does. Random matrices reach every path functional as r grows with the width
    (S. Movahedi et al., as cited by Walker et al., arXiv 2505.17761). At a fixed r they do not,
    since :math:`V^\top y` keeps only r numbers of the past.

    The matrix is not linear in its parameters: a step of length s scales d by s, and U and V by
    :math:`\sqrt s` each (`degree`).

    Examples
    --------
    >>> structure = DiagonalPlusLowRank(rank=1)
    >>> structure.matrix({"diagonal": [1.0, 2.0], "left": [[1.0], [0.0]], "right": [[3.0], [4.0]]})
    array([[4., 4.],
           [0., 2.]])
    """

    rank: int = 4

    closed = False
    linear = False
    degree: ClassVar[Mapping[str, float]] = {"left": 0.5, "right": 0.5}

    def __post_init__(self) -> None:
        """Refuse a rank below 1."""
        require_integer("rank", self.rank, minimum=1)

    def shapes(self, width: int) -> dict[str, tuple[int, ...]]:
        """Give d, U and V."""
        require_width(width)
        return {"diagonal": (width,), "left": (width, self.rank), "right": (width, self.rank)}

    def scales(self, width: int) -> dict[str, float]:
        """Half of the variance for d, half for U V^T."""
        require_width(width)
        factor = (2 * width * self.rank) ** -0.25
        return {"diagonal": 0.5**0.5, "left": factor, "right": factor}

    def matrix(self, parameters: Parameters) -> Float[np.ndarray, "... width width"]:
        """diag(d) + U V^T."""
        _, given = self._checked(parameters)
        low_rank = given["left"] @ np.swapaxes(given["right"], -1, -2)
        return diagonal_matrix(given["diagonal"]) + low_rank

    def apply(self, parameters: Parameters, vectors: ArrayLike) -> Float[np.ndarray, "... width"]:
        """Give d y + U (V^T y)."""
        _, given = self._checked(parameters)
        states = as_array(vectors)
        inner = np.einsum("...nr,...n->...r", given["right"], states)
        return given["diagonal"] * states + np.einsum("...nr,...r->...n", given["left"], inner)

    def cost(self, width: int) -> int:
        """Width times 1 + 2 rank."""
        require_width(width)
        return width * (1 + 2 * self.rank)

    def _width(self, shapes: Mapping[str, tuple[int, ...]]) -> int:
        return last_axes(shapes, "diagonal", 1)[0]
