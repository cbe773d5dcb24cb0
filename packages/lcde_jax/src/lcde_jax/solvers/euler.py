"""First-order steps: the true one, and the form of the published token experiments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp

from seqtheory.checks import require_flag

from ..structure import Dense, Diagonal, apply
from .solver import Solver

if TYPE_CHECKING:
    from jaxtyping import Array, Float

    from ..cde import LinearCDE


class Euler(Solver):
    """One first-order step per segment.

    Parameters
    ----------
    values
        Whether to step with the values of the driver divided by the number of points, as the
        published token experiments do, instead of with its increments; see `published_increments`.
    """

    values: bool = eqx.field(default=False, static=True)

    def __check_init__(self) -> None:
        """Raise unless `values` is True or False."""
        require_flag("values", self.values)

    def __call__(
        self,
        cde: LinearCDE,
        initial: Float[Array, " width"],
        driver: Float[Array, "time path_channel"],
    ) -> Float[Array, "time width"]:
        """Give the state at every vertex."""
        steps = published_increments(driver) if self.values else jnp.diff(driver, axis=0)
        return states(cde, initial, steps)


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
