"""Long short-term memory."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from .mixer import MixerConfig
from .torch_cell import TorchCell


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


class LSTM(TorchCell):
    """Module of `LSTMConfig`."""

    def __init__(self, width: int):
        super().__init__(width, nn.LSTM(width, width, batch_first=True))

    def initial_state(self, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Zero hidden state and zero cell."""
        zeros = super().initial_state(batch_size)
        return zeros, zeros.clone()

    def advance(
        self,
        drive: torch.Tensor,
        recurrent: torch.Tensor,
        state: tuple[torch.Tensor, torch.Tensor],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Open the gates i, f and o, with the candidate g between them in torch's weights."""
        i, f, g, o = (drive + recurrent).chunk(4, -1)
        cell = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(cell), cell
