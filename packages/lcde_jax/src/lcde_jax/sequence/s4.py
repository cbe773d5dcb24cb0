"""S4: a diagonal plus low-rank state-space model per channel, by convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp

from seqtheory.checks import require_flag, require_integer
from seqtheory.hippo import clipped, diagonal_plus_low_rank

from .convolution import Convolution
from .dplr_kernel import advance, dplr_kernel, inner
from .mixer import MixerConfig, Start, check_start, check_steps
from .parameter import as_complex, as_pair, complex_normal, log_steps
from .real_mode import num_modes, real_last

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import Array, Complex, Float, PRNGKeyArray


@dataclass(frozen=True, kw_only=True)
class S4DPLRConfig(MixerConfig):
    r"""S4: one state-space model per channel whose matrix is diagonal minus a rank of one.

    .. math:: h' = (\Lambda - P P^*) h + B u, \quad y = \mathrm{Re}(w C h) + D u, \qquad
              y = K * u + D u

    in one step by the bilinear rule, from HiPPO-LegS. One state of each conjugate pair is stored,
    with w = 2; an odd `state_dim` has one real state more, with w = 1.

    Parameters
    ----------
    state_dim
        N, real states per channel, even or odd.
    bidirectional
        Whether a second kernel, of the same system and a C of its own, runs backwards in time. The
        mixer is then not causal and has no `step`.
    dt_min, dt_max
        Steps of the channels start log-uniformly between these.
    skip
        Whether the term D u is present; D starts from N(0, 1).
    start
        "own", HiPPO's B, or "published", as in the code of state-spaces/s4 at e757cef, which clips
        its imaginary parts at 2 (`seqtheory.hippo.clipped`).

    Notes
    -----
    Re Lambda is kept negative as -exp(.). C starts complex normal of variance 1 and is that of the
    recurrence, whatever the length. Imaginary parts of the real state have no effect.

    References
    ----------
    Gu, Goel, Ré, arXiv 2111.00396; -P P^* in place of -P Q^*: Goel, Gu, Donahue, Ré, arXiv
    2202.09729.
    """

    state_dim: int = 64
    bidirectional: bool = False
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    skip: bool = True
    start: Start = "own"

    def __post_init__(self) -> None:
        require_integer("state_dim", self.state_dim, minimum=1)
        require_flag("bidirectional", self.bidirectional)
        check_steps(self.dt_min, self.dt_max)
        check_start(self.start)
        require_flag("skip", self.skip)

    @property
    def causal(self) -> bool:
        """Whether an output depends on nothing later."""
        return not self.bidirectional

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
        modes = num_modes(config.state_dim)
        form = diagonal_plus_low_rank(config.state_dim)
        A, P, B, _ = clipped(form) if config.start == "published" else form
        A, P, B = (jnp.tile(part[:modes], (width, 1)) for part in (A, P, B))
        self.log_decay = jnp.log(-A.real).astype(dtype)
        self.frequency = A.imag.astype(dtype)
        self.P, self.B = as_pair(P, dtype), as_pair(B, dtype)
        self.log_dt = log_steps(of_steps, (width, 1), config.dt_min, config.dt_max, dtype)
        directions = (2,) if config.bidirectional else ()
        self.C = complex_normal(of_C, (*directions, width, modes), 1.0, dtype)
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
