"""Mamba-3: the trapezoidal rule, and rotations that depend on the input."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Literal

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

from seqtheory.checks import require_choice, require_integer

from .. import ops
from ..parameter import StateParameter
from .mamba2 import head_width
from .mixer import MixerConfig
from .parts.eigenvalues import ranged
from .parts.step_size import check_steps, log_steps, unsoftplus
from .recurrent import Recurrent

FLOOR = 1e-4  # the slowest decay, as published

State = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class Mamba3Config(MixerConfig):
    r"""A selective recurrence by the trapezoidal rule, with rotating states.

    .. math::
        h_k = a_k R_k h_{k-1}
              + (1 - \lambda_k) \Delta_k a_k R_k B_{k-1} u_{k-1}^\top
              + \lambda_k \Delta_k B_k u_k^\top, \qquad
        v_k = h_k^\top C_k + D u_k

    in each head, where :math:`a = e^{-\Delta A}`, R turns the pairs of rows of h by the angles
    :math:`\Delta \theta`, and, all from the input,

    .. math::
        (z, u, B', C', \Delta', A', \lambda', \theta') = W_{in} x, \quad
        \Delta = \mathrm{softplus}(\Delta' + b), \quad
        A = \mathrm{softplus}(A'), \quad
        \lambda = \sigma(\lambda'), \quad
        \theta = \pi \tanh(\theta'),

    B and C being the root-mean-square norms of B' and C' plus a vector per head. The output is
    :math:`y = W_{out} (v \odot \mathrm{silu}(z))`. At :math:`\lambda = 1` the rule is Euler's, that
    of Mamba-2, at :math:`\lambda = 1/2` the trapezoidal one, of second order.

    Parameters
    ----------
    state_dim
        N, rows of a head's state, even.
    heads
        A divisor of the inner width, `expand` times the model's.
    expand
        Inner width over the model's.
    dt_min, dt_max
        Steps at zero input start log-uniformly between these.
    eigenvalues
        "complex" for the rotations above; "unit" for none, factors a in [0, 1]; "signed" for none
        and :math:`2 a - 1` in place of a, in [-1, 1].
    rate
        The map from A' to A: "softplus", or "heavy_tail", 1 / (1 - A') below zero and 1 + A' above,
        which decays as the inverse of A' where softplus does so exponentially.

    Notes
    -----
    A pair of rows is one complex state with eigenvalue :math:`e^{\Delta (-A + i \theta)}`. Instead
    of the state, B and C are turned back by all the angles so far, which leaves the recurrence of
    `ops.outer_scan`; the angles are summed in double precision. A is held at 1e-4 or more. B', C'
    and :math:`\theta'` serve all heads.

    The published code turns half of the rows and offers several inputs and outputs per head; here
    all rows turn, and each head has one. It turns the state by :math:`-\Delta \theta`: the two are
    equal in law, and weights carry over with the sign of the rows of :math:`W_{in}` that give
    :math:`\theta'`, the last `state_dim / 2`, changed, and zeros for pairs that do not turn.

    References
    ----------
    Mamba-3, arXiv 2603.15569 (the rule and the rotations); the parameterisation of
    :math:`\Delta, A, \lambda, \theta` is that of mamba-ssm's `Mamba3`: of 2.3.2.post1 with
    "softplus", at e9594ce with "heavy_tail".
    """

    state_dim: int = 64
    heads: int = 4
    expand: int = 2
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    eigenvalues: Literal["unit", "signed", "complex"] = "complex"
    rate: Literal["softplus", "heavy_tail"] = "softplus"

    def __post_init__(self) -> None:
        for name in ("state_dim", "heads", "expand"):
            require_integer(name, getattr(self, name), minimum=1)
        if self.state_dim % 2:
            raise ValueError(
                f"state_dim={self.state_dim} is odd, but rows turn in pairs; "
                f"use {self.state_dim + 1}."
            )
        check_steps(self.dt_min, self.dt_max)
        require_choice("eigenvalues", self.eigenvalues, ("unit", "signed", "complex"))
        require_choice("rate", self.rate, ("softplus", "heavy_tail"))

    def build(self, width: int) -> Mamba3:
        """Draw the module."""
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
        dt = log_steps(heads, dt_min=config.dt_min, dt_max=config.dt_max).exp()
        self.step_bias = StateParameter(unsoftplus(dt))
        self.B_norm = nn.RMSNorm(states, eps=1e-5)
        self.C_norm = nn.RMSNorm(states, eps=1e-5)
        self.B_bias = nn.Parameter(torch.ones(heads, states))
        self.C_bias = nn.Parameter(torch.ones(heads, states))
        self.D = nn.Parameter(torch.ones(heads))
        self.out = nn.Linear(inner, width, bias=False)

    def initial_state(self, batch_size: int) -> State:
        """Zero: the state, the angles so far, and the last B and u."""
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
        """Scan over time."""
        h, angles, last_B, last_u = state
        z, u, B, C, step, rate, share, turn = self.into(x).split(self.parts, dim=-1)
        u = u.unflatten(-1, (self.config.heads, -1)).transpose(1, 2)
        dt = functional.softplus(step + self.step_bias).mT
        map_ = heavy_tail if self.config.rate == "heavy_tail" else functional.softplus
        rate = map_(rate).clamp_min(FLOOR).mT
        kind = "signed" if self.config.eigenvalues == "signed" else "unit"
        a, share = ranged(torch.exp(-dt * rate), kind), torch.sigmoid(share).mT
        B, C = B.to(self.B_bias.dtype), C.to(self.C_bias.dtype)  # for autocast
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
            torch.stack((before_B, B), 3),
            torch.stack(driven, 3),
            a,
            h,
            return_last_state=True,
        )
        y = (y + self.D[:, None, None] * u).transpose(1, 2).flatten(2)
        return self.out(y * functional.silu(z)), (h, angles, B[:, :, -1], u[:, :, -1])


def heavy_tail(x: Float[torch.Tensor, "*shape"]) -> Float[torch.Tensor, "*shape"]:
    """Give 1 / (1 - x) below zero and 1 + x above, which is positive and smooth to first order."""
    return torch.where(x < 0, 1 / (1 - x.clamp_max(0)), 1 + x)


def summed(
    turns: Float[torch.Tensor, "batch head time pair"],
    start: Float[torch.Tensor, "batch head pair"],
) -> Float[torch.Tensor, "batch head time pair"]:
    """Angles after every position, less full turns."""
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
