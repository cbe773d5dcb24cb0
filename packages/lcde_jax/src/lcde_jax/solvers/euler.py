"""First-order steps: the true one, and the form of the published token experiments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from ..structure import Dense, Diagonal, apply

if TYPE_CHECKING:
    from jaxtyping import Array, Float

    from ..cde import LinearCDE


def states(
    cde: LinearCDE,
    initial: Float[Array, " width"],
    increments: Float[Array, "step path_channel"],
) -> Float[Array, "step_and_one width"]:
    r"""State at every vertex by :math:`y_{k+1} = y_k + \sum_i (A_i y_k + B_i)\,g^i_k`."""

    def advance(
        state: Float[Array, " width"], increment: Float[Array, " path_channel"]
    ) -> tuple[Float[Array, " width"], Float[Array, " width"]]:
        if isinstance(cde.structure, Diagonal):
            moved = (increment @ cde.A) * state
        elif isinstance(cde.structure, Dense):
            moved = jnp.einsum("i,iab,b->a", increment, cde.A, state)
        else:
            moved = increment @ apply(cde.structure, cde.parameters, state)
        following = state + moved
        if cde.B is not None:
            following = following + cde.B @ increment
        return following, following

    return jnp.concatenate([initial[None], jax.lax.scan(advance, initial, increments)[1]])


def published_increments(
    driver: Float[Array, "time path_channel"],
) -> Float[Array, "step path_channel"]:
    r"""Increments :math:`w_k / L` for :math:`k = 1, \dots, L - 1`: *values* of the driver.

    The published token experiments step with these in place of :math:`w_k - w_{k-1}`, which makes
    the driver :math:`\int (t, x)\,ds`, ties the step to the length of the sequence, so that a
    model cannot be evaluated at another length, and lets the first value act through y_0 alone.
    """
    return driver[1:] / len(driver)
