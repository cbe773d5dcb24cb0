r"""The published regulariser, which keeps the slowest mode from becoming slower.

.. math:: \ell \leftarrow \ell + c\, \max(0, 1 - r_{\min}),

where :math:`r_{\min}` is the smallest rate above zero. Its gradient is added to that of weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.memory.networks import recurrence_of

if TYPE_CHECKING:
    from seqtheory.reparameterisation import Reparameterisation


def regularise(network: Any, share: float) -> None:
    """Let every later gradient of the recurrence's weights include that of the regulariser."""
    recurrence = recurrence_of(network)
    p, w = recurrence.config.parameterisation, recurrence.w
    w.register_hook(
        lambda gradient: gradient + share * gradient.new_tensor(slope(p, w.numpy(force=True)))
    )


def slope(p: Reparameterisation, w: np.ndarray) -> np.ndarray:
    """Gradient of max(0, 1 - the smallest positive rate); zero where no rate is positive."""
    rates = np.where(-p(w) > 0, -p(w), np.inf)
    least = int(np.argmin(rates))
    found = np.zeros_like(w)
    if rates[least] < 1:
        found[least] = p.derivative(w)[least]  # that of -rate
    return found
