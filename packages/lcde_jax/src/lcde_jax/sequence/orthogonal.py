"""Random orthogonal matrices of a structure, in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from seqtheory.structure import (
    Diagonal,
    Structure,
    WalshHadamard,
)

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import Array, Float, PRNGKeyArray


def orthogonal(
    structure: Structure, state_dim: int, count: int, dtype: DTypeLike, key: PRNGKeyArray
) -> dict[str, Array]:
    """Draw parameters of `count` orthogonal matrices, as `seqtheory.structure._start` describes.

    `structure` is one of its `WITH_ORTHOGONAL`; `state_dim` counts the rows of a matrix.
    """
    (name, shape), *rest = structure.shapes(state_dim).items()
    if rest:
        of_signs, of_vectors = jax.random.split(key)
        signs = jax.random.rademacher(of_signs, (count, *shape), dtype)
        rank = rest[0][1][-1]
        left, right = _reflections(count, state_dim, rank, dtype, of_vectors)
        return {"diagonal": signs, "left": signs[..., None] * left, "right": right}
    if isinstance(structure, Diagonal | WalshHadamard):
        return {name: jax.random.rademacher(key, (count, *shape), dtype)}
    made = jax.random.orthogonal(key, shape[-1], (count, *shape[:-2]), dtype)
    if shape[-1] > 1:
        made = made.at[..., 0].multiply(jnp.sign(jnp.linalg.det(made))[..., None])
    return {name: made}


def _reflections(
    count: int, state_dim: int, rank: int, dtype: DTypeLike, key: PRNGKeyArray
) -> tuple[Float[Array, "count row rank"], Float[Array, "count row rank"]]:
    """U and V of equal size, with I + U V^T a product of `rank` random reflections."""
    Y = jax.random.normal(key, (count, state_dim, rank), dtype)
    Y = Y / jnp.linalg.norm(Y, axis=-2, keepdims=True)
    inverse = jnp.eye(rank, dtype=dtype)[None] / 2 + jnp.triu(Y.mT @ Y, 1)
    return -Y @ jnp.linalg.inv(inverse) / 2**0.5, Y * 2**0.5
