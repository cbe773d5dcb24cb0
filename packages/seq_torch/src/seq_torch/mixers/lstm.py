"""Long short-term memory."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import nn

from .mixer import MixerConfig
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class LSTMConfig(MixerConfig):
    r"""Long short-term memory; its state is as wide as the model.

    .. math::

        (i, f, o) = \sigma(W x_k + U h_{k-1} + b), \quad g = \tanh(W' x_k + U' h_{k-1} + b'),
        \quad c_k = f c_{k-1} + i g, \quad y_k = h_k = o \tanh(c_k).

    Notes
    -----
    Torch's own `torch.nn.LSTM` with its initialisation; the forget gate's bias is not raised to 1.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, Neural Computation 9 (1997), with the forget gate of
    F. Gers et al., Neural Computation 12 (2000).
    """

    def build(self, width: int) -> LSTM:
        """Draw the module."""
        return LSTM(width)


class LSTM(Recurrent):
    """Module of `LSTMConfig`."""

    def __init__(self, width: int):
        super().__init__()
        self.width = width
        self.recurrence = nn.LSTM(width, width, batch_first=True)

    def initial_state(self, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Zero hidden state and zero cell."""
        zeros = next(self.parameters()).new_zeros(1, batch_size, self.width)
        return zeros, zeros.clone()

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: tuple[torch.Tensor, torch.Tensor]
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """Map a sequence to the sequence of hidden states."""
        return self.recurrence(x, state)
