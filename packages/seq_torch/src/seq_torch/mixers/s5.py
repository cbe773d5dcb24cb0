"""S5: one state-space model with many inputs and outputs, by a scan."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import nn

from seqtheory import settings
from seqtheory.settings.s5 import CLIPPED_AT

from .. import ops
from ..parameter import StateParameter, as_complex, as_pair
from .mixer import MixerConfig, check_sequence
from .parts.bidirectional import require_causal, scanned
from .parts.complex_map import drive, read
from .parts.real_mode import once_last, real_last
from .parts.start import cut_off_normal
from .parts.step_size import log_steps
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class S5Config(settings.S5, MixerConfig):
    """S5 in torch, by `ops.linear_scan`."""

    def build(self, width: int) -> S5:
        """Draw the module from torch's random state."""
        return S5(self, width)


class S5(Recurrent):
    """Module of `S5Config`."""

    def __init__(self, config: S5Config, width: int):
        super().__init__()
        self.config, self.width = config, width
        values, vectors = config.block_spectrum()
        P, drawn = config.state_dim, (2 if config.bidirectional else 1, width, config.state_dim)
        if config.start == "published":
            B = cut_off_normal(P, width, deviation=P**-0.5)
            parts = (cut_off_normal(*drawn, deviation=P**-0.5) for _ in range(2))
            C = torch.complex(*parts)
        else:
            B, C = torch.randn(P, width) / width**0.5, torch.randn(*drawn) / P**0.5
        self.eigenvalues = StateParameter(as_pair(torch.from_numpy(values)))
        self.log_dt = StateParameter(
            log_steps(len(values), dt_min=config.dt_min, dt_max=config.dt_max)
        )
        V = torch.from_numpy(vectors).to(B.device)
        self.B = StateParameter(as_pair(V.mH @ B.to(V)))
        self.C = nn.Parameter(as_pair(torch.cat(tuple(C.to(V) @ V), -1)))
        self.D = nn.Parameter(torch.randn(width)) if config.skip else None

    def forward(self, x: Float[torch.Tensor, "batch time width"]) -> torch.Tensor:
        """Map a whole sequence, by a scan from rest."""
        check_sequence(x, self.width)
        transition, B = self.discretised()
        driven, both = drive(x, B), self.config.bidirectional
        return self._read(scanned(transition, driven, bidirectional=both), x)

    def initial_state(self, batch_size: int) -> Complex[torch.Tensor, "batch state"]:
        """Give zeros, the state before the first position."""
        require_causal(self, bidirectional=self.config.bidirectional)
        return torch.zeros_like(as_complex(self.eigenvalues)).expand(batch_size, -1)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give outputs and the last state, by a scan from the state before."""
        transition, B = self.discretised()
        h = ops.linear_scan(transition, drive(x, B), state)
        return self._read(h, x), h[:, -1]

    def step(
        self, x_k: Float[torch.Tensor, "batch width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give the output at one position, and the state after it."""
        self.check_step(x_k, state)
        transition, B = self.discretised()
        state = transition * state + drive(x_k, B)
        return self._read(state, x_k), state

    def discretised(
        self,
    ) -> tuple[Complex[torch.Tensor, " state"], Complex[torch.Tensor, "state width"]]:
        """Give the eigenvalues and the input map of one step of the recurrence."""
        values = self._real_states(as_complex(self.eigenvalues))
        if self.config.clip_eigenvalues:
            values = torch.complex(values.real.clamp_max(CLIPPED_AT), values.imag)
        dt = self.config.step_scale * self.log_dt.exp()
        rule = getattr(ops, self.config.discretisation)
        transition, gain = rule(values, torch.ones_like(values), dt)
        return transition, gain[:, None] * self._real_states(as_complex(self.B).mT).mT

    def _read(self, h: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        C = as_complex(self.C)
        y = read(h, once_last(self._blocks(C)).flatten(-2) if self.config.odd else C)
        y = 2 * y if self.config.conjugate_symmetry else y
        return y if self.D is None else y + self.D * x

    def _real_states(self, values: torch.Tensor) -> torch.Tensor:
        """Drop what would make the last state of an odd block complex."""
        return real_last(self._blocks(values)).flatten(-2) if self.config.odd else values

    def _blocks(self, values: torch.Tensor) -> torch.Tensor:
        return values.unflatten(-1, (-1, self.config.block_modes))
