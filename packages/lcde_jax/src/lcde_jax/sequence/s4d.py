"""S4D: a diagonal state-space model per channel, by convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp

from seqtheory import settings
from seqtheory.settings.s4d import initial_eigenvalues

from .convolution import Convolution, exponential_sum
from .discretisation import discretised
from .mixer import MixerConfig
from .parameter import as_complex, as_pair, complex_normal, log_steps
from .real_mode import once_last, real_last

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import Array, Complex, Float, PRNGKeyArray


@dataclass(frozen=True, kw_only=True)
class S4DConfig(settings.S4D, MixerConfig):
    """S4D in JAX."""

    def build(self, width: int, *, dtype: DTypeLike, key: PRNGKeyArray) -> S4D:
        """Draw the module."""
        return S4D(self, width, dtype=dtype, key=key)


class S4D(Convolution):
    """Module of `S4DConfig`."""

    log_decay: Float[Array, "width mode"] = eqx.field(metadata={"state": True})
    frequency: Float[Array, "width mode"] = eqx.field(metadata={"state": True})
    config: S4DConfig = eqx.field(static=True)

    def __init__(self, config: S4DConfig, width: int, *, dtype: DTypeLike, key: PRNGKeyArray):
        of_steps, of_C, of_D = jax.random.split(key, 3)
        A = jnp.tile(initial_eigenvalues(config.initialisation, config.state_dim), (width, 1))
        self.log_decay = jnp.log(-A.real).astype(dtype)
        self.frequency = A.imag.astype(dtype)
        self.log_dt = log_steps(of_steps, (width, 1), config.dt_min, config.dt_max, dtype)
        self.C = complex_normal(of_C, (*config.directions, *A.shape), 1.0, dtype)
        if (first := config.first_input) is not None:
            B = jnp.broadcast_to(first, self.C.shape[:-1])
            self.C = as_pair(B * as_complex(self.C).astype(B.dtype), dtype)
        self.D = jax.random.normal(of_D, (width,), dtype) if config.skip else None
        self.config = config

    @property
    def eigenvalues(self) -> Complex[Array, "width mode"]:
        """A of each channel."""
        A = jax.lax.complex(-jnp.exp(self.log_decay), self.frequency)
        return real_last(A) if self.config.state_dim % 2 else A

    @property
    def output_maps(self) -> Complex[Array, "direction width mode"]:
        """C of each direction, half of it for a real state."""
        C = super().output_maps
        return once_last(C) if self.config.state_dim % 2 else C

    def kernels(self, length: int) -> Float[Array, "direction width length"]:
        """Give sums of exponentials."""
        exponents, gain = self._discretised()
        sums = [exponential_sum(gain * C, exponents, length) for C in self.output_maps]
        return 2 * jnp.stack(sums)

    def advance(
        self, x_k: Float[Array, "batch width"], state: Complex[Array, "batch width mode"]
    ) -> tuple[Float[Array, "batch width"], Complex[Array, "batch width mode"]]:
        """Advance every state by itself."""
        exponents, gain = self._discretised()
        driven = gain[None] * x_k[..., None].astype(gain.dtype)
        state = jnp.exp(exponents)[None] * state + driven
        return 2 * (self.output_maps[:1] * state).sum(-1).real, state

    def _discretised(self) -> tuple[Array, Array]:
        return discretised(self.config.discretisation, self.eigenvalues, jnp.exp(self.log_dt))
