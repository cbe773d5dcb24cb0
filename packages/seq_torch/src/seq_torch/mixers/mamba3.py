"""Mamba-3: the trapezoidal rule, and rotations that depend on the input."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

from seqtheory import settings
from seqtheory.settings.state_space import head_width

from .. import ops
from .mixer import MixerConfig
from .parts.eigenvalues import ranged
from .parts.start import shrunk
from .parts.step_size import step_bias
from .recurrent import Recurrent

FLOOR = 1e-4  # the slowest decay, as published

State = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class Mamba3Config(settings.Mamba3, MixerConfig):
    """Mamba-3 in torch, by `ops.outer_scan`; angles are summed in double precision."""

    def build(self, width: int) -> Mamba3:
        """Draw the module from torch's random state."""
        return Mamba3(self, width)


class Mamba3(Recurrent):
    """Module of `Mamba3Config`."""

    def __init__(self, config: Mamba3Config, width: int):
        super().__init__()
        self.width, self.config = width, config
        heads, states, inner = config.heads, config.state_dim, config.expand * width
        self.head_width = head_width(inner, heads)
        angles = states // 2 if config.eigenvalues == "complex" else 0
        self.parts = [inner, inner, states, states, heads, heads, heads, angles]
        self.into = nn.Linear(width, sum(self.parts), bias=False)
        self.step_bias = step_bias(heads, dt_min=config.dt_min, dt_max=config.dt_max)
        self.B_norm = nn.RMSNorm(states, eps=1e-5)
        self.C_norm = nn.RMSNorm(states, eps=1e-5)
        self.B_bias = nn.Parameter(torch.ones(heads, states))
        self.C_bias = nn.Parameter(torch.ones(heads, states))
        self.D = nn.Parameter(torch.ones(heads))
        self.out = shrunk(nn.Linear(inner, width, bias=False), config.output_factor)

    def initial_state(self, batch_size: int) -> State:
        """Give zeros: the state, the sum of the angles so far, and the last B and u."""
        c, new = self.config, self.step_bias.new_zeros
        rows = (batch_size, c.heads, c.state_dim)
        return (
            new(*rows, self.head_width),
            new(batch_size, c.heads, self.parts[-1]),
            new(rows),
            new(batch_size, c.heads, self.head_width),
        )

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: State
    ) -> tuple[torch.Tensor, State]:
        """Give outputs and the last state, by a scan from the state before."""
        h, angles, last_B, last_u = state
        z, u, B, C, step, rate, share, turn = self.into(x).split(self.parts, dim=-1)
        u = u.unflatten(-1, (self.config.heads, -1)).transpose(1, 2)  # (batch, head, time, channel)
        dt = functional.softplus(step + self.step_bias).mT  # (batch, head, time)
        map_ = heavy_tail if self.config.rate == "heavy_tail" else functional.softplus
        rate = map_(rate).clamp_min(FLOOR).mT
        kind = "signed" if self.config.eigenvalues == "signed" else "unit"
        a, share = ranged(torch.exp(-dt * rate), kind), torch.sigmoid(share).mT
        B, C = B.to(self.B_bias.dtype), C.to(self.C_bias.dtype)  # for autocast
        # From (batch, time, state) to (batch, head, time, state).
        B = (self.B_norm(B)[:, :, None] + self.B_bias).transpose(1, 2)
        C = (self.C_norm(C)[:, :, None] + self.C_bias).transpose(1, 2)
        if self.config.eigenvalues == "complex":
            angles = summed(pi * torch.tanh(turn)[:, None] * dt[..., None], angles)
            B, C, angles = turned_back(B, angles), turned_back(C, angles), angles[:, :, -1]
        before_B = torch.cat((last_B[:, :, None].to(B), B[:, :, :-1]), 2)
        before_u = torch.cat((last_u[:, :, None].to(u), u[:, :, :-1]), 2)
        driven = (((1 - share) * dt * a)[..., None] * before_u, (share * dt)[..., None] * u)
        y, h = ops.outer_scan(
            C,
            torch.stack((before_B, B), 3),  # two keys and two values a step
            torch.stack(driven, 3),
            a,
            h,
            return_last_state=True,
        )
        y = (y + self.D[:, None, None] * u).transpose(1, 2).flatten(2)  # (batch, time, inner)
        return self.out(y * functional.silu(z)), (h, angles, B[:, :, -1], u[:, :, -1])


def heavy_tail(x: Float[torch.Tensor, "*shape"]) -> Float[torch.Tensor, "*shape"]:
    """Give 1 / (1 - x) below zero and 1 + x above, which is positive and smooth to first order."""
    return torch.where(x < 0, 1 / (1 - x.clamp_max(0)), 1 + x)


def summed(
    turns: Float[torch.Tensor, "batch head time pair"],
    start: Float[torch.Tensor, "batch head pair"],
) -> Float[torch.Tensor, "batch head time pair"]:
    """Sum angles over time and take off full turns."""
    total = start[:, :, None].double() + turns.double().cumsum(2)
    return total.remainder(2 * pi).to(start.dtype)


def turned_back(
    rows: Float[torch.Tensor, "*shape state"], angles: Float[torch.Tensor, "*shape pair"]
) -> Float[torch.Tensor, "*shape state"]:
    """Turn each pair of rows by minus its angle."""
    first, second = rows.unflatten(-1, (-1, 2)).unbind(-1)
    cosine, sine = angles.cos(), angles.sin()
    turned = (cosine * first + sine * second, cosine * second - sine * first)
    return torch.stack(turned, -1).flatten(-2)
