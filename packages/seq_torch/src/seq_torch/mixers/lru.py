"""The linear recurrent unit."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import nn

from seqtheory import settings

from .. import ops
from ..parameter import StateParameter, as_complex
from .mixer import MixerConfig, check_sequence
from .parts.bidirectional import require_causal, scanned
from .parts.complex_map import complex_normal, drive, read
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class LRUConfig(settings.LRU, MixerConfig):
    """The linear recurrent unit in torch, by `ops.linear_scan`."""

    def build(self, width: int) -> LRU:
        """Draw the module from torch's random state."""
        return LRU(self, width)


class LRU(Recurrent):
    """Module of `LRUConfig`."""

    def __init__(self, config: LRUConfig, width: int):
        super().__init__()
        self.width, self.bidirectional = width, config.bidirectional
        low, high = config.min_modulus**2, config.max_modulus**2
        # 1 - rand() lies in (0, 1], so that neither logarithm below sees a zero.
        squared = low + (high - low) * (1 - torch.rand(config.state_dim))
        squared = squared.clamp_max(1 - torch.finfo(squared.dtype).eps)
        phase = config.max_phase * (1 - torch.rand(config.state_dim))
        self.log_decay = StateParameter((-0.5 * squared.log()).log())
        self.log_phase = StateParameter(phase.log())
        self.log_gain = StateParameter(0.5 * torch.log1p(-squared))
        self.B = complex_normal(config.state_dim, width, variance=1 / width)
        if config.start == "published":
            self.B = StateParameter(self.B.detach())
        variance = (2 if config.start == "published" else 1) / config.state_dim
        columns = (2 if config.bidirectional else 1) * config.state_dim
        self.C = complex_normal(width, columns, variance=variance)
        self.D = nn.Parameter(torch.randn(width))

    @property
    def eigenvalues(self) -> Complex[torch.Tensor, " state"]:
        """Factor of each state in a step, inside the unit circle."""
        exponent = torch.stack((-self.log_decay.exp(), self.log_phase.exp()), -1)
        return torch.exp(as_complex(exponent))

    def forward(self, x: Float[torch.Tensor, "batch time width"]) -> torch.Tensor:
        """Map a whole sequence, by a scan from rest."""
        check_sequence(x, self.width)
        driven, both = self._drive(x), self.bidirectional
        return self._read(scanned(self.eigenvalues, driven, bidirectional=both), x)

    def initial_state(self, batch_size: int) -> Complex[torch.Tensor, "batch state"]:
        """Give zeros, the state before the first position."""
        require_causal(self, bidirectional=self.bidirectional)
        return torch.zeros_like(self.eigenvalues).expand(batch_size, -1)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give outputs and the last state, by a scan from the state before."""
        h = ops.linear_scan(self.eigenvalues, self._drive(x), state)
        return self._read(h, x), h[:, -1]

    def step(
        self, x_k: Float[torch.Tensor, "batch width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give the output at one position, and the state after it."""
        self.check_step(x_k, state)
        state = self.eigenvalues * state + self._drive(x_k)
        return self._read(state, x_k), state

    def _drive(self, x: torch.Tensor) -> torch.Tensor:
        return drive(x, self.log_gain.exp()[:, None] * as_complex(self.B))

    def _read(self, h: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return read(h, as_complex(self.C)) + self.D * x
