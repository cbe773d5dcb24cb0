"""Checks of the arrays that diagnostics take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from seqtheory._array import as_array

if TYPE_CHECKING:
    from jaxtyping import Float, Integer
    from numpy.typing import ArrayLike, NDArray


def as_transitions(transitions: ArrayLike) -> Float[np.ndarray, "token n n"]:
    """One finite real square matrix per token, in float64."""
    matrices = _as_real(transitions, "transitions")
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2] or matrices.size == 0:
        raise ValueError(
            f"transitions have shape {matrices.shape}, expected (token, n, n): one square matrix "
            "per token."
        )
    return matrices


def as_states(states: ArrayLike) -> Float[np.ndarray, "batch time n"]:
    """Finite real states, in float64."""
    array = _as_real(states, "states")
    if array.ndim != 3 or array.size == 0:
        raise ValueError(
            f"states have shape {array.shape}, expected (batch, time, n), none of them 0."
        )
    return array


def as_points(points: ArrayLike, name: str = "states") -> Float[np.ndarray, "... n"]:
    """Finite real vectors along the last axis, in float64."""
    array = _as_real(points, name)
    if array.ndim < 2 or array.size == 0:
        raise ValueError(f"{name} have shape {array.shape}, expected (..., n) with at least a row.")
    return array


def as_labels(labels: ArrayLike, shape: tuple[int, ...]) -> Integer[np.ndarray, ...]:
    """One class number per state."""
    array = as_array(labels)
    if array.dtype.kind not in "iu":
        raise TypeError(f"labels have dtype {array.dtype}, expected integers: numbers of classes.")
    if array.shape != shape:
        raise ValueError(f"labels have shape {array.shape}, expected {shape}: one per state.")
    if array.min() < 0:
        raise ValueError(f"labels hold {array.min()}, expected class numbers from 0 on.")
    return array.astype(np.int64)


def as_elements(
    elements: ArrayLike | None, num_tokens: int, order: int
) -> Integer[np.ndarray, " t"]:
    """Group element of each token; None where token i is element i."""
    array = np.arange(order) if elements is None else as_array(elements)
    if array.dtype.kind not in "iu":
        raise TypeError(f"elements have dtype {array.dtype}, expected integers.")
    if array.shape != (num_tokens,):
        raise ValueError(
            f"there are {num_tokens} transitions and elements of shape {array.shape}; expected one "
            "element per token. Name them with elements=(...)."
        )
    if array.min() < 0 or array.max() >= order:
        raise ValueError(
            f"elements hold {array.min()}..{array.max()}, expected elements of the group, "
            f"0..{order - 1}."
        )
    return array.astype(np.int64)


def _as_real(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array: NDArray[Any] = as_array(values)
    if array.dtype.kind not in "fiu":
        raise TypeError(
            f"{name} have dtype {array.dtype}, expected real numbers. Give a complex state by its "
            "real and imaginary parts."
        )
    real = array.astype(np.float64)
    if not np.isfinite(real).all():
        raise ValueError(f"{name} hold NaN or infinity; cut the sequences before they diverge.")
    return real
