"""Mamba-2: matrix states with one decay per head, alone or inside their block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

from seqtheory import settings
from seqtheory.settings.state_space import head_width

from .. import ops
from ..parameter import StateParameter
from .mixer import MixerConfig
from .parts.eigenvalues import ranged
from .parts.short_convolution import ShortConvolution
from .parts.start import shrunk
from .parts.step_size import step_bias
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class Mamba2Config(settings.Mamba2, MixerConfig):
    """Mamba-2 in torch, by `ops.outer_scan`."""

    def build(self, width: int) -> Mamba2:
        """Draw the module from torch's random state."""
        return Mamba2(self, width)


class Mamba2Maps(nn.Module):
    """What stands around the recurrence: parameters, the maps before it, and those behind it."""

    def __init__(self, config: settings.Mamba2, width: int):
        super().__init__()
        self.width, self.config = width, config
        inner = config.expand * width if config.block else width
        self.head_width = head_width(inner, config.heads)
        self.parts = [inner, *2 * [config.groups * config.state_dim]]
        # With the block u, B, C, then the steps, then the gate; without it B, C and the steps.
        mapped = sum(self.parts) + config.heads + (inner if config.block else -inner)
        self.into = nn.Linear(width, mapped, bias=False)
        self.step_bias = step_bias(config.heads, dt_min=config.dt_min, dt_max=config.dt_max)
        self.log_decay = StateParameter(torch.empty(config.heads).uniform_(1, 16).log())
        self.D = nn.Parameter(torch.ones(config.heads))
        self.convolution = self.norm = self.out = None
        if config.block:
            self.convolution = ShortConvolution(sum(self.parts), config.convolution)
            self.norm = nn.RMSNorm(inner, eps=1e-5)
            self.out = shrunk(nn.Linear(inner, width, bias=False), config.output_factor)

    def decays(
        self, step: Float[torch.Tensor, "... head"]
    ) -> tuple[Float[torch.Tensor, "... head"], Float[torch.Tensor, "... head"]]:
        """Give steps after softplus, and the factors of the state."""
        dt, log_decays = self.log_decays(step)
        return dt, ranged(log_decays.exp(), self.config.eigenvalues)

    def log_decays(
        self, step: Float[torch.Tensor, "... head"]
    ) -> tuple[Float[torch.Tensor, "... head"], Float[torch.Tensor, "... head"]]:
        """Give steps after softplus, and the logarithms of the unsigned decays."""
        dt = functional.softplus(step + self.step_bias)
        return dt, -dt * self.log_decay.exp()

    def mapped(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Give u, B and C side by side, (batch, time, ...); steps before softplus; and the gate."""
        varying = sum(self.parts if self.config.block else self.parts[1:])
        mapped, step, gate = self.into(x).tensor_split(
            (varying, varying + self.config.heads), dim=-1
        )
        if not self.config.block:
            return torch.cat((x, mapped), -1), step, None
        return mapped, step, gate

    def driven(self, varying: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Give u, B and C from side by side, with axes (batch, head or group, time, ...)."""
        u, B, C = varying.split(self.parts, dim=-1)
        u = u.unflatten(-1, (self.config.heads, -1)).transpose(1, 2)
        B, C = (value.unflatten(-1, (self.config.groups, -1)).transpose(1, 2) for value in (B, C))
        return u, B, C

    def finished(
        self, y: torch.Tensor, u: torch.Tensor, gate: torch.Tensor | None
    ) -> Float[torch.Tensor, "batch time width"]:
        """Map what the recurrence gave, (batch, head, time, channel), to outputs."""
        y = (y + self.D[:, None, None] * u).transpose(1, 2).flatten(2)  # (batch, time, inner)
        if self.norm is None or self.out is None or gate is None:
            return y
        gated = (y * functional.silu(gate)).to(self.norm.weight.dtype)  # for autocast
        return self.out(self._normalised(gated, self.norm))

    def _normalised(self, y: torch.Tensor, norm: nn.RMSNorm) -> torch.Tensor:
        """Divide each group's channels by their root mean square."""
        if self.config.groups == 1:
            return norm(y)
        parted = y.unflatten(-1, (self.config.groups, -1))
        return (
            functional.rms_norm(parted, parted.shape[-1:], eps=norm.eps).flatten(-2) * norm.weight
        )


class Mamba2(Mamba2Maps, Recurrent):
    """Module of `Mamba2Config`."""

    def initial_state(
        self, batch_size: int
    ) -> tuple[torch.Tensor | None, Float[torch.Tensor, "batch head state channel"]]:
        """Give zeros: last inputs of the convolution, if there is one, and the state."""
        past = None if self.convolution is None else self.convolution.initial_state(batch_size)
        shape = (batch_size, self.config.heads, self.config.state_dim, self.head_width)
        return past, self.log_decay.new_zeros(shape)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: Any
    ) -> tuple[torch.Tensor, tuple[torch.Tensor | None, torch.Tensor]]:
        """Give outputs and the last state, by a scan from the state before."""
        past, h = state
        varying, step, gate = self.mapped(x)
        if self.convolution is not None:
            varying, past = self.convolution.run(varying, past)
            varying = functional.silu(varying)
        u, B, C = self.driven(varying)
        dt, a = (value.mT for value in self.decays(step))  # (batch, head, time)
        y, h = ops.outer_scan(
            C,
            B[:, :, :, None],  # one key and one value a step
            (dt[..., None] * u)[:, :, :, None],
            a,
            h,
            return_last_state=True,
        )
        return self.finished(y, u, gate), (past, h)
