"""Features by solving the equations, in the precision of the paths."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from ..solvers import adaptive, exact, taylor
from ..structure import Diagonal

if TYPE_CHECKING:
    from jaxtyping import Array, Float

    from ..cde import LinearCDE

PATHS_PER_CALL = 512  # keeps the states and one Taylor term in cache


class ExactFeatures:
    """Terminal states by the exact solver, with one order for all steps of all paths.

    The remainder of the series is within `accuracy` of each step's change, by default rounding.
    """

    def __init__(
        self,
        cdes: tuple[LinearCDE, ...],
        paths: Float[np.ndarray, "path time channel"],
        accuracy: float = 0.0,
    ):
        self._cdes = cdes
        longest = longest_increment(paths)
        self._orders = [series_order(cde, longest, paths.dtype, accuracy) for cde in cdes]

    def __call__(
        self, block: Float[np.ndarray, "path time channel"]
    ) -> tuple[Float[np.ndarray, "path width"], ...]:
        """Features of a block of paths, one array per equation."""
        return tuple(
            _in_parts(partial(_exact_states, order=order, substeps=substeps), cde, block)
            for cde, (order, substeps) in zip(self._cdes, self._orders, strict=True)
        )


class AdaptiveFeatures:
    """Terminal states by the published adaptive solver."""

    def __init__(self, cdes: tuple[LinearCDE, ...]):
        self._cdes = cdes

    def __call__(
        self, block: Float[np.ndarray, "path time channel"]
    ) -> tuple[Float[np.ndarray, "path width"], ...]:
        """Features of a block of paths, one array per equation."""
        return tuple(_in_parts(_adaptive_states, cde, block) for cde in self._cdes)


def series_order(
    cde: LinearCDE, longest: float, dtype: np.dtype, accuracy: float = 0.0
) -> tuple[int, int]:
    """Taylor terms and substeps that make steps up to the longest one accurate."""
    if isinstance(cde.structure, Diagonal):
        return 1, 1  # closed form
    with _precision(dtype):
        norm = float(exact.norm_bound(_cast(cde, dtype))) * longest
        taylor.check_norm(norm)
        accuracy = max(accuracy, taylor.rounding(dtype))
        order, substeps = taylor.orders(jnp.asarray(norm, dtype), accuracy)
        return int(order), int(substeps)


def longest_increment(paths: Float[np.ndarray, "path time channel"]) -> float:
    """Largest Euclidean length of an increment of `(t, x)`."""
    longest = 0.0
    for start in range(0, len(paths), PATHS_PER_CALL):
        steps = np.diff(paths[start : start + PATHS_PER_CALL], axis=1).astype(np.float64)
        longest = max(longest, float(np.einsum("ptc,ptc->pt", steps, steps).max()))
    return float(np.sqrt(longest + (paths.shape[1] - 1) ** -2.0))


def _in_parts(solver, cde: LinearCDE, block: np.ndarray) -> np.ndarray:
    """Solve a block in calls of one size, the last one padded, so that one program is compiled."""
    features = np.empty((len(block), cde.width), block.dtype)
    size = min(PATHS_PER_CALL, len(block))
    with _precision(block.dtype):
        cde = _cast(cde, block.dtype)
        for start in range(0, len(block), size):
            part = block[start : start + size]
            short = size - len(part)
            padded = np.concatenate([part, np.repeat(part[-1:], short, axis=0)])
            features[start : start + len(part)] = np.asarray(solver(cde, padded))[: len(part)]
    return features


@partial(jax.jit, static_argnames=("order", "substeps"))
def _exact_states(
    cde: LinearCDE, paths: Float[Array, "path time channel"], order: int, substeps: int
) -> Float[Array, "path width"]:
    def terminal(path: Float[Array, "time channel"]) -> Float[Array, " width"]:
        steps = jnp.diff(path, axis=0)
        time = jnp.full((len(steps), 1), 1 / len(steps), path.dtype)
        increments = jnp.concatenate([time, steps], axis=1)
        return exact.terminal_state(cde, cde.initial_state(path[0]), increments, order, substeps)

    return jax.vmap(terminal)(paths)


@jax.jit
def _adaptive_states(
    cde: LinearCDE, paths: Float[Array, "path time channel"]
) -> Float[Array, "path width"]:
    times = jnp.linspace(0, 1, paths.shape[1], dtype=paths.dtype)

    def terminal(path: Float[Array, "time channel"]) -> Float[Array, " width"]:
        driver = jnp.concatenate([times[:, None], path], axis=1)
        initial = cde.initial_state(path[0])
        return adaptive.states(cde, initial, times, driver, terminal_only=True)[-1]

    return jax.vmap(terminal)(paths)


def _cast(cde: LinearCDE, dtype: np.dtype) -> LinearCDE:
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), cde)


def _precision(dtype: np.dtype) -> AbstractContextManager[object]:
    """JAX's 64-bit mode, in this thread and for these calls alone, where the paths ask for it."""
    return jax.enable_x64(True) if np.dtype(dtype) == np.float64 else nullcontext()
