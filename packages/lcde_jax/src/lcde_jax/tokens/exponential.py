"""Exponentials of many matrices at once, differentiable, in matrix products alone."""

from __future__ import annotations

from math import factorial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from jaxtyping import Array, Float

_SCALED_NORM = 0.5
_MOST_SQUARINGS = 12


def exponentials(matrices: Float[Array, "batch width width"]) -> Float[Array, "batch width width"]:
    r"""Exponential of each matrix, by scaling, a Taylor polynomial and squaring.

    .. math:: e^X \approx \Bigl(\sum_{n \le m} \frac{(X / 2^s)^n}{n!}\Bigr)^{2^s}

    Parameters
    ----------
    matrices
        A batch of float32 (m = 8) or float64 (m = 15) matrices.

    Returns
    -------
    The exponentials; NaN where the scaled norm would need more than 12 squarings.

    Notes
    -----
    The number of squarings is the least for the whole batch with
    :math:`\max(\|X^2\|^{1/2}, \|X^3\|^{1/3}) \le 2^{s-1}` in the 1-norm, which bounds every later
    power of X; the remainder is then below the rounding of the type.

    References
    ----------
    A. Al-Mohy and N. Higham, A New Scaling and Squaring Algorithm for the Matrix Exponential,
    SIAM J. Matrix Anal. Appl. 31 (2009), theorem 4.2.
    """
    degree, chunk = (15, 4) if matrices.dtype == jnp.float64 else (8, 3)
    square = matrices @ matrices
    cube = square @ matrices
    size = jnp.maximum(_norm(square) ** (1 / 2), _norm(cube) ** (1 / 3))
    squarings = jnp.ceil(jnp.log2(jnp.maximum(size / _SCALED_NORM, 1.0)))
    scale = jnp.exp2(-squarings).astype(matrices.dtype)
    powers = [matrices * scale, square * scale**2, cube * scale**3]
    if chunk == 4:
        powers.append(powers[1] @ powers[1])
    result = _taylor(powers, degree, chunk)
    for done in range(_MOST_SQUARINGS):
        result = jax.lax.cond(done < squarings, lambda m: m @ m, lambda m: m, result)
    return jnp.where(squarings <= _MOST_SQUARINGS, result, jnp.nan)


def _norm(matrices: Float[Array, "batch width width"]) -> Float[Array, ""]:
    """Largest 1-norm of the batch, a constant to differentiation."""
    return jax.lax.stop_gradient(jnp.abs(matrices)).sum(axis=-2).max()


def _taylor(powers: list[Array], degree: int, chunk: int) -> Float[Array, "batch width width"]:
    """Sum of X^n / n!, n <= degree, by the method of Paterson and Stockmeyer."""
    identity = jnp.eye(powers[0].shape[-1], dtype=powers[0].dtype)[None]

    def part(start: int) -> Array:
        total = identity / factorial(start)
        for n in range(1, min(chunk, degree - start + 1)):
            total = total + powers[n - 1] / factorial(start + n)
        return total

    start = degree // chunk * chunk
    result = part(start)
    while start:
        start -= chunk
        result = result @ powers[chunk - 1] + part(start)
    return result
