"""S4: a diagonal plus low-rank state-space model per channel, by convolution."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import nn

from seqtheory.checks import require_flag, require_integer
from seqtheory.hippo import clipped, diagonal_plus_low_rank

from .. import ops
from ..ops.backend import asked
from ..parameter import StateParameter, as_complex, as_pair
from .complex_map import complex_normal
from .convolution import Convolution
from .dplr_kernel import advance, dplr_kernel, inner, unrolled_kernel
from .dplr_state import last_state, response
from .mixer import MixerConfig
from .real_mode import num_modes, real_last
from .start import Start, check_start
from .step_size import check_steps, log_steps


@dataclass(frozen=True, kw_only=True)
class S4DPLRConfig(MixerConfig):
    r"""S4: one state-space model per channel whose matrix is diagonal minus a rank of one.

    .. math:: h' = (\Lambda - P P^*) h + B u, \quad y = \mathrm{Re}(w C h) + D u, \qquad
              y = K * u + D u

    in one step by the bilinear rule, from HiPPO-LegS: :math:`\Lambda - P P^*` has its spectrum and
    B its input map, in the eigenvectors of its normal part. One state of each conjugate pair is
    stored, with w = 2; an odd `state_dim` has one real state more, with w = 1.

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
    Re Lambda is kept negative as -exp(.), and with it the whole matrix stable. C starts complex
    normal of variance 1. C is that of the recurrence, whatever the length; what the paper trains in
    its place, :math:`C (1 - \bar A^L)`, follows from it in the kernel (`dplr_kernel`, with its
    cost). There is no zero-order hold: the exponential of such a matrix is not of its kind.
    Imaginary parts of the real state are stored and have no effect.

    References
    ----------
    Gu, Goel, Ré, arXiv 2111.00396; -P P^* in place of -P Q^*: Goel, Gu, Donahue, Ré, arXiv
    2202.09729. The linear-CDE paper's "S4" is `S4Config`.
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

    def build(self, width: int) -> S4DPLR:
        """Draw the module."""
        return S4DPLR(self, width)


class S4DPLR(Convolution):
    """Module of `S4DPLRConfig`."""

    def __init__(self, config: S4DPLRConfig, width: int):
        super().__init__()
        self.width, self.state_dim = width, config.state_dim
        modes = num_modes(config.state_dim)
        form = diagonal_plus_low_rank(config.state_dim)
        form = clipped(form) if config.start == "published" else form
        here, dtype = torch.get_default_device(), torch.get_default_dtype()
        A, P, B, _ = (torch.from_numpy(part).to(here) for part in form)
        A, P, B = (part[:modes].expand(width, -1) for part in (A, P, B))
        self.log_decay = StateParameter((-A.real).log().to(dtype))
        self.frequency = StateParameter(A.imag.to(dtype).clone())
        self.P = StateParameter(as_pair(P))
        self.B = StateParameter(as_pair(B))
        steps = log_steps(width, 1, dt_min=config.dt_min, dt_max=config.dt_max)
        self.log_dt = StateParameter(steps)
        directions = (2,) if config.bidirectional else ()
        self.C = complex_normal(*directions, width, modes, variance=1.0)
        self.D = nn.Parameter(torch.randn(width)) if config.skip else None

    @property
    def eigenvalues(self) -> Complex[torch.Tensor, "width mode"]:
        """Lambda of each channel."""
        return self._real_state(torch.complex(-self.log_decay.exp(), self.frequency))

    def kernels(self, length: int) -> Float[torch.Tensor, "direction width length"]:
        """Kernels from the generating function; unrolled under ``use_backend("reference")``.

        They are unrolled under `torch.func` too, which needs derivatives of every order.
        """
        transformed = torch._C._are_functorch_transforms_active()  # pyright: ignore
        unrolled = transformed or asked("auto") == "reference"
        method = unrolled_kernel if unrolled else dplr_kernel
        with torch.autocast(self.C.device.type, enabled=False):
            return method(*self._system(), self._read_out(), length)

    def advance(
        self, x_k: Float[torch.Tensor, "batch width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Advance by a diagonal and a rank of one."""
        mu, p, b = self._system()
        state = advance(mu, p, b * x_k[..., None], state)
        return inner(self._read_out()[0], state), state

    def proceed(
        self, x: Float[torch.Tensor, "batch time width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add the response of the state, another kernel of the same kind."""
        y = ops.causal_convolution(x, self.kernel(x.shape[1]))
        mu, p, b = self._system()
        with torch.autocast(self.C.device.type, enabled=False):
            added = response(mu, p, self._read_out()[0], state, x.shape[1])
            state = last_state(mu, p, b, x.mT.to(added.dtype), state)
        return y + added.mT.to(y.dtype), state

    def _system(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Half a step of the system, in the coordinates of `dplr_kernel`."""
        half, scale = self.dt / 2, self._scale()
        p, b = (self._real_state(as_complex(pair)) * scale for pair in (self.P, self.B))
        return half * self.eigenvalues, half.sqrt() * p, half * b

    def _read_out(self) -> Complex[torch.Tensor, "direction width mode"]:
        return self._real_state(self.output_maps).conj() * self._scale()

    def _scale(self) -> Float[torch.Tensor, " mode"]:
        """Root of w: a pair is two coordinates of the same size."""
        w = torch.full(self.log_decay.shape[1:], 2.0).to(self.log_decay)
        if self.state_dim % 2:
            w[-1] = 1.0
        return w.sqrt()

    def _real_state(self, values: Complex[torch.Tensor, "... mode"]) -> torch.Tensor:
        """Drop what would make the last mode of an odd system complex."""
        return real_last(values) if self.state_dim % 2 else values
