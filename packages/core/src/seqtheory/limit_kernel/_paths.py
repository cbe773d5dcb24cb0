"""Two sets of paths, checked, and the memory that their kernel matrix needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqtheory.checks import require_memory
from seqtheory.signature._validate import as_path, require_finite

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Real = NDArray[np.float64]


def checked_sets(xs: ArrayLike, ys: ArrayLike | None, features: int) -> tuple[Real, Real | None]:
    """Both sets in float64, after checking that their Gram matrix and features fit in memory."""
    first = _as_set(xs, "xs")
    second = None if ys is None else _as_set(ys, "ys")
    other = first if second is None else second
    if first.shape[2] != other.shape[2]:
        raise ValueError(
            f"xs has {first.shape[2]} channels and ys has {other.shape[2]}; expected equal numbers."
        )
    rows = len(first) + (0 if second is None else len(second))
    require_memory(
        8 * (2 * len(first) * len(other) + rows * features),
        f"the kernel of {len(first):,} with {len(other):,} paths",
    )
    return _as_finite(first, "xs"), None if second is None else _as_finite(second, "ys")


def joined(first: NDArray[Any], second: NDArray[Any] | None) -> NDArray[np.float64]:
    """Inner products of the rows of both; exactly symmetric where `second` is None."""
    return first @ (first if second is None else second).T


def _as_set(paths: ArrayLike, name: str) -> NDArray[Any]:
    array = as_path(paths, name)
    if array.ndim != 3 or len(array) == 0:
        raise ValueError(f"{name} has shape {array.shape}, expected (path, time, channel).")
    return array


def _as_finite(paths: NDArray[Any], name: str) -> Real:
    require_finite(paths, name)
    return paths.astype(np.float64)
