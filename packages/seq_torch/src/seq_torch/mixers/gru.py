"""Gated recurrent unit."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from .mixer import MixerConfig
from .torch_cell import TorchCell


@dataclass(frozen=True, kw_only=True)
class GRUConfig(MixerConfig):
    r"""Gated recurrent unit; its state is as wide as the model.

    .. math::

        (r, z) = \sigma(W x_k + U h_{k-1} + b), \quad
        n = \tanh(W' x_k + b' + r (U' h_{k-1} + c')), \quad
        y_k = h_k = (1 - z)\, n + z\, h_{k-1}.

    Notes
    -----
    Torch's own `torch.nn.GRU` with its initialisation; the reset gate r is applied after the
    product with U', unlike in the first publication.

    References
    ----------
    K. Cho et al., arXiv 1406.1078, section 2.3.
    """

    def build(self, width: int) -> GRU:
        """Draw the module."""
        return GRU(width)


class GRU(TorchCell):
    """Module of `GRUConfig`."""

    def __init__(self, width: int):
        super().__init__(width, nn.GRU(width, width, batch_first=True))

    def advance(
        self, drive: torch.Tensor, recurrent: torch.Tensor, state: torch.Tensor
    ) -> torch.Tensor:
        """Open the gates r and z, in this order in torch's weights, then the candidate n."""
        r, z, n = drive.chunk(3, -1)
        r_state, z_state, n_state = recurrent.chunk(3, -1)
        z = torch.sigmoid(z + z_state)
        n = torch.tanh(n + torch.sigmoid(r + r_state) * n_state)
        return n + z * (state - n)
