r"""Log-ODE method of order 1 to 3: one exponential per window of several segments.

Over a window with signature S, the state moves by the exponential of

.. math:: \sum_w (\log S)^w \, A_{i_n} \cdots A_{i_1}, \qquad w = i_1 \dots i_n,

which, as log S is a Lie series, is a combination of brackets. With the Lyndon basis
:math:`i`, :math:`[i, j]`, :math:`[i, [i, j]]`, :math:`[[i, j], j]`, :math:`[i, [j, k]]` and
:math:`[[i, k], j]` (:math:`i < j < k`) the coordinates are entries of log S. A product of letters
acts from left to right, so the bracket of words goes to the bracket of matrices in reverse.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from seqtheory.checks import require_integer

from ..structure import Dense
from . import taylor
from .solver import Solver

if TYPE_CHECKING:
    from jaxtyping import Array, Float

    from ..cde import LinearCDE


class LogODE(Solver):
    """One exponential per window of several segments, for dense matrices.

    Parameters
    ----------
    order
        Level of the log-signature that is kept, 1 to 3.
    window
        Segments per window, at least 1.

    References
    ----------
    Walker et al., arXiv 2402.18512.
    """

    order: int = eqx.field(default=2, static=True)
    window: int = eqx.field(default=8, static=True)

    def __check_init__(self) -> None:
        """Raise unless `order` and `window` are in range."""
        require_integer("order", self.order, 1, 3)
        require_integer("window", self.window, 1)

    def check(self, cde: LinearCDE, driver: Float[Array, "time path_channel"]) -> None:
        """Refuse matrices that are not dense."""
        if not isinstance(cde.structure, Dense):
            raise ValueError(
                f"got {self} for {cde.structure}, expected dense matrices: it works with their "
                "commutators, which have no such structure. Use method='exact', which has a closed "
                "form for diagonal matrices."
            )

    def __call__(
        self,
        cde: LinearCDE,
        initial: Float[Array, " width"],
        driver: Float[Array, "time path_channel"],
    ) -> Float[Array, "window_and_one width"]:
        """Give the state at the first vertex and at the end of each window."""
        return states(cde, initial, jnp.diff(driver, axis=0), self.order, self.window)


class _Field(NamedTuple):
    """Affine vector field `y -> matrix y + vector`."""

    matrix: Float[Array, "width width"]
    vector: Float[Array, " width"]


def _bracket(first: _Field, second: _Field) -> _Field:
    """Bracket of two letters: the second acts after the first in the word (first, second)."""
    return _Field(
        second.matrix @ first.matrix - first.matrix @ second.matrix,
        second.matrix @ first.vector - first.matrix @ second.vector,
    )


def lie_generators(cde: LinearCDE, order: int) -> taylor.Generators:
    """Brackets of the vector fields up to `order`, in the order of `lie_coordinates`."""
    vectors = jnp.zeros(cde.A.shape[:2], cde.A.dtype) if cde.B is None else cde.B.T
    letters = [_Field(*pair) for pair in zip(cde.A, vectors, strict=True)]
    fields = list(letters)
    pairs = list(combinations(range(len(letters)), 2))
    areas = {(i, j): _bracket(letters[i], letters[j]) for i, j in pairs} if order >= 2 else {}
    fields += areas.values()
    if order == 3:
        for i, j in pairs:
            fields += [_bracket(letters[i], areas[i, j]), _bracket(areas[i, j], letters[j])]
        for i, j, k in combinations(range(len(letters)), 3):
            fields += [_bracket(letters[i], areas[j, k]), _bracket(areas[i, k], letters[j])]
    return taylor.stack(
        jnp.stack([field.matrix for field in fields]), jnp.stack([field.vector for field in fields])
    )


def lie_coordinates(
    increments: Float[Array, "step path_channel"], order: int
) -> Float[Array, " bracket"]:
    """Log-signature of the polygon with these increments, in the Lyndon basis; exact."""
    channels = increments.shape[1]
    level1, level2, level3 = _log_signature(increments, order)
    pairs = list(combinations(range(channels), 2))
    coordinates = [level1]
    if order >= 2:
        coordinates.append(jnp.stack([level2[i, j] for i, j in pairs]))
    if order == 3:
        coordinates += [jnp.stack([level3[i, i, j], level3[i, j, j]]) for i, j in pairs]
        for i, j, k in combinations(range(channels), 3):
            second = level3[i, k, j] + level3[i, j, k]  # [i, [j, k]] also holds -ikj
            coordinates.append(jnp.stack([level3[i, j, k], second]))
    return jnp.concatenate(coordinates)


def _log_signature(
    steps: Float[Array, "step path_channel"], order: int
) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"], Float[Array, "*shape"]]:
    """Tensor levels 1 to 3 of the logarithm of the signature (zeros above `order`)."""
    zero2, zero3 = (jnp.zeros((steps.shape[1],) * level, steps.dtype) for level in (2, 3))
    before = jnp.cumsum(steps, axis=0) - steps
    level1 = steps.sum(0)
    if order == 1:
        return level1, zero2, zero3
    areas = jnp.einsum("ka,kb->kab", before + steps / 2, steps)
    level2 = areas.sum(0)
    log2 = level2 - jnp.einsum("a,b->ab", level1, level1) / 2
    if order == 2:
        return level1, log2, zero3
    areas_before = jnp.cumsum(areas, axis=0) - areas
    level3 = jnp.einsum("kab,kc->abc", areas_before, steps)
    level3 += jnp.einsum("ka,kb,kc->abc", before / 2 + steps / 6, steps, steps)
    log3 = (
        level3
        - jnp.einsum("a,bc->abc", level1, level2) / 2
        - jnp.einsum("ab,c->abc", level2, level1) / 2
        + jnp.einsum("a,b,c->abc", level1, level1, level1) / 3
    )
    return level1, log2, log3


def states(
    cde: LinearCDE,
    initial: Float[Array, " width"],
    increments: Float[Array, "step path_channel"],
    order: int,
    window: int,
) -> Float[Array, "window_and_one width"]:
    """State at the first vertex and at the end of every window; the last may be shorter."""
    short = -len(increments) % window
    padded = jnp.pad(increments, ((0, short), (0, 0)))  # a zero increment changes nothing
    windows = padded.reshape(-1, window, increments.shape[1])
    coordinates = jax.vmap(lambda steps: lie_coordinates(steps, order))(windows)
    generators = lie_generators(cde, order)
    inputs = taylor.scan_inputs(generators, coordinates)

    def advance(
        state: Float[Array, " width"], step: tuple[Array, Array, Array]
    ) -> tuple[Float[Array, " width"], Float[Array, " width"]]:
        following = taylor.step(generators, state, *step)
        return following, following

    return jnp.concatenate([initial[None], jax.lax.scan(advance, initial, inputs)[1]])
