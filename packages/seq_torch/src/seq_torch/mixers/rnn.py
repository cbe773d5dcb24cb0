"""The recurrent network of Elman, with tanh."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from .mixer import MixerConfig
from .torch_cell import TorchCell


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


class RNN(TorchCell):
    """Module of `RNNConfig`."""

    def __init__(self, width: int):
        super().__init__(width, nn.RNN(width, width, nonlinearity="tanh", batch_first=True))

    def advance(
        self, drive: torch.Tensor, recurrent: torch.Tensor, state: torch.Tensor
    ) -> torch.Tensor:
        """Apply tanh."""
        return torch.tanh(drive + recurrent)
