"""Sparse matrices whose entries have fixed random positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from seqtheory._array import as_array
from seqtheory.checks import require_integer, require_memory, require_positive
from seqtheory.structure._contract import Parameters, Structure, last_axes, require_width

if TYPE_CHECKING:
    from jaxtyping import Float, Integer


@dataclass(frozen=True, kw_only=True)
class Sparse(Structure):
    """Matrices with k entries in every row, at fixed positions; N(0, 1 / k) when random.

    Parameters
    ----------
    density
        Share of entries that are not zero, in (0, 1]. A row has k = `round(density * width)` of
        them, and at least one.
    seed
        Seed of the positions. All channels and tokens share them, so that sums of these matrices
        have the same zeros.

    Notes
    -----
    The theorem (Walker et al., arXiv 2505.17761, Theorem 4.2) chooses every entry with a
    probability p and lets n p grow with the width n, as a fixed density does. Here every row has
    the same number of entries, which needs no storage beyond these and one table of positions.

    Examples
    --------
    >>> Sparse(density=0.5).shapes(6), Sparse(density=0.5).columns(6).shape
    ({'entries': (6, 3)}, (6, 3))
    """

    density: float = 0.1
    seed: int = 0

    closed = False

    def __post_init__(self) -> None:
        """Refuse a density outside (0, 1]."""
        require_positive("density", self.density)
        if self.density > 1:
            raise ValueError(f"density={self.density} is a share of the entries: at most 1.")
        require_integer("seed", self.seed, minimum=0)

    def columns(self, width: int) -> Integer[np.ndarray, "row entry"]:
        """Columns of the entries of every row, ascending; uniform without repetition."""
        return _columns(width, self._entries(width), self.seed)

    def shapes(self, width: int) -> dict[str, tuple[int, ...]]:
        """Give the entries row by row, at `columns(width)`."""
        return {"entries": (width, self._entries(width))}

    def scales(self, width: int) -> dict[str, float]:
        """1 / sqrt(entries of a row)."""
        return {"entries": 1 / sqrt(self._entries(width))}

    def matrix(self, parameters: Parameters) -> Float[np.ndarray, "... width width"]:
        """Set the entries into zeros."""
        width, given = self._checked(parameters)
        whole = np.zeros((*given["entries"].shape[:-2], width, width))
        whole[..., np.arange(width)[:, None], self.columns(width)] = given["entries"]
        return whole

    def apply(self, parameters: Parameters, vectors: ArrayLike) -> Float[np.ndarray, "... width"]:
        """Sum over the entries of each row."""
        width, given = self._checked(parameters)
        chosen = as_array(vectors)[..., self.columns(width)]
        return np.einsum("...nk,...nk->...n", given["entries"], chosen)

    def cost(self, width: int) -> int:
        """Give the number of entries of the matrix."""
        return width * self._entries(width)

    def _entries(self, width: int) -> int:
        require_width(width)
        return max(1, round(self.density * width))

    def _width(self, shapes: Mapping[str, tuple[int, ...]]) -> int:
        return last_axes(shapes, "entries", 2)[0]


@lru_cache(maxsize=32)
def _columns(width: int, entries: int, seed: int) -> Integer[np.ndarray, "row entry"]:
    require_memory(width * (16 * entries + 200), f"the columns of width={width:,}")
    random = np.random.default_rng(seed)
    rows = [np.sort(random.permutation(width)[:entries]) for _ in range(width)]
    columns = np.stack(rows)
    columns.setflags(write=False)
    return columns
