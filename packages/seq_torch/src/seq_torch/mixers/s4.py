"""S4 in the form that the linear-CDE paper trains: a selective scan with fixed parameters."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import torch
from jaxtyping import Complex, Float
from torch import nn
from torch.nn import functional

from seqtheory import settings

from ..parameter import StateParameter, as_complex
from .mixer import MixerConfig
from .parts.complex_map import complex_normal
from .parts.diagonal_convolution import DiagonalConvolution
from .parts.step_size import log_steps


@dataclass(frozen=True, kw_only=True)
class S4Config(settings.S4, MixerConfig):
    r"""S4 as the linear-CDE paper trains it, in torch.

    The parameters do not change with time, so the scan is a convolution, with kernel
    :math:`2\,\mathrm{Re} \sum_n C_n B_n \Delta e^{l \Delta A_n}`. It is computed as one, in
    O(batch width time log time), without a state per position.
    """

    def build(self, width: int) -> S4:
        """Draw the module from torch's random state."""
        return S4(self, width)


class S4(DiagonalConvolution):
    """Module of `S4Config`."""

    def __init__(self, config: S4Config, width: int):
        super().__init__()
        self.width, self.published_step = width, config.published_step
        shape = (width, config.state_dim)
        self.log_decay = StateParameter(torch.full(shape, 0.5).log())
        harmonics = torch.arange(1, config.state_dim + 1).expand(shape)
        self.frequency = StateParameter(pi * harmonics.to(torch.get_default_dtype()))
        steps = log_steps(width, 1, dt_min=config.dt_min, dt_max=config.dt_max)
        self.log_dt = StateParameter(steps)
        self.B = complex_normal(*shape, variance=2 / sum(shape))
        self.C = complex_normal(*shape, variance=2 / sum(shape))
        self.D = nn.Parameter(torch.ones(width)) if config.skip else None

    @property
    def dt(self) -> Float[torch.Tensor, "width 1"]:
        """Step Delta of each channel."""
        dt = self.log_dt.exp()
        return functional.softplus(dt) if self.published_step else dt

    @property
    def eigenvalues(self) -> Complex[torch.Tensor, "width state"]:
        """Eigenvalues A of each channel, in continuous time."""
        return as_complex(torch.stack((-self.log_decay.exp(), self.frequency), -1))

    def discretised(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Give the exponents Delta A, and Euler's gain, which is the step Delta."""
        return self.dt * self.eigenvalues, self.dt
