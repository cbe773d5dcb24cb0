"""The sLSTM as a module: maps from the input to the gates around `ops.slstm_scan`."""

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
from .parts.headwise import HeadNorm, HeadwiseLinear
from .parts.short_convolution import ShortConvolution
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class SLSTMConfig(settings.SLSTM, MixerConfig):
    """The sLSTM in torch, by `ops.slstm_scan`."""

    def build(self, width: int) -> SLSTM:
        """Draw the module from torch's random state."""
        return SLSTM(self, width)


class SLSTM(Recurrent):
    """Module of `SLSTMConfig`.

    Attributes
    ----------
    into
        W of the gates i, f, z and o: ``i_and_f`` and ``z_and_o`` in the block, else one map.
    recurrent, bias
        R, ``(head, gate, to, from)``, and b, ``(head, gate, channel)``.
    """

    def __init__(self, config: SLSTMConfig, width: int):
        super().__init__()
        self.width, self.config = width, config
        self.head_width = d = head_width(width, config.heads)
        deviation = (2 / (5 * width)) ** 0.5
        self.convolution = self.norm = None
        if config.block:
            if config.convolution:
                self.convolution = ShortConvolution(width, config.convolution)
            self.into = nn.ModuleDict(
                {
                    name: HeadwiseLinear(config.heads, d, 2 * d, deviation=deviation)
                    for name in ("i_and_f", "z_and_o")
                }
            )
            self.norm = HeadNorm(width)
        else:
            self.into = nn.Linear(width, 4 * width, bias=False)
            nn.init.normal_(self.into.weight, std=deviation)
        self.recurrent = StateParameter(torch.zeros(config.heads, 4, d, d))
        bias = torch.zeros(config.heads, 4, d)
        bias[:, 1] = forget_bias(d, *config.place)
        self.bias = StateParameter(bias)

    def initial_state(
        self, batch_size: int
    ) -> tuple[torch.Tensor | None, Float[torch.Tensor, "batch head four channel"]]:
        """Give zeros: last inputs of the convolution, if there is one, and h, c, n and m."""
        past = None if self.convolution is None else self.convolution.initial_state(batch_size)
        return past, self.bias.new_zeros(batch_size, *self.bias.shape)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: Any
    ) -> tuple[torch.Tensor, tuple[torch.Tensor | None, torch.Tensor]]:
        """Give outputs and the last state, by a scan from the state before."""
        past, S = state
        drive, past = self._drive(x, past)
        gates = drive.unflatten(-1, (4, -1)) + self.bias  # (batch, time, head, gate, channel)
        h, S = ops.slstm_scan(gates.transpose(1, 2), self.recurrent, S, return_last_state=True)
        h = h.transpose(1, 2)
        return (h.flatten(2) if self.norm is None else self.norm(h)), (past, S)

    def _drive(self, x: torch.Tensor, past: Any) -> tuple[torch.Tensor, Any]:
        """Give W x, the gates of each head side by side, and the convolution's last inputs."""
        if isinstance(self.into, nn.Linear):
            return self.into(x).unflatten(-1, (self.config.heads, -1)), past
        smooth = x
        if self.convolution is not None:
            smooth, past = self.convolution.run(x, past)
            smooth = functional.silu(smooth)
        parts = self.into["i_and_f"](smooth), self.into["z_and_o"](x)
        return torch.cat(parts, -1), past


def forget_bias(channels: int, layer: int, layers: int) -> Float[torch.Tensor, " channel"]:
    """Bias of the forget gates of a head, as in `settings.SLSTM`."""
    depth = layer / max(1, layers - 1)
    place = torch.arange(channels) / max(1, channels - 1)
    return 5 - 12 * place ** (0.3 + 1.3 * depth)
