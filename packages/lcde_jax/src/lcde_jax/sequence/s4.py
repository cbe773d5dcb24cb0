"""S4: a diagonal plus low-rank state-space model per channel, by convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp

from seqtheory import settings

from .convolution import Convolution
from .dplr_kernel import advance, dplr_kernel, inner
from .mixer import MixerConfig
from .parameter import as_complex, as_pair, complex_normal, log_steps
from .real_mode import real_last

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import Array, Complex, Float, PRNGKeyArray


@dataclass(frozen=True, kw_only=True)
class S4DPLRConfig(settings.S4DPLR, MixerConfig):
    """S4 in JAX, with the cost of `dplr_kernel`."""

    def build(self, width: int, *, dtype: DTypeLike, key: PRNGKeyArray) -> S4:
        """Draw the module."""
        return S4(self, width, dtype=dtype, key=key)


class S4(Convolution):
    """Module of `S4DPLRConfig`."""

    log_decay: Float[Array, "width mode"] = eqx.field(metadata={"state": True})
    frequency: Float[Array, "width mode"] = eqx.field(metadata={"state": True})
    P: Float[Array, "width mode 2"] = eqx.field(metadata={"state": True})
    B: Float[Array, "width mode 2"] = eqx.field(metadata={"state": True})
    config: S4DPLRConfig = eqx.field(static=True)

    def __init__(self, config: S4DPLRConfig, width: int, *, dtype: DTypeLike, key: PRNGKeyArray):
        of_steps, of_C, of_D = jax.random.split(key, 3)
        A, P, B = (jnp.tile(part, (width, 1)) for part in config.first_system())
        self.log_decay = jnp.log(-A.real).astype(dtype)
        self.frequency = A.imag.astype(dtype)
        self.P, self.B = as_pair(P, dtype), as_pair(B, dtype)
        self.log_dt = log_steps(of_steps, (width, 1), config.dt_min, config.dt_max, dtype)
        self.C = complex_normal(of_C, (*config.directions, *A.shape), 1.0, dtype)
        self.D = jax.random.normal(of_D, (width,), dtype) if config.skip else None
        self.config = config

    @property
    def eigenvalues(self) -> Complex[Array, "width mode"]:
        """Lambda of each channel."""
        return self._real_state(jax.lax.complex(-jnp.exp(self.log_decay), self.frequency))

    def kernels(self, length: int) -> Float[Array, "direction width length"]:
        """Kernels from the generating function."""
        return dplr_kernel(*self._system(), self._read_out(), length)

    def advance(
        self, x_k: Float[Array, "batch width"], state: Complex[Array, "batch width mode"]
    ) -> tuple[Float[Array, "batch width"], Complex[Array, "batch width mode"]]:
        """Advance by a diagonal and a rank of one."""
        mu, p, b = self._system()
        state = advance(mu, p, b[None] * x_k[..., None].astype(b.dtype), state)
        return inner(self._read_out()[:1], state), state

    def _system(self) -> tuple[Array, Array, Array]:
        """Half a step of the system, in the coordinates of `dplr_kernel`."""
        half = jnp.exp(self.log_dt) / 2
        p, b = (self._scaled(self._real_state(as_complex(pair))) for pair in (self.P, self.B))
        mu = half.astype(p.dtype) * self.eigenvalues
        return mu, jnp.sqrt(half).astype(p.dtype) * p, half.astype(b.dtype) * b

    def _read_out(self) -> Complex[Array, "direction width mode"]:
        return self._scaled(self._real_state(self.output_maps).conj())

    def _scaled(self, values: Complex[Array, "... mode"]) -> Complex[Array, "... mode"]:
        """Multiply by the root of w: a pair is two coordinates of the same size."""
        w = jnp.full(values.shape[-1], 2, values.real.dtype)
        root = jnp.sqrt(w.at[-1].set(1) if self.config.state_dim % 2 else w)
        return values * jnp.broadcast_to(root.astype(values.dtype), values.shape)

    def _real_state(self, values: Complex[Array, "... mode"]) -> Complex[Array, "... mode"]:
        """Drop what would make the last mode of an odd system complex."""
        return real_last(values) if self.config.state_dim % 2 else values
