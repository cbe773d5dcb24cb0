"""Random orthogonal matrices of a structure: no word of them grows or shrinks a state."""

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
    r"""Draw parameters of `count` orthogonal matrices.

    Dense matrices and blocks are uniform rotations: a reflection is not among them, since training
    cannot turn one into a rotation without passing a singular matrix. Diagonals, and the diagonal
    of a Walsh-Hadamard matrix, are random signs. Of rank r beside a diagonal are random signs s
    times a product of r random reflections,

    .. math:: \mathrm{diag}(s) \prod_j (I - 2 u_j u_j^\top)
              = \mathrm{diag}(s) (I - Y T Y^\top), \qquad
              T^{-1} = \tfrac12 I + \mathrm{triu}(Y^\top Y, 1), \quad Y = (u_1, \dots, u_r).

    Parameters
    ----------
    structure
        One of `WITH_ORTHOGONAL`.
    state_dim
        Rows of a matrix.
    count
        How many.
    dtype, key
        Of the draw.

    References
    ----------
    Schreiber and Van Loan, SIAM J. Sci. Stat. Comput. 10 (1989), the compact form of a product of
    reflections.
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
