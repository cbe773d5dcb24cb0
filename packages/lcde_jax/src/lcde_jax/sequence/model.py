"""Settings of a sequence model: input, layers around one mixer, output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import Tracer

from seqtheory import settings

from .capacity import bytes_when_built
from .embedding import LinearInput, TokenInput
from .layer import Layer
from .mixer import MixerConfig
from .network import SequenceModel

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import PRNGKeyArray


@dataclass(frozen=True, kw_only=True)
class SequenceModelConfig(settings.SequenceModel):
    """A sequence model in JAX, built from a key."""

    mixer: MixerConfig
    input: TokenInput | LinearInput

    def build(self, key: PRNGKeyArray, *, dtype: DTypeLike | None = None) -> SequenceModel:
        """Draw every parameter from this key, in JAX's default floating type or another one.

        Raises
        ------
        MemoryError
            If the parameters do not fit this machine.
        """
        chosen = jnp.dtype(dtype or jax.dtypes.canonicalize_dtype(float))
        if not isinstance(key, Tracer):
            self._require_memory(chosen)
        return SequenceModel(self, dtype=chosen, key=key)

    def _require_memory(self, dtype: DTypeLike) -> None:
        ends = bytes_when_built(
            lambda key: (
                self.input.build(self.width, dtype=dtype, key=key),
                eqx.nn.Linear(self.width, self.output.size, dtype=dtype, key=key),
            )
        )
        layer = bytes_when_built(lambda key: Layer(self, index=0, dtype=dtype, key=key))
        self.require_memory(ends, layer)
