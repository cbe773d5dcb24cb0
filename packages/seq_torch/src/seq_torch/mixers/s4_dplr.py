"""S4: a diagonal plus low-rank state-space model per channel, by convolution."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import nn

from seqtheory import settings

from .. import ops
from ..ops.glue.backend import asked
from ..parameter import StateParameter, as_complex, as_pair
from .mixer import MixerConfig
from .parts.complex_map import complex_normal
from .parts.convolution import Convolution
from .parts.dplr_kernel import advance, dplr_kernel, inner, unrolled_kernel
from .parts.dplr_state import last_state, response
from .parts.real_mode import real_last
from .parts.step_size import log_steps


@dataclass(frozen=True, kw_only=True)
class S4DPLRConfig(settings.S4DPLR, MixerConfig):
    """S4 in torch, with the cost of `dplr_kernel`; the linear-CDE paper's "S4" is `S4Config`."""

    def build(self, width: int) -> S4DPLR:
        """Draw the module from torch's random state."""
        return S4DPLR(self, width)


class S4DPLR(Convolution):
    """Module of `S4DPLRConfig`."""

    def __init__(self, config: S4DPLRConfig, width: int):
        super().__init__()
        self.width, self.state_dim = width, config.state_dim
        here, dtype = torch.get_default_device(), torch.get_default_dtype()
        parts = (torch.from_numpy(part).to(here) for part in config.first_system())
        A, P, B = (part.expand(width, -1) for part in parts)
        self.log_decay = StateParameter((-A.real).log().to(dtype))
        self.frequency = StateParameter(A.imag.to(dtype).clone())
        self.P = StateParameter(as_pair(P))
        self.B = StateParameter(as_pair(B))
        steps = log_steps(width, 1, dt_min=config.dt_min, dt_max=config.dt_max)
        self.log_dt = StateParameter(steps)
        self.C = complex_normal(*config.directions, *A.shape, variance=1.0)
        self.D = nn.Parameter(torch.randn(width)) if config.skip else None

    @property
    def eigenvalues(self) -> Complex[torch.Tensor, "width mode"]:
        """Diagonal part Lambda of each channel, in continuous time."""
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
        """Advance by one position, in O(state) per channel: a diagonal and a rank of one."""
        mu, p, b = self._system()
        state = advance(mu, p, b * x_k[..., None], state)
        return inner(self._read_out()[0], state), state

    def proceed(
        self, x: Float[torch.Tensor, "batch time width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Convolve, and add the response of the state before, which is itself a kernel."""
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
