"""Log-linear Mamba-2 and log-linear gated DeltaNet, by chunks and a tree over them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

from seqtheory import settings

from ..parameter import StateParameter
from .delta_rule import DeltaMaps
from .mamba2 import Mamba2Maps
from .mixer import MixerConfig, check_sequence
from .parts.log_linear import log_linear
from .parts.start import shrunk


@dataclass(frozen=True, kw_only=True)
class LogLinearMamba2Config(settings.LogLinearMamba2, MixerConfig):
    """Log-linear Mamba-2 in torch."""

    def build(self, width: int) -> LogLinearMamba2:
        """Draw the module from torch's random state."""
        return LogLinearMamba2(self, width)


@dataclass(frozen=True, kw_only=True)
class LogLinearGatedDeltaNetConfig(settings.LogLinearGatedDeltaNet, MixerConfig):
    """Log-linear gated DeltaNet in torch."""

    def build(self, width: int) -> LogLinearGatedDeltaNet:
        """Draw the module from torch's random state."""
        return LogLinearGatedDeltaNet(self, width)


class LogLinearMamba2(Mamba2Maps):
    """Module of `LogLinearMamba2Config`."""

    def __init__(self, config: LogLinearMamba2Config, width: int):
        super().__init__(config, width)
        self.levels = Levels(width, config.heads, config.levels)
        if config.start == "published":
            _draw_as_published(self)
            with torch.no_grad():
                self.log_decay.copy_(torch.arange(1, config.heads + 1).log())

    def forward(self, x: Float[torch.Tensor, "batch time width"]) -> torch.Tensor:
        """Map a whole sequence."""
        check_sequence(x, self.width)
        varying, step, gate = self.mapped(x)
        if self.convolution is not None:
            varying = functional.silu(self.convolution.sequence(varying))
        u, B, C = self.driven(varying)
        B, C = (value.repeat_interleave(u.shape[1] // value.shape[1], 1) for value in (B, C))
        dt, log_decays = (value.mT for value in self.log_decays(step))
        y = log_linear(C, B, dt[..., None] * u, log_decays, self.levels(x))
        return self.finished(y, u, gate)


class LogLinearGatedDeltaNet(DeltaMaps):
    """Module of `LogLinearGatedDeltaNetConfig`."""

    def __init__(self, config: LogLinearGatedDeltaNetConfig, width: int):
        super().__init__(config, width)
        self.levels = Levels(width, config.heads, config.levels)
        if config.start == "published":
            self.out.reset_parameters()
            shrunk(self.out, config.output_factor)
            with torch.no_grad():
                self.levels.map.weight.normal_(std=0.02)

    def forward(self, x: Float[torch.Tensor, "batch time width"]) -> torch.Tensor:
        """Map a whole sequence."""
        check_sequence(x, self.width)
        mapped = self.into(x)
        if self.convolution is not None:
            mapped = self.convolution.sequence(mapped)
        mapped = functional.silu(mapped) if self.config.block else mapped
        q, k, v, strength, log_decay = self.factors(x, mapped)
        k, v, strength = (value.squeeze(3) for value in (k, v, strength))  # of one factor
        assert log_decay is not None
        o = log_linear(q, k, v, log_decay, self.levels(x), strength)
        return self.finished(o, x)


class Levels(nn.Module):
    r"""Weights of the levels, :math:`\mathrm{softplus}(\Lambda \odot W x)`."""

    def __init__(self, width: int, heads: int, levels: int):
        super().__init__()
        self.map = nn.Linear(width, heads * levels, bias=False)
        self.scale = StateParameter(torch.ones(heads, levels))

    def forward(
        self, x: Float[torch.Tensor, "batch time width"]
    ) -> Float[torch.Tensor, "batch head time level"]:
        """Give the weights of all levels at every position."""
        scale = self.scale[:, None]
        mapped = self.map(x).unflatten(-1, (scale.shape[0], -1)).transpose(1, 2)
        return functional.softplus(scale * mapped)


@torch.no_grad()
def _draw_as_published(module: LogLinearMamba2) -> None:
    for part in (module.into, module.convolution, module.levels.map):
        if part is not None:
            part.weight.normal_(std=0.02)
            if part.bias is not None:
                part.bias.zero_()
