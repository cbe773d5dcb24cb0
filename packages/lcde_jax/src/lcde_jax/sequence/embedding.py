"""How a sequence enters a model: tokens looked up, channels mapped, positions added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from seqtheory import settings
from seqtheory._sequences import unknown_token

from .capacity import count_bytes

if TYPE_CHECKING:
    from jax.typing import ArrayLike, DTypeLike
    from jaxtyping import Array, Float, Int, PRNGKeyArray


@dataclass(frozen=True, kw_only=True)
class TokenInput(settings.TokenInput):
    """Tokens in JAX."""

    count_bytes = staticmethod(count_bytes)

    def build(self, width: int, *, dtype: DTypeLike, key: PRNGKeyArray) -> TokenEmbedding:
        """Draw the table; ValueError if unit vectors are asked for and the model is narrower."""
        self.check_width(width)
        if self.one_hot:
            return UnitVectors(jnp.eye(self.vocabulary, width, dtype=dtype))
        return TokenEmbedding(jax.random.normal(key, (self.vocabulary, width), dtype))


@dataclass(frozen=True, kw_only=True)
class LinearInput(settings.LinearInput):
    """Real channels in JAX."""

    count_bytes = staticmethod(count_bytes)

    def build(self, width: int, *, dtype: DTypeLike, key: PRNGKeyArray) -> LinearEmbedding:
        """Draw the map."""
        return LinearEmbedding(eqx.nn.Linear(self.channels, width, dtype=dtype, key=key))


class TokenEmbedding(eqx.Module):
    """Module of `TokenInput`."""

    table: Float[Array, "vocabulary width"]

    def check(self, tokens: ArrayLike, mask: ArrayLike | None) -> None:
        """Raise unless tokens have the right shape and type, and range where they are seen."""
        shape, dtype = np.shape(tokens), dtype_of(tokens)
        if len(shape) != 2:
            raise ValueError(f"got tokens of shape {shape}, expected (batch, time).")
        if not np.issubdtype(dtype, np.integer):
            raise TypeError(f"got tokens of dtype {dtype}, expected integers such as int32.")
        if isinstance(tokens, Tracer) or isinstance(mask, Tracer):
            return
        seen = np.asarray(tokens)
        seen = seen if mask is None else seen[np.asarray(mask)]
        wrong = (seen < 0) | (seen >= len(self.table))
        if wrong.any():
            raise unknown_token(seen[wrong][0], len(self.table))

    def prepared(self, tokens: ArrayLike, mask: Array | None) -> Int[Array, "batch time"]:
        """Tokens, 0 where the mask hides them."""
        tokens = jnp.asarray(tokens, jnp.int32)
        return tokens if mask is None else jnp.where(mask, tokens, 0)

    def __call__(self, tokens: Int[Array, "batch time"]) -> Float[Array, "batch time width"]:
        """Look up rows of the table."""
        return self.table[tokens]


class UnitVectors(TokenEmbedding):
    """Module of `TokenInput(one_hot=True)`: a table that no gradient moves."""

    table: Float[Array, "vocabulary width"] = eqx.field(metadata={"statistic": True})


class LinearEmbedding(eqx.Module):
    """Module of `LinearInput`."""

    linear: eqx.nn.Linear

    def check(self, x: ArrayLike, mask: ArrayLike | None) -> None:
        """Raise unless channels have the right shape and type."""
        del mask
        shape, dtype, channels = np.shape(x), dtype_of(x), self.linear.weight.shape[1]
        if len(shape) != 3 or shape[-1] != channels:
            raise ValueError(f"got inputs of shape {shape}, expected (batch, time, {channels}).")
        if not jnp.issubdtype(dtype, jnp.floating):
            raise TypeError(f"got inputs of dtype {dtype}, expected floating ones.")

    def prepared(self, x: ArrayLike, mask: Array | None) -> Float[Array, "batch time channel"]:
        """Channels in the model's type, 0 where the mask hides them."""
        x = jnp.asarray(x, self.linear.weight.dtype)
        return x if mask is None else jnp.where(mask[..., None], x, 0)

    def __call__(self, x: Float[Array, "batch time channel"]) -> Float[Array, "batch time width"]:
        """Map channels to the model's width."""
        return affine(self.linear, x)


def affine(layer: eqx.nn.Linear, x: Float[Array, "*point inwards"]) -> Float[Array, "*point out"]:
    """Apply ``W x + b`` along the last axis."""
    assert layer.bias is not None
    moved = x @ layer.weight.T
    return moved + jnp.broadcast_to(layer.bias, moved.shape)


def dtype_of(array: ArrayLike) -> np.dtype:
    """Type of an array, or of what NumPy makes of it."""
    return getattr(array, "dtype", None) or np.asarray(array).dtype


def sinusoids(
    positions: Int[Array, " position"], width: int, dtype: DTypeLike
) -> Float[Array, "position width"]:
    r"""Sine and cosine of k 10000^(-2i/width) at positions k, side by side for each i.

    Computed by NumPy in float64 where the positions are known, else in JAX's widest type.
    """
    numpy = jnp if isinstance(positions, Tracer) else np
    rates = numpy.asarray(np.exp(np.arange(0, width, 2) * (-np.log(1e4) / width)))
    angles = numpy.asarray(positions).astype(rates.dtype)[:, None] * rates[None]
    pairs = numpy.stack((numpy.sin(angles), numpy.cos(angles)), axis=-1)
    return jnp.asarray(pairs.reshape(len(angles), -1)[:, :width], dtype)
