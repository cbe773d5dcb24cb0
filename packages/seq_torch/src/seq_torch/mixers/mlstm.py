"""The mLSTM as a module: matrix memories with exponential gates, alone or inside their block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

from seqtheory import settings
from seqtheory.settings.state_space import head_width

from ..parameter import StateParameter
from .mixer import MixerConfig
from .parts.exponential_gates import recall
from .parts.headwise import HeadNorm, HeadwiseLinear
from .parts.short_convolution import ShortConvolution
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class MLSTMConfig(settings.MLSTM, MixerConfig):
    """The mLSTM in torch, by `ops.outer_scan`."""

    def build(self, width: int) -> MLSTM:
        """Draw the module from torch's random state."""
        return MLSTM(self, width)


class MLSTM(Recurrent):
    """Module of `MLSTMConfig`."""

    def __init__(self, config: MLSTMConfig, width: int):
        super().__init__()
        self.width, self.config = width, config
        inner = config.inner_width(width)
        self.head_width = head_width(inner, config.heads)
        parts = 2 if config.block else 3  # u and z, or q, k and v
        self.into = _linear(width, parts * inner, (2 / (5 * width)) ** 0.5)
        self.block = Block(config, width, inner) if config.block else None
        self.gates = nn.Linear(3 * inner, 2 * config.heads)
        nn.init.zeros_(self.gates.weight)
        forget = torch.linspace(3.0, 6.0, config.heads)
        self.gates.bias = StateParameter(torch.cat((0.1 * torch.randn(config.heads), forget)))

    def initial_state(
        self, batch_size: int
    ) -> tuple[
        torch.Tensor | None,
        Float[torch.Tensor, "batch head key value+1"],
        Float[torch.Tensor, "batch head"],
    ]:
        """Give zeros: last inputs of the convolution, if there is one, then C beside n, and m."""
        past = None if self.block is None else self.block.convolution.initial_state(batch_size)
        zeros, shape = self.gates.weight.new_zeros, (batch_size, self.config.heads)
        return past, zeros(*shape, self.head_width, self.head_width + 1), zeros(*shape)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: Any
    ) -> tuple[torch.Tensor, tuple[torch.Tensor | None, torch.Tensor, torch.Tensor]]:
        """Give outputs and the last state, by a scan from the state before."""
        past, *memory = state
        if self.block is None:
            q, k, v = self.into(x).chunk(3, -1)
            h, memory = self._recalled(q, k, v, memory)
            return h.flatten(2), (past, *memory)
        u, z = self.into(x).chunk(2, -1)
        smooth, past = self.block.convolution.run(u, past)
        smooth = functional.silu(smooth)
        h, memory = self._recalled(*self.block.mapped(smooth, u), memory)
        return self.block.read(h, smooth, z), (past, *memory)

    def _recalled(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, memory: Any
    ) -> tuple[torch.Tensor, Any]:
        """Give h, ``(batch, time, head, value)``, and the memory after it."""
        i, f = self.gates(torch.cat((q, k, v), -1)).mT.chunk(2, 1)  # (batch, head, time)
        q, k, v = (
            value.unflatten(-1, (self.config.heads, -1)).transpose(1, 2) for value in (q, k, v)
        )
        h, memory = recall(q, k * self.head_width**-0.5, v, i, f, tuple(memory))
        return h.transpose(1, 2), memory


class Block(nn.Module):
    """What the published block has around the memory: convolution, maps, norm, skip and gate."""

    def __init__(self, config: MLSTMConfig, width: int, inner: int):
        super().__init__()
        self.convolution = ShortConvolution(inner, config.convolution)
        size, deviation = config.block_size, (2 / (5 * width)) ** 0.5
        self.queries = HeadwiseLinear(inner // size, size, size, deviation=deviation)
        self.keys = HeadwiseLinear(inner // size, size, size, deviation=deviation)
        self.values = HeadwiseLinear(inner // size, size, size, deviation=deviation)
        self.norm, self.skip = HeadNorm(inner), nn.Parameter(torch.ones(inner))
        self.out = _linear(inner, width, 2 / config.place[1] / width**0.5)

    def mapped(
        self, smooth: torch.Tensor, u: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Give q, k and v, ``(batch, time, inner)``."""
        q, k, v = self.queries(smooth), self.keys(smooth), self.values(u)
        return q.flatten(2), k.flatten(2), v.flatten(2)

    def read(self, h: torch.Tensor, smooth: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """Give the output from what is recalled."""
        return self.out((self.norm(h) + self.skip * smooth) * functional.silu(z))


def _linear(inputs: int, outputs: int, deviation: float) -> nn.Linear:
    """Linear map without a bias, from N(0, deviation^2)."""
    made = nn.Linear(inputs, outputs, bias=False)
    nn.init.normal_(made.weight, std=deviation)
    return made
