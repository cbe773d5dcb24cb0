"""Mamba-2: matrix states with one decay per head, alone or inside their block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

from seqtheory.checks import require_flag, require_integer

from .. import ops
from ..parameter import StateParameter
from .mixer import MixerConfig
from .parts.eigenvalues import Eigenvalues, check_eigenvalues, ranged
from .parts.short_convolution import ShortConvolution
from .parts.step_size import check_steps, log_steps, unsoftplus
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class Mamba2Config(MixerConfig):
    r"""A selective recurrence whose states share one scalar decay in each head.

    .. math:: h_k = a_k h_{k-1} + \Delta_k B_k u_k^\top, \quad y_k = h_k^\top C_k + D u_k,
              \qquad \Delta_k = \mathrm{softplus}(W_\Delta x_k + b), \quad
              a_k = e^{-\Delta_k A},

    in each head, where u is the head's part of the channels, h has `state_dim` rows, and
    :math:`(B_k, C_k) = W_{BC} x_k` serve all heads of a group. Alone, u = x. The block is

    .. math:: (z, u', x', \Delta) = W_{in} x, \qquad
              (u, B, C) = \mathrm{silu}(\mathrm{conv}(u', x')), \qquad
              y = W_{out}\,\mathrm{norm}(y' \odot \mathrm{silu}(z)),

    with y' the recurrence's output and the root-mean-square norm of each group's channels.

    Parameters
    ----------
    state_dim
        N, rows of a head's state.
    heads
        A divisor of the inner width: `expand` times the model's, or the model's own without the
        block.
    groups
        Groups of heads in a row, each with its own B and C; a divisor of `heads`.
    block
        True for the whole block, False for the bare recurrence.
    expand
        The block's inner width over the model's.
    convolution
        Length of the block's causal convolution.
    dt_min, dt_max
        Steps at zero input start log-uniformly between these.
    eigenvalues
        "unit" for decays :math:`a = e^{-\Delta A}` in [0, 1], "signed" for
        :math:`2 e^{-\Delta A} - 1` in their place, in [-1, 1].

    Notes
    -----
    A, positive, starts uniformly in [1, 16], D from 1. The input map is :math:`\Delta B`, Euler's.

    References
    ----------
    Dao and Gu, arXiv 2405.21060, sections 6 and 7; for the signed range, Grazzi et al., arXiv
    2411.12537, section 4.
    """

    state_dim: int = 64
    heads: int = 4
    groups: int = 1
    block: bool = True
    expand: int = 2
    convolution: int = 4
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    eigenvalues: Eigenvalues = "unit"

    def __post_init__(self) -> None:
        for name in ("state_dim", "heads", "groups", "expand", "convolution"):
            require_integer(name, getattr(self, name), minimum=1)
        if self.heads % self.groups:
            raise ValueError(
                f"got groups={self.groups} with heads={self.heads}, expected a divisor of the "
                "heads: each group has as many."
            )
        require_flag("block", self.block)
        check_steps(self.dt_min, self.dt_max)
        check_eigenvalues(self.eigenvalues)

    def build(self, width: int) -> Mamba2:
        """Draw the module."""
        return Mamba2(self, width)


def head_width(inner: int, heads: int) -> int:
    """Channels of a head, or raise where they cannot be shared."""
    if inner % heads:
        raise ValueError(
            f"{inner} inner channels cannot be shared by {heads} heads; choose a divisor."
        )
    return inner // heads


class Mamba2(Recurrent):
    """Module of `Mamba2Config`."""

    def __init__(self, config: Mamba2Config, width: int):
        super().__init__()
        self.width, self.config = width, config
        inner = config.expand * width if config.block else width
        self.head_width = head_width(inner, config.heads)
        self.parts = [inner, *2 * [config.groups * config.state_dim]]
        # With the block u, B, C, then the steps, then the gate; without it B, C and the steps.
        mapped = sum(self.parts) + config.heads + (inner if config.block else -inner)
        self.into = nn.Linear(width, mapped, bias=False)
        dt = log_steps(config.heads, dt_min=config.dt_min, dt_max=config.dt_max).exp()
        self.step_bias = StateParameter(unsoftplus(dt))
        self.log_decay = StateParameter(torch.empty(config.heads).uniform_(1, 16).log())
        self.D = nn.Parameter(torch.ones(config.heads))
        self.convolution = self.norm = self.out = None
        if config.block:
            self.convolution = ShortConvolution(sum(self.parts), config.convolution)
            self.norm = nn.RMSNorm(inner, eps=1e-5)
            self.out = nn.Linear(inner, width, bias=False)

    def initial_state(
        self, batch_size: int
    ) -> tuple[torch.Tensor | None, Float[torch.Tensor, "batch head state channel"]]:
        """Zero: the convolution's last inputs, if there is one, and the recurrence's state."""
        past = None if self.convolution is None else self.convolution.initial_state(batch_size)
        shape = (batch_size, self.config.heads, self.config.state_dim, self.head_width)
        return past, self.log_decay.new_zeros(shape)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: Any
    ) -> tuple[torch.Tensor, tuple[torch.Tensor | None, torch.Tensor]]:
        """Scan over time."""
        past, h = state
        varying, step, gate = self._mapped(x)
        if self.convolution is not None:
            varying, past = self.convolution.run(varying, past)
            varying = functional.silu(varying)
        y, h = self._scan(varying, step, gate, h)
        return y, (past, h)

    def decays(
        self, step: Float[torch.Tensor, "... head"]
    ) -> tuple[Float[torch.Tensor, "... head"], Float[torch.Tensor, "... head"]]:
        """Give steps after softplus, and the factors of the state."""
        dt = functional.softplus(step + self.step_bias)
        return dt, ranged(torch.exp(-dt * self.log_decay.exp()), self.config.eigenvalues)

    def _mapped(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Channels, B and C side by side; steps before softplus; gate."""
        varying = sum(self.parts if self.config.block else self.parts[1:])
        mapped, step, gate = self.into(x).tensor_split(
            (varying, varying + self.config.heads), dim=-1
        )
        if not self.config.block:
            return torch.cat((x, mapped), -1), step, None
        return mapped, step, gate

    def _scan(
        self,
        varying: torch.Tensor,
        step: torch.Tensor,
        gate: torch.Tensor | None,
        state: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        u, B, C = varying.split(self.parts, dim=-1)
        u = u.unflatten(-1, (self.config.heads, -1)).transpose(1, 2)
        B, C = (value.unflatten(-1, (self.config.groups, -1)).transpose(1, 2) for value in (B, C))
        dt, a = (value.mT for value in self.decays(step))
        y, state = ops.outer_scan(
            C,
            B[:, :, :, None],
            (dt[..., None] * u)[:, :, :, None],
            a,
            state,
            return_last_state=True,
        )
        y = (y + self.D[:, None, None] * u).transpose(1, 2).flatten(2)
        if self.norm is None or self.out is None or gate is None:
            return y, state
        gated = (y * functional.silu(gate)).to(self.norm.weight.dtype)  # for autocast
        return self.out(self._normalised(gated, self.norm)), state

    def _normalised(self, y: torch.Tensor, norm: nn.RMSNorm) -> torch.Tensor:
        """Divide each group's channels by their root mean square."""
        if self.config.groups == 1:
            return norm(y)
        parted = y.unflatten(-1, (self.config.groups, -1))
        return (
            functional.rms_norm(parted, parted.shape[-1:], eps=norm.eps).flatten(-2) * norm.weight
        )
