"""Normalisation of the channels, over each position or over the valid positions of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import equinox as eqx
import jax.numpy as jnp
from jax import lax

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import Array, Bool, Float

_EPSILON = 1e-5
_MOMENTUM = 0.1  # share of the latest batch in the running statistics


class LayerNorm(eqx.Module):
    """Mean 0 and variance 1 over the channels of each position, then an affine map of each."""

    weight: Float[Array, " width"]
    bias: Float[Array, " width"]

    def __init__(self, width: int, dtype: DTypeLike):
        self.weight, self.bias = jnp.ones(width, dtype), jnp.zeros(width, dtype)

    def __call__(self, x: Float[Array, "*point width"]) -> Float[Array, "*point width"]:
        """Normalise each position over its channels."""
        centred = x - x.mean(-1, keepdims=True)
        variance = (centred**2).mean(-1, keepdims=True)
        weight, bias = (jnp.broadcast_to(part, x.shape) for part in (self.weight, self.bias))
        return centred * lax.rsqrt(variance + _EPSILON) * weight + bias


class BatchNorm(eqx.Module):
    """Parameters of a batch normalisation, and the running statistics that evaluation uses.

    Attributes
    ----------
    weight, bias
        The affine map that follows.
    running_mean, running_var
        Averages over the batches that were seen in training, the newest with weight 0.1.
    num_batches_tracked
        How many these were, as a floating number.
    """

    weight: Float[Array, " width"]
    bias: Float[Array, " width"]
    running_mean: Float[Array, " width"] = eqx.field(metadata={"statistic": True})
    running_var: Float[Array, " width"] = eqx.field(metadata={"statistic": True})
    num_batches_tracked: Float[Array, ""] = eqx.field(metadata={"statistic": True})

    def __init__(self, width: int, dtype: DTypeLike):
        self.weight, self.bias = jnp.ones(width, dtype), jnp.zeros(width, dtype)
        self.running_mean, self.running_var = jnp.zeros(width, dtype), jnp.ones(width, dtype)
        self.num_batches_tracked = jnp.zeros((), dtype)


class MaskedBatchNorm(eqx.Module):
    """Batch normalisation whose statistics see valid positions only."""

    norm: BatchNorm

    def __init__(self, width: int, dtype: DTypeLike):
        self.norm = BatchNorm(width, dtype)

    def __call__(
        self, x: Float[Array, "*point width"], mask: Bool[Array, "*point"] | None = None
    ) -> Float[Array, "*point width"]:
        """Normalise by the running statistics; hidden positions become zero."""
        return self._applied(x, mask, self.norm.running_mean, self.norm.running_var)

    def train_call(
        self, x: Float[Array, "*point width"], mask: Bool[Array, "*point"] | None
    ) -> tuple[Float[Array, "*point width"], MaskedBatchNorm]:
        """Normalise by the statistics of this batch, and add them to the running ones."""
        valid = jnp.ones(x.shape[:-1], x.dtype) if mask is None else mask.astype(x.dtype)
        axes, valid = tuple(range(x.ndim - 1)), valid[..., None]
        if x.size // x.shape[-1] < 2:
            raise ValueError(
                "batch normalisation in training mode got one position in all, and its variance "
                "needs two. Give more rows, or use norm='layer'."
            )
        count = valid.sum()
        mean = (x * valid).sum(axes) / count
        variance = ((x - jnp.broadcast_to(mean, x.shape)) ** 2 * valid).sum(axes) / count
        unbiased = variance * count / (count - 1)
        old = self.norm
        moved = (
            (1 - _MOMENTUM) * old.running_mean + _MOMENTUM * mean,
            (1 - _MOMENTUM) * old.running_var + _MOMENTUM * unbiased,
            old.num_batches_tracked + 1,
        )
        statistics = (lax.stop_gradient(value) for value in moved)
        return self._applied(x, mask, mean, variance), eqx.tree_at(_statistics, self, [*statistics])

    def _applied(self, x: Array, mask: Array | None, mean: Array, variance: Array) -> Array:
        scale = lax.rsqrt(variance + _EPSILON) * self.norm.weight
        mean, scale, bias = (jnp.broadcast_to(p, x.shape) for p in (mean, scale, self.norm.bias))
        y = (x - mean) * scale + bias
        return y if mask is None else jnp.where(mask[..., None], y, 0)


def _statistics(norm: MaskedBatchNorm) -> list[Array]:
    return [norm.norm.running_mean, norm.norm.running_var, norm.norm.num_batches_tracked]
