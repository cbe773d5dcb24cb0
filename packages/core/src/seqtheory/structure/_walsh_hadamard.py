"""A random diagonal, mixed by the Walsh-Hadamard transform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import ArrayLike

from seqtheory._array import as_array
from seqtheory.structure._contract import Parameters, Structure, last_axes, require_width

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class WalshHadamard(Structure):
    r"""Matrices :math:`H\,\mathrm{diag}(d) / \sqrt n`, H the Hadamard matrix of n = 2^m rows.

    :math:`H / \sqrt n` is orthogonal and has no free entry; d has entries N(0, 1) when random.
    There are as many parameters as in a diagonal matrix, but the matrices do not commute: random
    ones reach every
    path functional as the width grows (Walker et al., arXiv 2505.17761, Theorem 4.3).

    Examples
    --------
    >>> WalshHadamard().matrix({"diagonal": [1.0, 2.0]}).round(4)
    array([[ 0.7071,  1.4142],
           [ 0.7071, -1.4142]])
    """

    closed = False

    def shapes(self, width: int) -> dict[str, tuple[int, ...]]:
        """Give the diagonal; the width is a power of two."""
        require_width(width)
        if width & (width - 1):
            below = 1 << (width.bit_length() - 1)
            raise ValueError(
                f"width={width} is not a power of two, as a Walsh-Hadamard matrix needs; choose "
                f"{below} or {2 * below}."
            )
        return {"diagonal": (width,)}

    def scales(self, width: int) -> dict[str, float]:
        """1, whatever the width."""
        self.shapes(width)
        return {"diagonal": 1.0}

    def matrix(self, parameters: Parameters) -> Float[np.ndarray, "... width width"]:
        """H diag(d) / sqrt(n)."""
        width, given = self._checked(parameters)
        return scipy.linalg.hadamard(width) / np.sqrt(width) * given["diagonal"][..., None, :]

    def apply(self, parameters: Parameters, vectors: ArrayLike) -> Float[np.ndarray, "... width"]:
        """Transform the product with the diagonal."""
        _, given = self._checked(parameters)
        return hadamard_transform(given["diagonal"] * as_array(vectors))

    def cost(self, width: int) -> int:
        """Width times 1 + log2(width), additions counted."""
        self.shapes(width)
        return width * width.bit_length()

    def _width(self, shapes: Mapping[str, tuple[int, ...]]) -> int:
        return last_axes(shapes, "diagonal", 1)[0]


def hadamard_transform(values: Float[np.ndarray, "... width"]) -> Float[np.ndarray, "... width"]:
    r"""Walsh-Hadamard transform :math:`H v / \sqrt n` along the last axis, of a power of two.

    Parameters
    ----------
    values
        Vectors of n = 2^m entries, in the natural (Sylvester) order of rows.

    Notes
    -----
    n log2(n) additions in m passes. It is its own inverse.
    """
    values = as_array(values)
    width = values.shape[-1]
    moved, half = values, 1
    while half < width:
        pairs = moved.reshape(*values.shape[:-1], -1, 2, half)
        first, second = pairs[..., 0, :], pairs[..., 1, :]
        moved = np.stack([first + second, first - second], axis=-2).reshape(values.shape)
        half *= 2
    return moved / np.sqrt(width)
