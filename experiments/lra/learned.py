"""What a trained S4 is: kernels and eigenvalues of a few channels of every layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Complex, Float, Int

NUM_CHANNELS = 4
LONGEST_KERNEL = 512


def channels(width: int) -> Int[np.ndarray, " channel"]:
    """Channels that are kept: a few, evenly spread."""
    return np.unique(np.linspace(0, width - 1, NUM_CHANNELS).round().astype(np.int64))


def eigenvalues(
    log_decay: Float[np.ndarray, "channel pair"], frequency: Float[np.ndarray, "channel pair"]
) -> Complex[np.ndarray, "channel pair"]:
    r"""Give :math:`\Lambda = -e^{d} + i f`, one of each conjugate pair: the normal part's spectrum.

    Notes
    -----
    Training starts from that of HiPPO-LegS, with real parts -1/2. The spectrum of the whole,
    :math:`\Lambda - P P^*`, is -1, ..., -N at first, but says nothing of a trained model: that
    matrix is so far from normal that rounding its parameters to single precision moves eigenvalues
    by more than 2 at N = 16.
    """
    return -np.exp(log_decay) + 1j * frequency


def layer_tensors(
    layer: int,
    kernel: Float[np.ndarray, "width time"],
    parameters: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Tensors that a record keeps of one layer.

    Parameters
    ----------
    layer
        Its number.
    kernel
        Response to an impulse, without the skip term.
    parameters
        ``log_decay``, ``frequency`` and ``log_dt`` of the mixer.

    Returns
    -------
    ``kernel.<layer>`` ``(channel, time)``, ``eigenvalues.<layer>`` ``(channel, pair, 2)`` of the
    normal part, real and imaginary, and ``step.<layer>`` ``(channel,)``.
    """
    kept = channels(len(kernel))
    values = eigenvalues(parameters["log_decay"][kept], parameters["frequency"][kept])
    return {
        f"kernel.{layer}": kernel[kept].astype(np.float32),
        f"eigenvalues.{layer}": np.stack([np.real(values), np.imag(values)], -1).astype(np.float32),
        f"step.{layer}": np.exp(parameters["log_dt"][kept, 0]).astype(np.float32),
    }
