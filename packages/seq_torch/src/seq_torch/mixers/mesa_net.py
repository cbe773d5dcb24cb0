"""MesaNet: maps from the input around two scans and a linear system at every position."""

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
from .mixer import MixerConfig
from .parts.ridge import solved_by_steps, solved_exactly
from .parts.short_convolution import ShortConvolution
from .parts.step_size import unsoftplus
from .parts.unit_norm import unit
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class MesaNetConfig(settings.MesaNet, MixerConfig):
    """MesaNet in torch, by `ops.outer_scan` and, for an exact solution, `ops.linear_scan`."""

    def build(self, width: int) -> MesaNet:
        """Draw the module from torch's random state."""
        return MesaNet(self, width)


class MesaNet(Recurrent):
    """Module of `MesaNetConfig`."""

    def __init__(self, config: MesaNetConfig, width: int):
        super().__init__()
        self.width, self.config = width, config
        keys, values = config.heads * config.key_dim, config.heads * config.value_dim
        self.parts = [2 * keys, values]
        self.into = nn.Linear(width, sum(self.parts), bias=False)
        self.decay = nn.Linear(width, config.heads)
        self.strength = nn.Linear(width, config.heads)
        above = 1 - config.ridge if config.ridge < 1 else 1.0
        self.ridge = StateParameter(
            unsoftplus(torch.full((config.heads, config.key_dim), float(above)))
        )
        self.convolution = self.norm = self.gate = None
        if config.block and config.convolution:
            self.convolution = ShortConvolution(2 * keys, config.convolution, bias=False)
        if config.block:
            self.norm = nn.RMSNorm(config.value_dim, eps=1e-5)
            self.gate = nn.Linear(width, values, bias=False) if config.gate else None
        self.out = nn.Linear(values, width, bias=False)
        if config.start == "published":
            self._draw_as_published()

    def initial_state(
        self, batch_size: int
    ) -> tuple[
        torch.Tensor | None,
        Float[torch.Tensor, "batch head key key"],
        Float[torch.Tensor, "batch head key value"],
    ]:
        """Give zeros: the convolution's last inputs, if there is one, G and S."""
        past = None if self.convolution is None else self.convolution.initial_state(batch_size)
        c, zeros = self.config, self.into.weight.new_zeros
        of_keys = zeros(batch_size, c.heads, c.key_dim, c.key_dim)
        return past, of_keys, zeros(batch_size, c.heads, c.key_dim, c.value_dim)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: Any
    ) -> tuple[torch.Tensor, tuple[torch.Tensor | None, torch.Tensor, torch.Tensor]]:
        """Give outputs and the last states, by scans from the states before."""
        past, G, S = state
        mapped, v = self.into(x).split(self.parts, dim=-1)
        if self.convolution is not None:
            mapped, past = self.convolution.run(mapped, past)
        if self.config.block:
            mapped = functional.silu(mapped)
        o, G, S = self._solved(x, mapped, v, G, S)
        if self.norm is not None:  # in its own precision: under autocast o has a lower one
            o = self.norm(o.to(self.norm.weight.dtype))
        o = o.flatten(2)
        o = o if self.gate is None else o * functional.silu(self.gate(x))
        return self.out(o), (past, G, S)

    def ridges(self) -> Float[torch.Tensor, "head key"]:
        """Give the diagonal that is added to the covariance of the keys."""
        return self.config.ridge + functional.softplus(self.ridge)

    @torch.no_grad()
    def _draw_as_published(self) -> None:
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Conv1d)):
                module.weight.normal_(std=0.02)
                if module.bias is not None:
                    module.bias.zero_()

    def _solved(
        self,
        x: torch.Tensor,
        mapped: torch.Tensor,
        v: torch.Tensor,
        G: torch.Tensor,
        S: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Give what is read, (batch, time, head, value), and the last states.

        The system is solved in single precision or better.
        """
        c = self.config
        q, k = mapped.unflatten(-1, (2, c.heads, -1)).permute(2, 0, 3, 1, 4)
        q, k = unit(q, c.normalisation), unit(k, c.normalisation)  # of that precision
        v = v.unflatten(-1, (c.heads, -1)).transpose(1, 2).to(q.dtype)
        decay, strength = (
            torch.sigmoid(part(x)).mT.to(q.dtype) for part in (self.decay, self.strength)
        )
        w, ridge = strength[..., None] * k, self.ridges().to(q.dtype)[:, None]
        given = (k, w, decay, ridge, G.to(q.dtype))
        with torch.autocast(q.device.type, enabled=False):
            if c.iterations is None:
                z = solved_exactly(q, *given)
            else:
                z = solved_by_steps(q, *given, steps=c.iterations)
            o, last = ops.outer_scan(
                z,
                k[:, :, :, None],
                torch.cat((w, strength[..., None] * v), -1)[:, :, :, None],
                decay,
                torch.cat((G.to(q.dtype), S.to(q.dtype)), -1),
                return_last_state=True,
            )
        o, last = o[..., c.key_dim :].transpose(1, 2), last.to(G.dtype)
        return o.to(x.dtype), last[..., : c.key_dim], last[..., c.key_dim :]
