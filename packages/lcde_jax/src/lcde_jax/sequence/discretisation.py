r"""From a diagonal system in continuous time, :math:`h' = A h + u`, to one step of a recurrence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp

from seqtheory.settings.state_space import NEAR, growth_near_zero

if TYPE_CHECKING:
    from jaxtyping import Array, Complex, Float

    from seqtheory.settings.state_space import Discretisation


def discretised(
    rule: Discretisation, A: Complex[Array, "*shape"], dt: Float[Array, "*shape"]
) -> tuple[Complex[Array, "*shape"], Complex[Array, "*shape"]]:
    r"""Logarithm of the transition, and gain of the input.

    .. math:: \bar A = e^{\Delta A}, \; g = \frac{e^{\Delta A} - 1}{A} \qquad\text{or}\qquad
              \bar A = \frac{1 + \Delta A / 2}{1 - \Delta A / 2}, \;
              g = \frac{\Delta}{1 - \Delta A / 2}
    """
    dt = dt.astype(A.dtype)
    if rule == "zero_order_hold":
        return dt * A, dt * _relative_growth(dt * A)
    half = dt * A / 2
    return 2 * jnp.arctanh(half), dt / (1 - half)


def _relative_growth(x: Complex[Array, "*shape"]) -> Complex[Array, "*shape"]:
    """Return ``(exp(x) - 1) / x``, 1 at zero, exact to rounding, as its derivative is."""
    near = jnp.abs(x) < NEAR
    series = growth_near_zero(jnp.where(near, x, 0))
    far = jnp.where(near, 1, x)
    return jnp.where(near, series, (jnp.exp(far) - 1) / far)
