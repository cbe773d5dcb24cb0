"""The real mode of an odd number of states (`seqtheory.settings.state_space.num_modes`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from seqtheory.settings.state_space import num_modes

if TYPE_CHECKING:
    from jaxtyping import Array, Complex


__all__ = ["num_modes", "once_last", "real_last"]


def real_last(values: Complex[Array, "... mode"]) -> Complex[Array, "... mode"]:
    """Drop what would make the last mode complex."""
    real = values.real[..., -1:]
    last = jax.lax.complex(real, jnp.zeros_like(real))
    return jnp.concatenate((values[..., :-1], last), -1)


def once_last(values: Complex[Array, "... mode"]) -> Complex[Array, "... mode"]:
    """Halve the last of an output map, so that twice the real part counts it once."""
    return jnp.concatenate((values[..., :-1], values[..., -1:] / 2), -1)
