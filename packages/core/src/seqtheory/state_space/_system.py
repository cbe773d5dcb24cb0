"""Checks of the arrays that make a state-space model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqtheory._array import as_array

if TYPE_CHECKING:
    from jaxtyping import Inexact
    from numpy.typing import ArrayLike


def matrices(
    A: ArrayLike, **vectors: ArrayLike
) -> tuple[Inexact[np.ndarray, "state state"], *tuple[Inexact[np.ndarray, " state"], ...]]:
    """Check A and vectors such as B and C against each other, and give them in double precision."""
    matrix = doubled(A, "A")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        raise ValueError(f"A has shape {matrix.shape}; expected (state, state).")
    return matrix, *(vector(values, len(matrix), name) for name, values in vectors.items())


def vector(values: ArrayLike, size: int, name: str) -> Inexact[np.ndarray, " state"]:
    """Check that `values` are a vector of this size, and give it in double precision."""
    array = doubled(values, name)
    if array.shape != (size,):
        raise ValueError(
            f"{name} has shape {array.shape}; expected ({size},), one entry per state. For several "
            "inputs or outputs, take one pair of them at a time."
        )
    return array


def doubled(values: ArrayLike, name: str) -> Inexact[np.ndarray, "*shape"]:
    """Give `values` as float64 or complex128, refused if one is not finite."""
    array = as_array(values)
    if array.dtype.kind not in "fiuc":
        raise TypeError(f"{name} has dtype {array.dtype}; expected numbers.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity; expected finite numbers.")
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
