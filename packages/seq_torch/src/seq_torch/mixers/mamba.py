"""Mamba: the selective recurrence (S6) alone, or inside its block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

from seqtheory import settings

from .. import ops
from ..parameter import StateParameter
from .mixer import MixerConfig, check_sequence
from .parts.eigenvalues import Eigenvalues, ranged
from .parts.short_convolution import ShortConvolution
from .parts.start import shrunk
from .parts.step_size import step_bias
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class MambaConfig(settings.Mamba, MixerConfig):
    """Mamba in torch, by `ops.selective_scan`.

    With `eigenvalues="signed"` it runs by `ops.linear_scan` instead, on the factors of all
    positions, which take O(batch time width state_dim) memory.
    """

    def build(self, width: int) -> SelectiveRecurrence | MambaBlock:
        """Draw the module from torch's random state."""
        if self.block:
            return MambaBlock(self, width)
        return SelectiveRecurrence(self, width, self.rank(width))


class SelectiveRecurrence(Recurrent):
    """The recurrence S6: module of `MambaConfig(block=False)`."""

    def __init__(self, config: MambaConfig, width: int, rank: int):
        super().__init__()
        self.width, self.state_dim, self.rank = width, config.state_dim, rank
        self.eigenvalues: Eigenvalues = config.eigenvalues
        projected = self.rank + config.state_dim * (2 if config.input_dependent_C else 1)
        self.projection = nn.Linear(width, projected, bias=False)
        bound = self.rank**-0.5
        self.step_weight = nn.Parameter(torch.empty(width, self.rank).uniform_(-bound, bound))
        self.step_bias = step_bias(width, dt_min=config.dt_min, dt_max=config.dt_max)
        n = torch.arange(1, config.state_dim + 1, dtype=torch.get_default_dtype())
        self.log_decay = StateParameter(n.log().repeat(width, 1))
        self.C = None if config.input_dependent_C else nn.Parameter(torch.randn(config.state_dim))
        self.D = nn.Parameter(torch.ones(width)) if config.skip else None

    def forward(
        self,
        x: Float[torch.Tensor, "batch time width"],
        gate: Float[torch.Tensor, "batch time width"] | None = None,
    ) -> Float[torch.Tensor, "batch time width"]:
        """Map a whole sequence, by a scan from rest; the output is multiplied by silu(gate)."""
        check_sequence(x, self.width)
        return self._scan(x, gate).mT

    def initial_state(self, batch_size: int) -> Float[torch.Tensor, "batch width state"]:
        """Give zeros, the state before the first position."""
        return self.log_decay.new_zeros(batch_size, *self.log_decay.shape)

    def run(
        self,
        x: Float[torch.Tensor, "batch time width"],
        state: torch.Tensor,
        gate: Float[torch.Tensor, "batch time width"] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give outputs and the last state, by a scan from the state before."""
        y, state = self._scan(x, gate, initial_state=state, return_last_state=True)
        return y.mT, state

    def _scan(self, x: torch.Tensor, gate: torch.Tensor | None, **state: Any) -> Any:
        """Scan with axes (batch, width, time); GPU kernels take no state and give none."""
        if self.eigenvalues == "signed":
            return self._signed_scan(x, gate, **state)
        rank, *varying = self.projection(x).split(
            [self.rank] + [self.state_dim] * (1 if self.C is not None else 2), dim=-1
        )
        B, *rest = (part.mT for part in varying)  # (batch, state, time)
        C = rest[0] if self.C is None else self.C.expand(self.width, -1)
        return ops.selective_scan(
            x.mT,
            functional.linear(rank, self.step_weight).mT,
            -self.log_decay.exp(),
            B,
            C,
            self.D,
            z=None if gate is None else gate.mT,
            delta_bias=self.step_bias,
            delta_softplus=True,
            **state,
        )

    def _signed_scan(
        self,
        x: torch.Tensor,
        gate: torch.Tensor | None,
        initial_state: torch.Tensor | None = None,
        return_last_state: bool = False,
    ) -> Any:
        """Scan with the factors 2 exp(step A) - 1, all of them formed at once."""
        a, driven, C = self._signed_parts(x)
        start = None if initial_state is None else initial_state.flatten(1)
        h = ops.linear_scan(a.flatten(2), driven.flatten(2), start).unflatten(2, a.shape[2:])
        y = (h * C[..., None, :]).sum(-1)  # (batch, time, width)
        y = y if self.D is None else y + self.D * x
        y = (y if gate is None else y * functional.silu(gate)).to(x.dtype).mT
        return (y, h[:, -1]) if return_last_state else y

    def _signed_parts(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Factors and drives, (batch, time, width, state), and what reads the states."""
        rank, B, *rest = self.projection(x).split(
            [self.rank] + [self.state_dim] * (1 if self.C is not None else 2), dim=-1
        )
        dt = functional.linear(rank, self.step_weight).to(self.step_bias.dtype) + self.step_bias
        dt = functional.softplus(dt)
        a = ranged(torch.exp(-dt[..., None] * self.log_decay.exp()), self.eigenvalues)
        return a, (dt * x)[..., None] * B[..., None, :], rest[0] if self.C is None else self.C


class MambaBlock(Recurrent):
    """Projections, causal convolution and gate around S6: module of `MambaConfig(block=True)`."""

    def __init__(self, config: MambaConfig, width: int):
        super().__init__()
        self.width, inner = width, config.expand * width
        self.into = nn.Linear(width, 2 * inner, bias=False)
        self.convolution = ShortConvolution(inner, config.convolution)
        self.recurrence = SelectiveRecurrence(config, inner, config.rank(width))
        self.out = shrunk(nn.Linear(inner, width, bias=False), config.output_factor)

    def forward(self, x: Float[torch.Tensor, "batch time width"]) -> torch.Tensor:
        """Map a whole sequence."""
        check_sequence(x, self.width)
        u, gate = self.into(x).chunk(2, dim=-1)
        u = self.convolution.sequence(u)
        return self.out(self.recurrence(functional.silu(u), gate))

    def initial_state(self, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Give zeros: the convolution's last inputs, and the recurrence's state."""
        past = self.convolution.initial_state(batch_size)
        return past, self.recurrence.initial_state(batch_size)

    def run(
        self,
        x: Float[torch.Tensor, "batch time width"],
        state: tuple[torch.Tensor, torch.Tensor],
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """Give outputs and the last state, from the state before."""
        past, recurrent = state
        u, gate = self.into(x).chunk(2, dim=-1)
        u, past = self.convolution.run(u, past)
        y, recurrent = self.recurrence.run(functional.silu(u), recurrent, gate)
        return self.out(y), (past, recurrent)
