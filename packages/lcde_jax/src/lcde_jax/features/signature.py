r"""Features as a linear image of the signature, computed once for several equations.

.. math:: y_1 = \sum_{q} (1, x_0)_q \sum_{|w| \le N} S^w(t, x) \, V_w^q

The sum over words is one matrix product per column q of `(1, x_0)` with the word matrices of all
equations side by side; the outer product of `(1, x_0)` with the signature is never formed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqtheory.signature import add_time, signature

from .words import word_matrices

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import DTypeLike

    from ..cde import LinearCDE

PATHS_PER_PRODUCT = 1024


class SignatureFeatures:
    """Terminal states of several equations from the signature to a fixed depth."""

    def __init__(self, cdes: tuple[LinearCDE, ...], depth: int, dtype: DTypeLike):
        self._depth = depth
        self._ends = np.cumsum([cde.width for cde in cdes])[:-1]
        words = np.concatenate([word_matrices(cde, depth) for cde in cdes], axis=2)
        self._words = np.ascontiguousarray(words.transpose(1, 0, 2), dtype)

    def __call__(
        self, block: Float[np.ndarray, "path time channel"]
    ) -> tuple[Float[np.ndarray, "path width"], ...]:
        """Features of a block of paths, one array per equation."""
        signatures = time_signatures(block, self._depth)
        features = np.empty((len(block), self._words.shape[2]), block.dtype)
        for start in range(0, len(block), PATHS_PER_PRODUCT):
            rows = slice(start, start + PATHS_PER_PRODUCT)
            features[rows] = self._image(signatures[rows], block[rows, 0])
        return tuple(np.split(features, self._ends, axis=1))

    def _image(
        self, signatures: Float[np.ndarray, "path word"], start: Float[np.ndarray, "path channel"]
    ) -> Float[np.ndarray, "path width"]:
        image = signatures @ self._words[0, 1:] + self._words[0, 0]
        for vertex, words in zip(start.T, self._words[1:], strict=True):
            image += vertex[:, None] * (signatures @ words[1:] + words[0])
        return image


def time_signatures(
    paths: Float[np.ndarray, "path time channel"], depth: int
) -> Float[np.ndarray, "path word"]:
    """Signatures of `(t, x)` with time from 0 to 1."""
    return signature(add_time(paths), depth)
