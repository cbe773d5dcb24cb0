"""Kimi Delta Attention and its kin: maps from the input around `ops.generalised_delta_scan`."""

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
class KDAConfig(settings.KDA, MixerConfig):
    """Kimi Delta Attention, CKDA and GDN-2 in torch, by `ops.generalised_delta_scan`."""

    def build(self, width: int) -> KDA:
        """Draw the module from torch's random state."""
        return KDA(self, width)


class KDA(Recurrent):
    """Module of `KDAConfig`."""

    def __init__(self, config: KDAConfig, width: int):
        super().__init__()
        self.width, self.config = width, config
        keys, values = config.heads * config.key_dim, config.heads * config.value_dim
        self.parts = [keys, keys, values]
        self.into = nn.Linear(width, sum(self.parts), bias=False)
        shared = config.gates == "shared"
        self.strength = nn.Linear(width, config.heads if shared else keys, bias=False)
        self.write = None if shared else nn.Linear(width, values, bias=False)
        self.decay = Decay(config, width)
        start = torch.randn(config.heads, config.key_dim, config.value_dim) / config.key_dim**0.5
        self.start = nn.Parameter(start) if config.trained_start else None
        self.convolution = self.norm = self.gate = None
        if config.block and config.convolution:
            self.convolution = ShortConvolution(sum(self.parts), config.convolution, bias=False)
        if config.block:
            self.norm = nn.RMSNorm(config.value_dim, eps=1e-5)
            self.gate = bottleneck(width, config.value_dim, values, bias=True)
        self.out = nn.Linear(values, width, bias=False)
        if config.start == "published" and shared:  # of GDN-2 the layer alone is published
            self._draw_as_published()

    def initial_state(
        self, batch_size: int
    ) -> tuple[torch.Tensor | None, Float[torch.Tensor, "batch head key value"]]:
        """Give the convolution's last inputs, if there is one, and the recurrence's state."""
        past = None if self.convolution is None else self.convolution.initial_state(batch_size)
        if self.start is not None:
            return past, self.start.expand(batch_size, -1, -1, -1)
        c = self.config
        return past, self.into.weight.new_zeros(batch_size, c.heads, c.key_dim, c.value_dim)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: Any
    ) -> tuple[torch.Tensor, tuple[torch.Tensor | None, torch.Tensor]]:
        """Give outputs and the last state, by a scan from the state before."""
        (past, S), mapped = state, self.into(x)
        if self.convolution is not None:
            mapped, past = self.convolution.run(mapped, past)
        if self.config.block:
            mapped = functional.silu(mapped)
        o, S = self._scan(x, mapped, S)
        if self.norm is not None:  # in its own precision: under autocast o has a lower one
            o = self.norm(o.to(self.norm.weight.dtype))
        o = o.flatten(2)
        return self.out(o if self.gate is None else o * torch.sigmoid(self.gate(x))), (past, S)

    @torch.no_grad()
    def _draw_as_published(self) -> None:
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Conv1d)):
                module.weight.normal_(std=0.02)
                if module.bias is not None:
                    module.bias.zero_()

    def _scan(
        self, x: torch.Tensor, mapped: torch.Tensor, state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give what is read, (batch, time, head, value), and the last state."""
        c = self.config
        q, k, v = (part.unflatten(-1, (c.heads, -1)) for part in mapped.split(self.parts, dim=-1))
        # Norms may be of a longer type than the values.
        q = (unit(q, c.normalisation) * c.scale).to(v.dtype)
        k = unit(k, c.normalisation).to(v.dtype)
        erase, write = self.strengths(x)
        log_decay = self.decay(x)
        decay = log_decay.exp()
        signed = c.decay == "signed"
        decay = 2 * decay - 1 if signed else decay
        given = {"q": q, "k": k, "v": write * v, "a": decay * erase * k, "b": -k}
        given |= {"decay": decay} if signed else {"log_decay": log_decay}
        o, state = ops.generalised_delta_scan(
            **{name: value.transpose(1, 2) for name, value in given.items()},
            initial=state,
            return_last_state=True,
        )
        return o.transpose(1, 2), state

    def strengths(
        self, x: Float[torch.Tensor, "... width"]
    ) -> tuple[Float[torch.Tensor, "... head erased"], Float[torch.Tensor, "... head written"]]:
        """Give the strengths of erasing and of writing, of one channel where they are shared."""
        heads = self.config.heads
        erase = torch.sigmoid(self.strength(x)).unflatten(-1, (heads, -1))
        erase = 2 * erase if self.config.eigenvalues == "signed" else erase
        if self.write is None:
            return erase, erase
        return erase, torch.sigmoid(self.write(x)).unflatten(-1, (heads, -1))


class Decay(nn.Module):
    r"""Logarithms of the channels' decays, before a sign: see `KDAConfig`."""

    def __init__(self, config: settings.KDA, width: int):
        super().__init__()
        channels = config.heads * config.key_dim
        self.bound = config.lower_bound if config.decay == "bounded" else None
        self.map = bottleneck(width, config.value_dim, channels, bias=False)
        self.bias = step_bias(channels, dt_min=1e-3, dt_max=1e-1)
        rates = torch.ones(config.heads)
        rates = rates if config.decay == "bounded" else rates.uniform_(1, 16)
        self.log_rate = StateParameter(rates.log())

    def forward(self, x: Float[torch.Tensor, "... width"]) -> Float[torch.Tensor, "... head key"]:
        """Give the logarithm of each channel's decay."""
        rate = self.log_rate.exp()[:, None]
        level = (self.map(x) + self.bias).unflatten(-1, (len(rate), -1))
        if self.bound is not None:
            return self.bound * torch.sigmoid(rate * level)
        return -rate * functional.softplus(level)


def bottleneck(width: int, inner: int, channels: int, *, bias: bool) -> nn.Sequential:
    """Make a linear map by way of a few numbers."""
    return nn.Sequential(nn.Linear(width, inner, bias=False), nn.Linear(inner, channels, bias=bias))
