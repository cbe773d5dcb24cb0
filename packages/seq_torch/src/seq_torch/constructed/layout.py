"""Where a stack set by hand keeps what it multiplies, and linear maps that read it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float


class Layout:
    r"""Channels of a stack that multiplies matrices of n dimensions.

    A signal is :math:`s_v a\,\sigma(s_g \epsilon b)` for signs s and a product of entries
    :math:`a = A_{ik}, b = B_{kj}`, or the constant :math:`s_v`. It stands in one of two sets, which
    blocks read and write in turn, and there twice: as it is now, and to be delayed. Channels of
    other use come last.

    Attributes
    ----------
    width
        Channels in all, :math:`8 (2 n^3 + 1)` and the others.
    signals
        Channels, ``(set, copy, s_v, signal)``; copy 0 is now, copy 1 delayed.
    products
        Those of products, ``(set, copy, s_v, s_g, i, k, j)``; index 1 is the negative sign.
    ones
        Those of the constant, ``(set, copy, s_v)``.
    others
        Channels of other use.
    """

    def __init__(self, dimension: int, num_others: int = 0):
        self.dimension, size = dimension, 2 * dimension**3
        held = 8 * (size + 1)
        self.width = held + num_others
        self.signals = np.arange(held).reshape(2, 2, 2, size + 1)
        self.products = self.signals[..., :-1].reshape(2, 2, 2, 2, *(dimension,) * 3)
        self.ones = self.signals[..., -1]
        self.others = np.arange(held, self.width)

    def places(self, held: int) -> Iterator[tuple[int, int, int, int, int, int]]:
        """Signs (1 or -1) of value and gate, i, k, j, and channel, of all products of a set."""
        for (_, v, g, i, k, j), channel in np.ndenumerate(self.products[held]):
            yield 1 - 2 * v, 1 - 2 * g, i, k, j, int(channel)

    def entries(self, held: int, copy: int) -> Float[np.ndarray, "n n width"]:
        r"""Map from channels to :math:`\epsilon A B`, the sum of all signals times their signs."""
        n = self.dimension
        found = np.zeros((n, n, self.width))
        for (v, g, i, _, j), channel in np.ndenumerate(self.products[held, copy]):
            found[i, j, channel] = (1 - 2 * v) * (1 - 2 * g)
        return found

    def one(self, held: int, copy: int) -> Float[np.ndarray, " width"]:
        """Map from channels to the constant; delayed, it is 0 before the first position."""
        found = np.zeros(self.width)
        found[self.ones[held, copy]] = 0.5, -0.5
        return found
