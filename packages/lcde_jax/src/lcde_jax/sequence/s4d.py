"""S4D: a diagonal state-space model per channel, by convolution."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import TYPE_CHECKING, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from seqtheory.checks import require_choice, require_flag, require_integer, require_memory
from seqtheory.hippo import clipped, diagonal_plus_low_rank, normal_part

from .convolution import Convolution, exponential_sum
from .discretisation import RULES, Rule, discretised
from .mixer import MixerConfig, Start, check_start, check_steps
from .parameter import as_complex, as_pair, complex_normal, log_steps
from .real_mode import num_modes, once_last, real_last

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import Array, Complex, Float, PRNGKeyArray


@dataclass(frozen=True, kw_only=True)
class S4DConfig(MixerConfig):
    r"""One diagonal state-space model per channel.

    .. math:: h' = A h + u, \quad y = 2\,\mathrm{Re}(C h) + D u, \qquad
              K_l = 2\,\mathrm{Re} \sum_n C_n g_n \bar A_n^l, \quad y = K * u + D u

    with one of each of N/2 conjugate pairs, n = 0, ..., N/2 - 1. An odd N has one real state more,
    without the 2, which starts from -1/2.

    Parameters
    ----------
    state_dim
        N, real states per channel, even or odd.
    initialisation
        "lin": :math:`-\tfrac12 + i \pi n` (pairs from n = 1 on if N is odd); "inv":
        :math:`-\tfrac12 + i \tfrac{N}{\pi} (\tfrac{N}{2n + 1} - 1)`; "legs": the eigenvalues of
        HiPPO-N with positive imaginary part.
    discretisation
        "zero_order_hold" or "bilinear": the transition and the gain g.
    bidirectional
        Whether a second kernel, with a C of its own, runs backwards in time. The mixer is then not
        causal and has no `step`.
    dt_min, dt_max
        Steps of the channels start log-uniformly between these.
    skip
        Whether the term D u is present; D starts from N(0, 1).
    start
        "own" as said in the notes, or "published": with "legs", C is multiplied by the B of HiPPO
        whose imaginary parts are clipped at 2 (`seqtheory.hippo.clipped`). With "lin" and "inv"
        the two are one.

    Notes
    -----
    Re A is kept negative as -exp(.). C starts complex normal of variance 1; B is 1. Imaginary parts
    of the real state are stored and have no effect.

    References
    ----------
    Gu, Gupta, Goel, Ré, arXiv 2206.11893, sections 3 and 4; the published start is that of
    state-spaces/s4 at e757cef, where B is trained by itself.
    """

    state_dim: int = 64
    initialisation: Literal["lin", "inv", "legs"] = "lin"
    discretisation: Rule = "zero_order_hold"
    bidirectional: bool = False
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    skip: bool = True
    start: Start = "own"

    def __post_init__(self) -> None:
        require_integer("state_dim", self.state_dim, minimum=1)
        require_choice("initialisation", self.initialisation, ("lin", "inv", "legs"))
        require_choice("discretisation", self.discretisation, RULES)
        require_flag("bidirectional", self.bidirectional)
        check_steps(self.dt_min, self.dt_max)
        check_start(self.start)
        require_flag("skip", self.skip)

    @property
    def causal(self) -> bool:
        """Whether an output depends on nothing later."""
        return not self.bidirectional

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
        A = jnp.tile(_initial_eigenvalues(config.initialisation, config.state_dim), (width, 1))
        self.log_decay = jnp.log(-A.real).astype(dtype)
        self.frequency = A.imag.astype(dtype)
        self.log_dt = log_steps(of_steps, (width, 1), config.dt_min, config.dt_max, dtype)
        directions = (2,) if config.bidirectional else ()
        self.C = complex_normal(of_C, (*directions, *A.shape), 1.0, dtype)
        if config.start == "published" and config.initialisation == "legs":
            B = jnp.broadcast_to(_clipped_input(config.state_dim), self.C.shape[:-1])
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


def _clipped_input(state_dim: int) -> Complex[np.ndarray, " mode"]:
    """Give the B of HiPPO, clipped, of one state of each conjugate pair."""
    return clipped(diagonal_plus_low_rank(state_dim)).input[: num_modes(state_dim)]


def _initial_eigenvalues(initialisation: str, state_dim: int) -> Complex[np.ndarray, " mode"]:
    """Give the initial A, one eigenvalue of each conjugate pair; the real one, if any, last."""
    modes = num_modes(state_dim)
    require_memory(6 * 16 * modes, f"the eigenvalues of state_dim={state_dim:,}")
    if initialisation == "legs":
        return normal_part(state_dim)[0][:modes]
    n = np.arange(modes)
    if initialisation == "lin":
        return -0.5 + 1j * pi * (np.roll(n, -1) if state_dim % 2 else n)
    return -0.5 + 1j * state_dim / pi * (state_dim / (2 * n + 1) - 1)
