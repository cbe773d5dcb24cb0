"""Gated recurrent unit."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import nn

from .mixer import MixerConfig
from .recurrent import Recurrent


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


class GRU(Recurrent):
    """Module of `GRUConfig`."""

    def __init__(self, width: int):
        super().__init__()
        self.width = width
        self.recurrence = nn.GRU(width, width, batch_first=True)

    def initial_state(self, batch_size: int) -> Float[torch.Tensor, "1 batch width"]:
        """Zero."""
        return next(self.parameters()).new_zeros(1, batch_size, self.width)

    def run(
        self,
        x: Float[torch.Tensor, "batch time width"],
        state: Float[torch.Tensor, "1 batch width"],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Map a sequence to the sequence of states."""
        return self.recurrence(x, state)
