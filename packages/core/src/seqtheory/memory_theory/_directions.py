"""Directions of the input over which a memory function takes its maximum."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float

    Memory = Callable[[Float[np.ndarray, "batch channel"]], Float[np.ndarray, "batch horizon"]]

_STARTS, _ROUNDS = 64, 12


def spread_directions(
    count: int, channels: int, rng: np.random.Generator
) -> Float[np.ndarray, "count channel"]:
    """Directions with largest entry 1: first half vertices of the cube, the rest its faces."""
    x = rng.uniform(-1.0, 1.0, (count, channels))
    vertices = (count + 1) // 2
    x[:vertices] = np.where(x[:vertices] < 0, -1.0, 1.0)
    return x / np.abs(x).max(axis=1, keepdims=True)


def optimised_memory(
    memory: Memory,
    channels: int,
    amplitudes: Float[np.ndarray, " amplitude"],
    rng: np.random.Generator,
) -> Float[np.ndarray, " horizon"]:
    """Lower bound of the maximum over directions, by random search around the best so far.

    Each step k keeps its own best direction. Every round moves some of these, by smaller and
    smaller amounts, and a candidate may improve any step. Largest entries stay between the smallest
    and the largest amplitude.
    """
    x = spread_directions(_STARTS, channels, rng)
    x = np.concatenate([size * x for size in amplitudes])
    values = memory(x)
    best, where = values.max(axis=0), x[values.argmax(axis=0)]
    smallest, largest = float(amplitudes.min()), float(amplitudes.max())
    for spread in 0.7 ** np.arange(_ROUNDS):
        parents = where[rng.integers(best.size, size=_STARTS)]
        sizes = np.abs(parents).max(axis=1, keepdims=True)
        # Clipping to the cube lets a candidate land on a vertex, where linear maxima lie.
        moved = parents / sizes + spread * rng.standard_normal(parents.shape)
        moved = np.clip(moved, -1.0, 1.0)
        moved /= np.abs(moved).max(axis=1, keepdims=True)
        sizes = sizes * np.exp(spread * rng.standard_normal(sizes.shape))
        x = np.clip(sizes, smallest, largest) * moved
        values = memory(x)
        better = values.max(axis=0) > best
        where[better] = x[values.argmax(axis=0)[better]]
        best = np.maximum(best, values.max(axis=0))
    return best
