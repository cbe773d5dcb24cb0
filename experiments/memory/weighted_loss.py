r"""A loss that counts late steps more, by scaling outputs and targets.

.. math:: w_t \propto \left(\frac{t + 1}{T + 1}\right)^{p / 2}, \qquad
    \overline{(w_t \hat y_t - w_t y_t)^2} = \overline{w_t^2\, |\hat y_t - y_t|^2}
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn


def weights(length: int, power: float) -> np.ndarray:
    """Weights of the steps, of mean square 1; their squares grow as the given power of time."""
    scaled = (np.arange(1, length + 1) / (length + 1)) ** (power / 2)
    return scaled / np.sqrt(np.mean(scaled**2))


class Weighted(nn.Module):
    """A network whose outputs are scaled at every step."""

    def __init__(self, network: nn.Module, weights: np.ndarray) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("weights", torch.from_numpy(weights)[:, None], persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give outputs times weights, ``(batch, time, 1)``."""
        return self.network(x) * self.weights
