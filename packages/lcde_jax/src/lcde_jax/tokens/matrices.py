"""One free affine map per token of the vocabulary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp

from seqtheory.checks import require_memory
from seqtheory.structure._transition import check_transition

from ..structure import (
    BlockDiagonal,
    Dense,
    Diagonal,
    OneHotDiagonal,
    Structure,
    WalshHadamard,
    by_name,
    named,
)
from .scan import masked_token_scan
from .transitions import affine_scan, transitions

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray


class TokenMatrices(eqx.Module):
    r"""One free affine map per token.

    .. math:: y_k = M(x_k)\, y_{k-1} + f(x_k), \qquad y_0 = d

    Parameters
    ----------
    vocabulary
        Number of tokens.
    width
        Number of state variables.
    structure
        Structure of the matrices; `OneHotDiagonal` only with ``entries="real"``.
    forcing
        Whether the offsets f are present; they start at zero.
    dtype
        A floating type; JAX's default one if None.
    key
        JAX random key.

    Attributes
    ----------
    matrices
        `(vocabulary, width, width)`; random rotations and reflections at the start, so that
        states neither grow nor shrink along a word of any length. For other structures a named
        tuple of their parameters: blocks are rotations and reflections, diagonals random
        signs, and the rest is the random draw of the structure.
    forcing
        `(vocabulary, width)`, or None.
    d
        Initial state, N(0, 1).

    Notes
    -----
    This is `TokenCDE` with as many data channels as tokens, embedded as unit vectors.
    """

    matrices: Float[Array, "vocabulary width width"] | Any = eqx.field(metadata={"state": True})
    forcing: Float[Array, "vocabulary width"] | None
    d: Float[Array, " width"]
    structure: Structure = eqx.field(static=True)

    def __init__(
        self,
        vocabulary: int,
        width: int,
        *,
        structure: Structure = Dense(),  # noqa: B008 - a frozen value
        forcing: bool = True,
        dtype: DTypeLike | None = None,
        key: PRNGKeyArray,
    ):
        check_transition(structure, "direct")
        if isinstance(structure, OneHotDiagonal) and structure.entries != "real":
            raise ValueError(
                f"got structure={structure}, expected OneHotDiagonal(entries='real'): the states "
                "here are real. `SequenceModelConfig` has complex ones."
            )
        of_matrices, of_state = jax.random.split(key)
        dtype = jnp.dtype(dtype or jax.dtypes.canonicalize_dtype(float))
        self.structure = structure
        numbers = vocabulary * (structure.num_parameters(width) + width)
        what = f"a matrix of width={width:,} for each of vocabulary={vocabulary:,} tokens"
        require_memory(dtype.itemsize * numbers, what)
        if isinstance(structure, Dense):
            self.matrices = jax.random.orthogonal(of_matrices, width, (vocabulary,), dtype)
        else:
            self.matrices = named(_drawn(structure, vocabulary, width, dtype, of_matrices))
        self.forcing = jnp.zeros((vocabulary, width), dtype) if forcing else None
        self.d = jax.random.normal(of_state, (width,), dtype)

    def __call__(
        self,
        embedding: Float[Array, "vocabulary width"],
        tokens: Int[Array, "batch time"],
        mask: Bool[Array, "batch time"] | None = None,
    ) -> Float[Array, "batch time width"]:
        """State after each token; the embedding is not used."""
        if not isinstance(self.structure, Dense):
            moves = transitions(self.structure, "direct", by_name(self.matrices), len(self.d))
            return affine_scan(moves, self.forcing, self.d, tokens, mask)
        offsets = jnp.zeros_like(embedding) if self.forcing is None else self.forcing
        initial = jnp.broadcast_to(self.d, (len(tokens), len(self.d)))
        return masked_token_scan(self.matrices, offsets, initial, tokens, mask)


def _drawn(
    structure: Structure, vocabulary: int, width: int, dtype: DTypeLike, key: PRNGKeyArray
) -> dict[str, Array]:
    """Draw parameters whose matrices keep the size of a state, exactly where they can."""
    shapes, scales = structure.shapes(width), structure.scales(width)
    if isinstance(structure, BlockDiagonal):
        shape = (vocabulary, width // structure.block_size)
        return {"blocks": jax.random.orthogonal(key, structure.block_size, shape, dtype)}
    if isinstance(structure, (Diagonal, WalshHadamard)):
        return {"diagonal": jax.random.rademacher(key, (vocabulary, width), dtype)}
    keys = jax.random.split(key, len(shapes))
    return {
        name: structure.centres.get(name, 0.0)
        + scales[name] * jax.random.normal(of_part, (vocabulary, *shape), dtype)
        for of_part, (name, shape) in zip(keys, shapes.items(), strict=True)
    }
