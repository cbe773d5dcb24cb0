r"""A loss that counts late steps more, by scaling outputs and targets.

.. math:: w_t \propto \left(\frac{t + 1}{T + 1}\right)^{p / 2}, \qquad
    \overline{(w_t \hat y_t - w_t y_t)^2} = \overline{w_t^2\, |\hat y_t - y_t|^2}
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import nn


def weights(length: int, power: float) -> np.ndarray:
    """Weights of the steps, of mean square 1; their squares grow as the given power of time."""
    scaled = (np.arange(1, length + 1) / (length + 1)) ** (power / 2)
    return (scaled / np.sqrt(np.mean(scaled**2)))[:, None]


@contextmanager
def weighted(network: nn.Module, weights: np.ndarray) -> Iterator[None]:
    """Context in which a network's outputs ``(batch, time, 1)`` are scaled at every step."""
    hook = network.register_forward_hook(
        lambda module, given, outputs: outputs * outputs.new_tensor(weights)
    )
    try:
        yield
    finally:
        hook.remove()
