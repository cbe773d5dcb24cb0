"""S4D: a diagonal state-space model per channel, by convolution."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Complex
from torch import nn

from seqtheory import settings
from seqtheory.settings.s4d import clipped_input, initial_eigenvalues

from .. import ops
from ..parameter import StateParameter, as_complex, as_pair
from .mixer import MixerConfig
from .parts.complex_map import complex_normal
from .parts.convolution import directed
from .parts.diagonal_convolution import DiagonalConvolution
from .parts.real_mode import once_last, real_last
from .parts.step_size import log_steps

__all__ = ["S4D", "S4DConfig", "clipped_input", "initial_eigenvalues"]


@dataclass(frozen=True, kw_only=True)
class S4DConfig(settings.S4D, MixerConfig):
    """S4D in torch: the kernel takes O(width state sqrt(time)) memory."""

    def build(self, width: int) -> S4D:
        """Draw the module from torch's random state."""
        return S4D(self, width)


class S4D(DiagonalConvolution):
    """Module of `S4DConfig`."""

    def __init__(self, config: S4DConfig, width: int):
        super().__init__()
        self.width, self.discretisation = width, config.discretisation
        self.odd = config.state_dim % 2 == 1
        A = torch.from_numpy(initial_eigenvalues(config.initialisation, config.state_dim))
        A = A.to(torch.get_default_device()).expand(width, -1)
        dtype = torch.get_default_dtype()
        self.log_decay = StateParameter((-A.real).log().to(dtype))
        self.frequency = StateParameter(A.imag.to(dtype).clone())
        steps = log_steps(width, 1, dt_min=config.dt_min, dt_max=config.dt_max)
        self.log_dt = StateParameter(steps)
        self.B = None
        self.C = complex_normal(*config.directions, *A.shape, variance=1.0)
        if (first := config.first_input) is not None:
            B = torch.from_numpy(first).to(as_complex(self.C))
            self.C = nn.Parameter(as_pair(B * as_complex(self.C.detach())))
        self.D = nn.Parameter(torch.randn(width)) if config.skip else None

    @property
    def eigenvalues(self) -> Complex[torch.Tensor, "width mode"]:
        """Eigenvalues A of each channel, in continuous time."""
        A = as_complex(torch.stack((-self.log_decay.exp(), self.frequency), -1))
        return real_last(A) if self.odd else A

    @property
    def output_maps(self) -> Complex[torch.Tensor, "direction width mode"]:
        """Output map C of each direction; half of it for a real state, which counts once."""
        C = directed(self.C)  # a property of `super()` would stop torch.compile
        return once_last(C) if self.odd else C

    def discretised(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Give exponents and gains by the discretisation of the settings."""
        if self.discretisation == "zero_order_hold":
            return super().discretised()
        A, dt = self.eigenvalues, self.dt
        return 2 * torch.atanh(dt * A / 2), ops.bilinear(A, torch.ones_like(A), dt)[1]
