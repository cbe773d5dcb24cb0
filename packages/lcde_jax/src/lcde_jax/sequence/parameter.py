"""Parameters as torch's twins keep them: complex numbers as real pairs, steps as logarithms."""

from __future__ import annotations

from math import log, sqrt
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import Array, Complex, Float, PRNGKeyArray


def state_parameter() -> Any:
    """Field of a recurrence's own parameter: `fit` gives it its own rate and no decay."""
    return eqx.field(metadata={"state": True})


def as_complex(pair: Float[Array, "*shape 2"]) -> Complex[Array, "*shape"]:
    """Complex numbers that are stored as real pairs."""
    return jax.lax.complex(pair[..., 0], pair[..., 1])


def as_pair(values: Complex[Any, "*shape"], dtype: DTypeLike) -> Float[Array, "*shape 2"]:
    """Real and imaginary parts along a new last axis."""
    return jnp.stack((jnp.real(values), jnp.imag(values)), -1).astype(dtype)


def complex_normal(
    key: PRNGKeyArray, shape: tuple[int, ...], variance: float, dtype: DTypeLike
) -> Float[Array, "*shape 2"]:
    """Complex normal entries, E |z|^2 = `variance`, as real pairs."""
    return jax.random.normal(key, (*shape, 2), dtype) * sqrt(variance / 2)


def log_steps(
    key: PRNGKeyArray, shape: tuple[int, ...], dt_min: float, dt_max: float, dtype: DTypeLike
) -> Float[Array, "*shape"]:
    """Logarithms of steps, drawn from U[log dt_min, log dt_max]."""
    return jax.random.uniform(key, shape, dtype, log(dt_min), log(dt_max))
