"""M2RNN as a module: maps from the input around `ops.m2rnn_scan`."""

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
from .recurrent import Recurrent

DEVIATION = 0.02  # of the weights, as published


@dataclass(frozen=True, kw_only=True)
class M2RNNConfig(settings.M2RNN, MixerConfig):
    """The matrix-to-matrix recurrence in torch, by `ops.m2rnn_scan`."""

    def build(self, width: int) -> M2RNN:
        """Draw the module from torch's random state."""
        return M2RNN(self, width)


class M2RNN(Recurrent):
    """Module of `M2RNNConfig`.

    Attributes
    ----------
    into
        Rows for q, k and v, then for the decays, then, in the block, for the gate.
    recurrent
        W, ``(head, value, value)``.
    """

    def __init__(self, config: M2RNNConfig, width: int):
        super().__init__()
        self.width, self.config = width, config
        keys, values = config.groups * config.key_dim, config.heads * config.value_dim
        self.parts = [keys, keys, values]
        gate = values if config.block else 0
        self.into = nn.Linear(width, sum(self.parts) + config.heads + gate, bias=False)
        self.recurrent = nn.Parameter(torch.eye(config.value_dim).repeat(config.heads, 1, 1))
        self.step_bias = step_bias(config.heads, dt_min=1e-3, dt_max=1e-1)
        rates = 16 * (1 - torch.rand(config.heads))  # without the zero
        self.log_rate = StateParameter(rates.log())
        self.convolution = self.norm = None
        if config.block:
            self.convolution = ShortConvolution(sum(self.parts), config.convolution, bias=False)
            self.D = StateParameter(torch.ones(config.heads, config.value_dim))
            self.norm = nn.RMSNorm(values, eps=1e-5)
        self.out = nn.Linear(values, width, bias=False)
        if config.start == "published":
            self._draw_as_published()

    def initial_state(
        self, batch_size: int
    ) -> tuple[torch.Tensor | None, Float[torch.Tensor, "batch head key value"]]:
        """Give zeros: last inputs of the convolution, if there is one, and the state."""
        past = None if self.convolution is None else self.convolution.initial_state(batch_size)
        c = self.config
        return past, self.recurrent.new_zeros(batch_size, c.heads, c.key_dim, c.value_dim)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: Any
    ) -> tuple[torch.Tensor, tuple[torch.Tensor | None, torch.Tensor]]:
        """Give outputs and the last state, by a scan from the state before."""
        past, S = state
        varying = sum(self.parts)
        mapped, step, gate = self.into(x).tensor_split((varying, varying + self.config.heads), -1)
        if self.convolution is not None:
            mapped, past = self.convolution.run(mapped, past)
            mapped = functional.silu(mapped)
        q, k, v = mapped.split(self.parts, -1)
        q, k = (value.unflatten(-1, (self.config.groups, -1)).transpose(1, 2) for value in (q, k))
        v = v.unflatten(-1, (self.config.heads, -1))
        o, S = ops.m2rnn_scan(
            q,
            k,
            v.transpose(1, 2),
            self.decays(step).mT,
            self.recurrent,
            S,
            clip=self.config.gradient_clip,
            return_last_state=True,
        )
        o = o.transpose(1, 2)
        if self.norm is None:
            return self.out(o.flatten(2)), (past, S)
        gated = (o + self.D * v).flatten(2) * functional.silu(gate)
        return self.out(self.norm(gated.to(self.norm.weight.dtype))), (past, S)  # for autocast

    def decays(self, step: Float[torch.Tensor, "... head"]) -> Float[torch.Tensor, "... head"]:
        """Give f from what the input adds to the steps before softplus."""
        return torch.exp(-self.log_rate.exp() * functional.softplus(step + self.step_bias))

    def _draw_as_published(self) -> None:
        maps = [self.into] if self.convolution is None else [self.into, self.convolution]
        for each in maps:
            nn.init.normal_(each.weight, std=DEVIATION)
        nn.init.normal_(self.out.weight, std=DEVIATION / (2 * self.config.place[1]) ** 0.5)
