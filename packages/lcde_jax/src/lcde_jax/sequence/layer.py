"""One layer of a model: a mixer with its linear map, activation, dropout, residual and norm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp

from .embedding import affine
from .mixer import Mixer
from .norm import LayerNorm, MaskedBatchNorm

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax.typing import DTypeLike
    from jaxtyping import Array, Bool, Float, PRNGKeyArray

    from .model import SequenceModelConfig


class Layer(eqx.Module):
    """Mixer, mixing, activation, dropout, residual and norm, in the order that the config names.

    Parameters
    ----------
    config
        Settings of the whole model.
    index
        Which layer it is, counted from 0. In the order of 2024-05 nothing follows the last mixer.
    """

    mixer: Mixer
    mixing: eqx.nn.Linear | None
    norm: LayerNorm | MaskedBatchNorm | None
    config: SequenceModelConfig = eqx.field(static=True)
    has_activation: bool = eqx.field(static=True)

    def __init__(
        self, config: SequenceModelConfig, *, index: int, dtype: DTypeLike, key: PRNGKeyArray
    ):
        of_mixer, of_mixing = jax.random.split(key)
        width, last = config.width, index == config.depth - 1
        ends = last and config.order == "2024-05"
        mixer = config.mixer.at_layer(index, config.depth)
        self.mixer = mixer.build(width, dtype=dtype, key=of_mixer)
        widened = 2 * width if config.activation == "glu" else width
        mixes = config.mixing and not ends
        self.mixing = eqx.nn.Linear(width, widened, dtype=dtype, key=of_mixing) if mixes else None
        norms = {"layer": LayerNorm, "batch": MaskedBatchNorm}
        self.norm = norms[config.norm](width, dtype) if config.norm != "none" else None
        self.config, self.has_activation = config, not ends

    def __call__(
        self,
        x: Float[Array, "batch time width"],
        mask: Bool[Array, "batch time"] | None = None,
        *,
        key: PRNGKeyArray | None = None,
        mix: Callable[[Array], Array] | None = None,
    ) -> tuple[Float[Array, "batch time width"], LayerNorm | MaskedBatchNorm | None]:
        """Map a sequence to a sequence; training mode with a key.

        `mix` stands in for the mixer. Also gives the norm, whose statistics training moves.
        """
        norm, trains = self.norm, key is not None
        seen = x
        if self.config.norm_position == "pre":
            seen, norm = self._normalised(x, mask, trains)
        if mask is not None and not self.config.mixer.causal:
            seen = jnp.where(mask[..., None], seen, 0)
        y = self._after(x, (mix or self.mixer)(seen), key)
        if self.config.norm_position == "post":
            y, norm = self._normalised(y, mask, trains)
        return y, norm

    def mixed(self, x: Float[Array, "batch time width"]) -> Float[Array, "batch time width"]:
        """Return the mixer's output on a sequence, before the rest of the layer acts on it."""
        pre = self.config.norm_position == "pre"
        return self.mixer(self._normalised(x, None, False)[0] if pre else x)

    def prefill(
        self, x: Float[Array, "batch time width"], state: Any
    ) -> tuple[Float[Array, "batch time width"], Any]:
        """Map the next part of a sequence."""
        return self._proceed(self.mixer.prefill, x, state)

    def step(
        self, x_k: Float[Array, "batch width"], state: Any
    ) -> tuple[Float[Array, "batch width"], Any]:
        """Advance by one position."""
        return self._proceed(self.mixer.step, x_k, state)

    def _proceed(
        self, mix: Callable[[Array, Any], tuple[Array, Any]], x: Array, state: Any
    ) -> tuple[Array, Any]:
        pre = self.config.norm_position == "pre"
        seen = self._normalised(x, None, False)[0] if pre else x
        mixed, state = mix(seen, state)
        y = self._after(x, mixed, None)
        return (y if pre else self._normalised(y, None, False)[0]), state

    def _after(self, x: Array, mixed: Array, key: PRNGKeyArray | None) -> Array:
        """Apply mixing, activation, dropout and residual to the mixer's output `mixed`."""
        first, second = (None, None) if key is None else jax.random.split(key)
        dropped = dropout(mixed, self.config.dropout, first)
        if self.config.order == "2024-05":
            return self._mixed(self._activated(dropped))
        y = dropout(self._activated(self._mixed(dropped)), self.config.dropout, second)
        return x + y if self.config.residual else y

    def _mixed(self, x: Array) -> Array:
        return x if self.mixing is None else affine(self.mixing, x)

    def _activated(self, x: Array) -> Array:
        if not self.has_activation or self.config.activation == "none":
            return x
        if self.config.activation == "gelu":
            return jax.nn.gelu(x, approximate=False)
        return {"glu": jax.nn.glu, "relu": jax.nn.relu}[self.config.activation](x)

    def _normalised(self, x: Array, mask: Array | None, trains: bool) -> tuple[Array, Any]:
        if self.norm is None:
            return x, None
        if isinstance(self.norm, LayerNorm):
            return self.norm(x), self.norm
        return self.norm.train_call(x, mask) if trains else (self.norm(x, mask), self.norm)


def dropout(x: Array, share: float, key: PRNGKeyArray | None) -> Array:
    """Drop entries with this probability and scale the others; nothing without a key."""
    if key is None or share == 0:
        return x
    kept = jax.random.bernoulli(key, 1 - share, x.shape)
    return jnp.where(kept, x / (1 - share), 0)
