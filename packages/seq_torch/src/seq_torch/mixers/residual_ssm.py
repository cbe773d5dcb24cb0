"""A residual recurrence between two small networks."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import nn

from seqtheory import settings

from .mixer import MixerConfig
from .recurrent import Recurrent
from .residual_rnn import ResidualRNNConfig


@dataclass(frozen=True, kw_only=True)
class ResidualSSMConfig(settings.ResidualSSM, MixerConfig):
    """The residual recurrence between two networks, in torch."""

    recurrence: ResidualRNNConfig = field(
        default_factory=lambda: ResidualRNNConfig(activation="linear")
    )

    def build(self, width: int) -> ResidualSSM:
        """Draw the module from torch's random state."""
        return ResidualSSM(self, width)


class ResidualSSM(Recurrent):
    """Module of `ResidualSSMConfig`."""

    def __init__(self, config: ResidualSSMConfig, width: int):
        super().__init__()
        self.width = width
        self.before = _network(config.activation, width)
        self.recurrence = config.recurrence.build(width)
        self.after = _network(config.activation, width)

    def initial_state(self, batch_size: int) -> Float[torch.Tensor, "batch width"]:
        """Give zeros, the state before the first position."""
        return self.recurrence.initial_state(batch_size)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give outputs and the last state: the recurrence runs between the two networks."""
        h, state = self.recurrence.run(self.before(x), state)
        return self.after(h), state


def _network(activation: str, width: int) -> nn.Sequential:
    function = nn.Tanh() if activation == "tanh" else nn.Hardtanh()
    return nn.Sequential(nn.Linear(width, width), function, nn.Linear(width, width))
