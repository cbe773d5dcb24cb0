"""A residual recurrence between two small networks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Float
from torch import nn

from seqtheory.checks import require_choice

from .mixer import MixerConfig
from .recurrent import Recurrent
from .residual_rnn import ResidualRNNConfig


@dataclass(frozen=True, kw_only=True)
class ResidualSSMConfig(MixerConfig):
    r"""Nonlinear maps before and after a residual recurrence.

    .. math:: h = \mathrm{recurrence}(g(x_0), g(x_1), \dots), \qquad y_k = f(h_k), \qquad
              f, g: \; v \mapsto W_2\, \sigma(W_1 v + b_1) + b_2.

    With the default, a linear recurrence, this is a state-space model: all nonlinearity acts on one
    position at a time.

    Parameters
    ----------
    recurrence
        Settings of the recurrence. The published code leaves the activation inside it as well,
        which makes it a recurrent network again: ``ResidualRNNConfig(activation="tanh")``.
    activation
        The function of f and g, "tanh" or "hardtanh".

    References
    ----------
    Wang, Xue, arXiv 2309.13414; the model "SimpleSSM" of the code published with arXiv 2305.19190.
    """

    recurrence: ResidualRNNConfig = field(
        default_factory=lambda: ResidualRNNConfig(activation="linear")
    )
    activation: Literal["tanh", "hardtanh"] = "tanh"

    def __post_init__(self) -> None:
        if not isinstance(self.recurrence, ResidualRNNConfig):
            raise TypeError(
                f"recurrence={self.recurrence!r} is none; expected a value such as "
                "ResidualRNNConfig(activation='linear')."
            )
        require_choice("activation", self.activation, ("tanh", "hardtanh"))

    def build(self, width: int) -> ResidualSSM:
        """Draw the module."""
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
        """Zero."""
        return self.recurrence.initial_state(batch_size)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Run the linear recurrence between the two networks."""
        h, state = self.recurrence.run(self.before(x), state)
        return self.after(h), state


def _network(activation: str, width: int) -> nn.Sequential:
    function = nn.Tanh() if activation == "tanh" else nn.Hardtanh()
    return nn.Sequential(nn.Linear(width, width), function, nn.Linear(width, width))
