"""Gated recurrent unit."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import nn

from .mixer import MixerConfig, check_sequence, check_step


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


class GRU(nn.Module):
    """Module of `GRUConfig`."""

    def __init__(self, width: int):
        super().__init__()
        self.width = width
        self.recurrence = nn.GRU(width, width, batch_first=True)

    def forward(self, x: Float[torch.Tensor, "batch time width"]) -> torch.Tensor:
        """Map a sequence to the sequence of hidden states."""
        check_sequence(x, self.width)
        return self.recurrence(x)[0]

    def initial_state(self, batch_size: int) -> Float[torch.Tensor, "1 batch width"]:
        """Zero."""
        return next(self.parameters()).new_zeros(1, batch_size, self.width)

    def step(
        self, x_k: Float[torch.Tensor, "batch width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Advance by one position."""
        check_step(x_k, self.width)
        y, state = self.recurrence(x_k[:, None], state)
        return y[:, 0], state
