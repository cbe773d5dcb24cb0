"""Scratch arrays that are aligned to cache lines and reused for every block.

NumPy aligns to 16 bytes; a vector instruction of 64 bytes then touches two cache lines for
every load, which costs a factor of two to three in the loops of this package. Reusing the arrays
for every block also keeps them in cache and avoids page faults.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.floating[Any]]
LINE = 64  # bytes in a cache line, and in the widest vector register


class Arena:
    """Hands out arrays in sequence, and hands them out again after `reset` if shapes agree."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self._arrays: list[Real] = []
        self._next = 0

    def reset(self) -> None:
        """Declare every array handed out so far free."""
        self._next = 0

    def take(self, *shape: int) -> Real:
        """Return an uninitialised array of this shape."""
        if self._next == len(self._arrays) or self._arrays[self._next].shape != shape:
            self._arrays[self._next :] = [aligned_empty(shape, self.dtype)]
        self._next += 1
        return self._arrays[self._next - 1]


def aligned_empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Real:
    """Return an uninitialised array whose first element opens a cache line."""
    size = math.prod(shape) * dtype.itemsize
    raw = np.empty(size + LINE, np.uint8)
    offset = -raw.ctypes.data % LINE
    return raw[offset : offset + size].view(dtype).reshape(shape)
