"""StableSSM: a diagonal state-space model per channel, with any reparameterised decay."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import torch
from jaxtyping import Complex
from torch import nn
from torch.nn import functional

from seqtheory import settings

from ..parameter import StateParameter, as_complex
from ..reparameterisation import initial_weights, rate
from .mixer import MixerConfig
from .parts.complex_map import complex_normal
from .parts.diagonal_convolution import DiagonalConvolution
from .parts.step_size import log_steps


@dataclass(frozen=True, kw_only=True)
class StableSSMConfig(settings.StableSSM, MixerConfig):
    """StableSSM in torch, by convolution.

    The kernel takes O(width state sqrt(time)) memory, the convolution by FFT O(batch time width).
    """

    def build(self, width: int) -> StableSSM:
        """Draw the module from torch's random state."""
        return StableSSM(self, width)


class StableSSM(DiagonalConvolution):
    """Module of `StableSSMConfig`."""

    def __init__(self, config: StableSSMConfig, width: int):
        super().__init__()
        self.width, self.config = width, config
        mark = nn.Parameter if config.upstream_groups else StateParameter
        shape = (width, config.state_dim // 2)
        start = -config.initial_rate if config.upstream_sign else config.initial_rate
        self.w = mark(initial_weights(config.parameterisation, torch.full(shape, start)))
        harmonics = torch.arange(shape[1]).expand(shape)
        self.frequency = mark(pi * harmonics.to(torch.get_default_dtype()))
        self.log_dt = mark(log_steps(width, 1, dt_min=config.dt_min, dt_max=config.dt_max))
        self.B = None
        self.C = complex_normal(*shape, variance=1.0)
        self.D = nn.Parameter(torch.randn(width)) if config.skip else None

    @property
    def eigenvalues(self) -> Complex[torch.Tensor, "width pair"]:
        """Eigenvalues A of each channel, in continuous time."""
        return as_complex(
            torch.stack((-rate(self.config.parameterisation, self.w), self.frequency), -1)
        )

    def read(self, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Apply the activation to the output."""
        y = super().read(y, x)
        return functional.gelu(y) if self.config.activation == "gelu" else y
