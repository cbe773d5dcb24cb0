"""A diagonal recurrence whose complex transition depends on the input."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import nn
from torch.nn import functional

from seqtheory import settings

from .. import ops
from ..parameter import StateParameter, as_complex, require_full_precision
from .mixer import MixerConfig
from .parts.complex_map import complex_normal, drive, read
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class SelectiveDiagonalConfig(settings.SelectiveDiagonal, MixerConfig):
    """The selective diagonal recurrence in torch, by `ops.linear_scan`."""

    def build(self, width: int) -> SelectiveDiagonal:
        """Draw the module from torch's random state."""
        return SelectiveDiagonal(self, width)


class SelectiveDiagonal(Recurrent):
    """Module of `SelectiveDiagonalConfig`."""

    def __init__(self, config: SelectiveDiagonalConfig, width: int):
        super().__init__()
        self.width = width
        self.phase = _eigenvalue_map(width, config.state_dim)
        nn.init.normal_(self.phase.weight, std=config.phase_scale / width**0.5)
        nn.init.zeros_(self.phase.bias)
        start = torch.stack((torch.ones(config.state_dim), torch.zeros(config.state_dim)), -1)
        self.start = nn.Parameter(start)
        self.decay = None if config.unit_modulus else _eigenvalue_map(width, config.state_dim)
        self.B = None
        if self.decay is not None:
            nn.init.constant_(self.decay.bias, -4.0)
            self.B = complex_normal(config.state_dim, width, variance=1 / width)
        self.C = complex_normal(width, config.state_dim, variance=1 / config.state_dim)
        self.D = nn.Parameter(torch.ones(width))

    def initial_state(self, batch_size: int) -> Complex[torch.Tensor, "batch state"]:
        """Give the trained start, one for all rows."""
        return as_complex(self.start).expand(batch_size, -1)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give outputs and the last state, by a scan from the state before."""
        h = ops.linear_scan(*self._recurrence(x), state)
        return self._read(h, x), h[:, -1]

    def step(
        self, x_k: Float[torch.Tensor, "batch width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give the output at one position, and the state after it."""
        self.check_step(x_k, state)
        transition, driven = self._recurrence(x_k)
        state = transition * state + driven
        return self._read(state, x_k), state

    def _recurrence(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Give transition and drive at each position, ``(..., state)``."""
        require_full_precision(self.start.dtype, "complex states")
        phase = self.phase(x).to(self.start.dtype)
        if self.decay is None or self.B is None:
            transition = torch.polar(torch.ones_like(phase), phase)
            return transition, torch.zeros_like(transition)
        # The floor keeps the slope of the square root below finite where softplus underflows.
        rate = functional.softplus(self.decay(x).to(phase.dtype)).clamp_min(1e-12)
        gain = torch.sqrt(-torch.expm1(-2 * rate))
        return torch.polar(torch.exp(-rate), phase), gain * drive(x, as_complex(self.B))

    def _read(self, h: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return read(h, as_complex(self.C)) + self.D * x


def _eigenvalue_map(width: int, state_dim: int) -> nn.Linear:
    """Linear map whose parameters are those of the recurrence: they place its eigenvalues."""
    made = nn.Linear(width, state_dim)
    made.weight = StateParameter(made.weight.detach())
    made.bias = StateParameter(made.bias.detach())
    return made
