"""Products of structured matrices with vectors: the twin of `seqtheory.structure` in JAX."""

from __future__ import annotations

from collections import namedtuple
from functools import lru_cache, singledispatch
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from seqtheory.structure import (
    BlockDiagonal,
    Dense,
    Diagonal,
    DiagonalPlusLowRank,
    OneHotDiagonal,
    Sparse,
    Structure,
    WalshHadamard,
)
from seqtheory.structure._rule import Rule, kept

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jaxtyping import Array, Float

    Parameters = Mapping[str, Array]

__all__ = [
    "BlockDiagonal",
    "Dense",
    "Diagonal",
    "DiagonalPlusLowRank",
    "OneHotDiagonal",
    "Sparse",
    "Structure",
    "WalshHadamard",
    "apply",
    "by_name",
    "entries",
    "hadamard_transform",
    "named",
    "norm_bound",
]


def named(parameters: Mapping[str, Any]) -> Any:
    """Return the parameters as a named tuple: a JAX tree like a dictionary, but hashable."""
    return _named_tuple(tuple(parameters))(**parameters)


def by_name(parameters: Any) -> dict[str, Array]:
    """Give the parameters in a named tuple as the dictionary that `named` took."""
    return parameters._asdict()


@lru_cache
def _named_tuple(names: tuple[str, ...]) -> Any:
    return namedtuple("Parameters", names)


def entries(
    structure: Structure, rule: Rule, stored: Float[Array, "channel ..."]
) -> Float[Array, "channel ..."]:
    r"""Apply a rule to a stored parameter, before it is scaled and summed over channels.

    With ``rule="published"`` this gives :math:`\tanh(d_i)` for `WalshHadamard` and
    :math:`m_i \odot A_i` for `Sparse`; otherwise the parameter itself.
    """
    if rule == "published" and isinstance(structure, WalshHadamard):
        return jnp.tanh(stored)
    if rule == "published" and isinstance(structure, Sparse):
        return stored * kept(structure, stored.shape[-1], len(stored)).astype(stored.dtype)
    return stored


@singledispatch
def apply(
    structure: Structure, parameters: Parameters, vectors: Float[Array, "... width"]
) -> Float[Array, "... width"]:
    """Multiply vectors by a structured matrix without forming it.

    Parameters
    ----------
    structure
        One that is a field of an equation; `OneHotDiagonal` is not.
    parameters
        As in `seqtheory.structure`; leading axes broadcast against those of the vectors.
    vectors
        In the type of the parameters.
    """
    raise TypeError(f"got structure={structure!r}, which has no product here.")


@apply.register(Dense)
def _(structure: Dense, parameters: Parameters, vectors: Array) -> Array:
    return jnp.einsum("...ij,...j->...i", parameters["matrix"], vectors)


@apply.register(Diagonal)
def _(structure: Diagonal, parameters: Parameters, vectors: Array) -> Array:
    return _scaled(parameters["diagonal"], vectors)


@apply.register(BlockDiagonal)
def _(structure: BlockDiagonal, parameters: Parameters, vectors: Array) -> Array:
    parts = vectors.reshape(*vectors.shape[:-1], -1, structure.block_size)
    moved = jnp.einsum("...kij,...kj->...ki", parameters["blocks"], parts)
    return moved.reshape(*moved.shape[:-2], -1)


@apply.register(DiagonalPlusLowRank)
def _(structure: DiagonalPlusLowRank, parameters: Parameters, vectors: Array) -> Array:
    inner = jnp.einsum("...nr,...n->...r", parameters["right"], vectors)
    outer = jnp.einsum("...nr,...r->...n", parameters["left"], inner)
    return _scaled(parameters["diagonal"], vectors) + outer


@apply.register(Sparse)
def _(structure: Sparse, parameters: Parameters, vectors: Array) -> Array:
    chosen = vectors[..., structure.columns(vectors.shape[-1])]
    return jnp.einsum("...nk,...nk->...n", parameters["entries"], chosen)


@apply.register(WalshHadamard)
def _(structure: WalshHadamard, parameters: Parameters, vectors: Array) -> Array:
    return hadamard_transform(_scaled(parameters["diagonal"], vectors))


def _scaled(diagonal: Array, vectors: Array) -> Array:
    """Multiply entry by entry; leading axes broadcast."""
    return jnp.multiply(*jnp.broadcast_arrays(diagonal, vectors))


def hadamard_transform(values: Float[Array, "... width"]) -> Float[Array, "... width"]:
    r"""Walsh-Hadamard transform :math:`H v / \sqrt n` along the last axis, of a power of two."""
    width = values.shape[-1]
    moved, half = values, 1
    while half < width:
        pairs = moved.reshape(*values.shape[:-1], -1, 2, half)
        first, second = pairs[..., 0, :], pairs[..., 1, :]
        moved = jnp.stack([first + second, first - second], axis=-2).reshape(values.shape)
        half *= 2
    return moved / np.sqrt(width).astype(values.dtype)


@singledispatch
def norm_bound(structure: Structure, parameters: Parameters) -> Float[Array, ""]:
    r"""Bound K with :math:`|\sum_i g_i A_i|_2 \le K |g|_2` for every g, i the leading axis.

    By Cauchy and Schwarz :math:`K^2 = |\sum_i A_i A_i^\top|_2` and
    :math:`K^2 = \sum_i |A_i|_2^2` will do; each structure takes what it can bound at its own cost.
    """
    raise TypeError(f"got structure={structure!r}, which has no bound here.")


@norm_bound.register(BlockDiagonal)
def _(structure: BlockDiagonal, parameters: Parameters) -> Array:
    return jnp.sqrt(jnp.square(parameters["blocks"]).sum(axis=(0, 2, 3)).max())


@norm_bound.register(DiagonalPlusLowRank)
def _(structure: DiagonalPlusLowRank, parameters: Parameters) -> Array:
    left, right = (
        jnp.linalg.norm(jnp.einsum("inr,ins->irs", parameters[name], parameters[name]), axis=(1, 2))
        for name in ("left", "right")
    )
    return jnp.linalg.norm(jnp.abs(parameters["diagonal"]).max(axis=1) + jnp.sqrt(left * right))


@norm_bound.register(Sparse)
def _(structure: Sparse, parameters: Parameters) -> Array:
    """Use that the square of the spectral norm is at most the product of the 1- and inf-norms."""
    sizes = jnp.abs(parameters["entries"])
    columns = structure.columns(sizes.shape[1])
    sums = jnp.zeros(sizes.shape[:2], sizes.dtype).at[:, columns].add(sizes)
    return jnp.sqrt((sums.max(axis=1) * sizes.sum(axis=2).max(axis=1)).sum())


@norm_bound.register(WalshHadamard)
def _(structure: WalshHadamard, parameters: Parameters) -> Array:
    return jnp.sqrt(jnp.square(parameters["diagonal"]).sum(axis=0).max())
