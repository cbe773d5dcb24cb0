"""The delta rule as a module: maps from the input around `ops.delta_scan`."""

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
from .parts.short_convolution import ShortConvolution
from .parts.step_size import step_bias
from .parts.unit_norm import unit
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class DeltaRuleConfig(settings.DeltaRule, MixerConfig):
    """Recurrences of the delta rule in torch, by `ops.delta_scan`."""

    def build(self, width: int) -> DeltaRule:
        """Draw the module from torch's random state."""
        return DeltaRule(self, width)


@dataclass(frozen=True, kw_only=True)
class DeltaNetConfig(settings.DeltaNet, DeltaRuleConfig):
    """DeltaNet in torch, by `ops.delta_scan`."""


@dataclass(frozen=True, kw_only=True)
class GatedDeltaNetConfig(settings.GatedDeltaNet, DeltaRuleConfig):
    """Gated DeltaNet in torch, by `ops.delta_scan`."""


@dataclass(frozen=True, kw_only=True)
class DeltaProductConfig(settings.DeltaProduct, DeltaRuleConfig):
    """DeltaProduct in torch, by `ops.delta_scan`."""


class DeltaMaps(nn.Module):
    """What stands around the recurrence: parameters, the maps before it, and those behind it."""

    def __init__(self, config: settings.DeltaRule, width: int):
        super().__init__()
        self.width, self.config = width, config
        heads, factors = config.heads, config.householders
        self.parts = [
            heads * config.key_dim,
            heads * factors * config.key_dim,
            heads * factors * config.value_dim,
        ]
        self.into = nn.Linear(width, sum(self.parts), bias=False)
        self.strength = nn.Linear(width, heads * factors)
        self.strength.weight = StateParameter(self.strength.weight.detach())
        zeros = StateParameter(torch.zeros(heads * factors))
        self.strength.register_parameter("bias", zeros if config.bias else None)
        self.decay = Decay(width, heads) if config.decays else None
        start = torch.randn(heads, config.key_dim, config.value_dim) / config.key_dim**0.5
        self.start = nn.Parameter(start) if config.trained_start else None
        self.convolution = self.norm = self.gate = None
        if config.block and config.convolution:
            self.convolution = ShortConvolution(
                sum(self.parts), config.convolution, bias=config.bias
            )
        if config.block:
            self.norm = nn.RMSNorm(config.value_dim, eps=1e-5)
            if config.decays:
                self.gate = nn.Linear(width, heads * config.value_dim, bias=False)
        self.out = nn.Linear(heads * config.value_dim, width, bias=False)
        if config.start == "published":
            self._draw_as_published()

    def factors(
        self, x: torch.Tensor, mapped: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Give queries, keys, values, strengths and logarithms of decays, if there are any.

        Axes are (batch, head, time, ...), and (batch, head, time, factor, ...) for keys, values and
        strengths.
        """
        c = self.config
        q, k, v = mapped.split(self.parts, dim=-1)
        per_head = (c.heads, c.householders)
        # Norms may be of a longer type than the values.
        q = (unit(q.unflatten(-1, (c.heads, -1)), c.normalisation) * c.scale).to(v.dtype)
        k = unit(k.unflatten(-1, (*per_head, -1)), c.normalisation).to(v.dtype)
        return (
            q.transpose(1, 2),
            k.transpose(1, 2),
            v.unflatten(-1, (*per_head, -1)).transpose(1, 2),
            self.strengths(x).unflatten(-1, per_head).transpose(1, 2),
            None if self.decay is None else self.decay(x).mT,
        )

    def finished(
        self, o: Float[torch.Tensor, "batch head time value"], x: torch.Tensor
    ) -> Float[torch.Tensor, "batch time width"]:
        """Map what the recurrence gave to outputs."""
        o = o.transpose(1, 2)
        # The norm is done in its own precision: under autocast o has a lower one.
        o = (o if self.norm is None else self.norm(o.to(self.norm.weight.dtype))).flatten(2)
        o = o if self.gate is None else o * functional.silu(self.gate(x))
        return self.out(o)

    def strengths(self, x: Float[torch.Tensor, "... width"]) -> Float[torch.Tensor, "... factor"]:
        """Give beta, which is one minus the eigenvalue of each factor along its key."""
        share = torch.sigmoid(self.strength(x))
        return share if self.config.eigenvalues == "unit" else 2 * share

    @torch.no_grad()
    def _draw_as_published(self) -> None:
        for name, parameter in self.named_parameters():
            if name.startswith(("into", "strength", "convolution", "gate", "out", "decay.weight")):
                parameter.normal_(std=0.02) if name.endswith("weight") else parameter.zero_()
        if self.decay is not None:
            rates = 16 * (1 - torch.rand(self.config.heads))  # without the zero
            self.decay.log_rate.copy_(rates.log())


class DeltaRule(DeltaMaps, Recurrent):
    """Module of `DeltaNetConfig`, `GatedDeltaNetConfig` and `DeltaProductConfig`."""

    def initial_state(
        self, batch_size: int
    ) -> tuple[torch.Tensor | None, Float[torch.Tensor, "batch head key value"]]:
        """Give the convolution's last inputs, if there is one, and the recurrence's state."""
        past = None if self.convolution is None else self.convolution.initial_state(batch_size)
        return past, self._start(batch_size)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: Any
    ) -> tuple[torch.Tensor, tuple[torch.Tensor | None, torch.Tensor]]:
        """Give outputs and the last state, by a scan from the state before."""
        (past, S), mapped = state, self.into(x)
        if self.convolution is not None:
            mapped, past = self.convolution.run(mapped, past)
        if self.config.block:
            mapped = functional.silu(mapped)
        o, S = ops.delta_scan(*self.factors(x, mapped), S, return_last_state=True)
        return self.finished(o, x), (past, S)

    def _start(self, batch_size: int) -> torch.Tensor:
        if self.start is not None:
            return self.start.expand(batch_size, -1, -1, -1)
        c = self.config
        return self.into.weight.new_zeros(batch_size, c.heads, c.key_dim, c.value_dim)


class Decay(nn.Module):
    r"""Logarithm of each head's decay: :math:`-a\,\mathrm{softplus}(W x + b)` for the input x."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(heads, width).uniform_(-1, 1) / width**0.5)
        self.bias = step_bias(heads, dt_min=1e-3, dt_max=1e-1)
        self.log_rate = StateParameter(torch.empty(heads).uniform_(1, 16).log())

    def forward(self, x: Float[torch.Tensor, "... width"]) -> Float[torch.Tensor, "... head"]:
        """Give the logarithm of each head's decay."""
        return -self.log_rate.exp() * functional.softplus(
            functional.linear(x, self.weight) + self.bias
        )
