"""S5: one state-space model with many inputs and outputs, by a scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp

from seqtheory import settings
from seqtheory._sequences import require_causal
from seqtheory.settings.s5 import CLIPPED_AT

from .discretisation import discretised
from .mixer import Mixer, MixerConfig, check_sequence
from .parameter import as_complex, as_pair, log_steps
from .real_mode import once_last, real_last

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import Array, Complex, Float, PRNGKeyArray

_CUT_DEVIATION = 0.87962566103423978  # of a standard normal between -2 and 2


@dataclass(frozen=True, kw_only=True)
class S5Config(settings.S5, MixerConfig):
    """S5 in JAX, by an associative scan."""

    def build(self, width: int, *, dtype: DTypeLike, key: PRNGKeyArray) -> S5:
        """Draw the module."""
        return S5(self, width, dtype=dtype, key=key)


class S5(Mixer):
    """Module of `S5Config`."""

    eigenvalues: Float[Array, "state 2"] = eqx.field(metadata={"state": True})
    log_dt: Float[Array, " state"] = eqx.field(metadata={"state": True})
    B: Float[Array, "state width 2"] = eqx.field(metadata={"state": True})
    C: Float[Array, "width states 2"]
    D: Float[Array, " width"] | None
    config: S5Config = eqx.field(static=True)

    def __init__(self, config: S5Config, width: int, *, dtype: DTypeLike, key: PRNGKeyArray):
        of_steps, of_B, of_C, of_D = jax.random.split(key, 4)
        values, vectors = (jnp.asarray(part) for part in config.block_spectrum())
        P, drawn = config.state_dim, (2 if config.bidirectional else 1, width, config.state_dim)
        if config.start == "published":
            B = _cut_off_normal(of_B, (P, width), P**-0.5, dtype)
            parts = _cut_off_normal(of_C, (2, *drawn), P**-0.5, dtype)
            C = jax.lax.complex(*parts)
        else:
            B = jax.random.normal(of_B, (P, width), dtype) / width**0.5
            C = jax.random.normal(of_C, drawn, dtype) / P**0.5
        B, C = B.astype(vectors.dtype), C.astype(vectors.dtype)
        self.eigenvalues = as_pair(values, dtype)
        self.log_dt = log_steps(of_steps, (len(values),), config.dt_min, config.dt_max, dtype)
        self.B = as_pair(vectors.conj().T @ B, dtype)
        self.C = as_pair(jnp.concatenate(C @ vectors, -1), dtype)
        self.D = jax.random.normal(of_D, (width,), dtype) if config.skip else None
        self.config = config

    @property
    def width(self) -> int:
        """Channels of an input."""
        return len(self.C)

    def __call__(self, x: Float[Array, "batch time width"]) -> Float[Array, "batch time width"]:
        """Scan over time."""
        check_sequence(x, self.width)
        transition, B = self._discretised()
        parts = (_each_step(transition, x), _driven(B, x))
        states = jax.lax.associative_scan(_joined, parts, axis=1)[1]
        if self.config.bidirectional:
            behind = jax.lax.associative_scan(_joined, parts, axis=1, reverse=True)[1]
            states = jnp.concatenate((states, behind), -1)
        return self._read(states, x)

    def initial_state(self, batch_size: int) -> Complex[Array, "batch state"]:
        """Zero."""
        require_causal(self, bidirectional=self.config.bidirectional)
        values = as_complex(self.eigenvalues)
        return jnp.zeros((batch_size, len(values)), values.dtype)

    def step(
        self, x_k: Float[Array, "batch width"], state: Complex[Array, "batch state"]
    ) -> tuple[Float[Array, "batch width"], Complex[Array, "batch state"]]:
        """Advance by one position."""
        self.check_step(x_k, state)
        transition, B = self._discretised()
        state = transition[None] * state + _driven(B, x_k)
        return self._read(state, x_k), state

    def run(
        self, x: Float[Array, "batch time width"], state: Complex[Array, "batch state"]
    ) -> tuple[Float[Array, "batch time width"], Complex[Array, "batch state"]]:
        """Scan over time, from a state that enters with the first input."""
        transition, B = self._discretised()
        drive = _driven(B, x).at[:, 0].add(transition[None] * state)
        parts = (_each_step(transition, x), drive)
        states = jax.lax.associative_scan(_joined, parts, axis=1)[1]
        return self._read(states, x), states[:, -1]

    def _discretised(self) -> tuple[Complex[Array, " state"], Complex[Array, "state width"]]:
        """Eigenvalues and input map of one step."""
        values = self._real_states(as_complex(self.eigenvalues))
        if self.config.clip_eigenvalues:
            values = jax.lax.complex(jnp.minimum(values.real, CLIPPED_AT), values.imag)
        dt = self.config.step_scale * jnp.exp(self.log_dt)
        exponents, gain = discretised(self.config.discretisation, values, dt)
        return jnp.exp(exponents), gain[:, None] * self._real_states(as_complex(self.B).T).T

    def _real_states(self, values: Complex[Array, "... state"]) -> Complex[Array, "... state"]:
        """Drop what would make the last state of an odd block complex."""
        if not self.config.odd:
            return values
        return real_last(self._blocks(values)).reshape(values.shape)

    def _blocks(self, values: Array) -> Array:
        return values.reshape(*values.shape[:-1], -1, self.config.block_modes)

    def _read(self, h: Array, x: Array) -> Array:
        C = as_complex(self.C)
        if self.config.odd:
            C = once_last(self._blocks(C)).reshape(C.shape)
        y = h.real @ C.real.T - h.imag @ C.imag.T
        y = 2 * y if self.config.conjugate_symmetry else y
        return y if self.D is None else y + jnp.broadcast_to(self.D, x.shape) * x


def _cut_off_normal(
    key: PRNGKeyArray, shape: tuple[int, ...], deviation: float, dtype: DTypeLike
) -> Array:
    """Draw normals truncated at two standard deviations, scaled to have the given `deviation`."""
    return jax.random.truncated_normal(key, -2, 2, shape, dtype) * (deviation / _CUT_DEVIATION)


def _driven(
    B: Complex[Array, "state width"], x: Float[Array, "... width"]
) -> Complex[Array, "... state"]:
    return jax.lax.complex(x @ B.real.T, x @ B.imag.T)


def _each_step(
    transition: Complex[Array, " state"], x: Float[Array, "batch time width"]
) -> Complex[Array, "1 time state"]:
    return jnp.broadcast_to(transition, (1, x.shape[1], len(transition)))


def _joined(first: tuple[Array, Array], second: tuple[Array, Array]) -> tuple[Array, Array]:
    """Apply one affine map after another."""
    return second[0] * first[0], second[0] * first[1] + second[1]
