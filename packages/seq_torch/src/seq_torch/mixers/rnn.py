"""The recurrent network of Elman, with tanh."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import nn

from .mixer import MixerConfig, check_sequence, check_step


@dataclass(frozen=True, kw_only=True)
class RNNConfig(MixerConfig):
    r"""Elman's recurrent network; its state is as wide as the model.

    .. math:: h_k = \tanh(W x_k + b + U h_{k-1} + c), \qquad y_k = h_k, \qquad h_0 = 0.

    Notes
    -----
    Torch's own `torch.nn.RNN` with its initialisation, U(-1/sqrt(width), 1/sqrt(width)).

    References
    ----------
    J. Elman, Cognitive Science 14 (1990). Cirone et al., arXiv 2402.19047, section 5.
    """

    def build(self, width: int) -> RNN:
        """Draw the module."""
        return RNN(width)


class RNN(nn.Module):
    """Module of `RNNConfig`."""

    def __init__(self, width: int):
        super().__init__()
        self.width = width
        self.recurrence = nn.RNN(width, width, nonlinearity="tanh", batch_first=True)

    def forward(self, x: Float[torch.Tensor, "batch time width"]) -> torch.Tensor:
        """Map a sequence to the sequence of states."""
        check_sequence(x, self.width)
        return self.recurrence(x)[0]

    def initial_state(self, batch_size: int) -> Float[torch.Tensor, "1 batch width"]:
        """Zero."""
        return next(self.parameters()).new_zeros(1, batch_size, self.width)

    def step(
        self, x_k: Float[torch.Tensor, "batch width"], state: Float[torch.Tensor, "1 batch width"]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Advance by one position."""
        check_step(x_k, self.width)
        y, state = self.recurrence(x_k[:, None], state)
        return y[:, 0], state
