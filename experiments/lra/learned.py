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
    log_decay: Float[np.ndarray, "channel pair"],
    frequency: Float[np.ndarray, "channel pair"],
    P: Float[np.ndarray, "channel pair 2"],
) -> Complex[np.ndarray, "channel state"]:
    r"""Eigenvalues of :math:`\Lambda - P P^*` on all states, the conjugate ones included.

    Parameters
    ----------
    log_decay, frequency
        Of one state of each pair, :math:`\lambda = -e^{d} + i f`.
    P
        The low rank, as real pairs.

    Notes
    -----
    HiPPO-LegS, from which training starts, has -1, -2, ..., -N.
    """
    half = -np.exp(log_decay.astype(np.float64)) + 1j * frequency
    low_rank = P[..., 0] + 1j * P[..., 1]
    diagonal, p = (np.concatenate([v, v.conj()], axis=-1) for v in (half, low_rank))
    matrices = (
        diagonal[..., None] * np.eye(diagonal.shape[-1]) - p[..., :, None] * p[..., None, :].conj()
    )
    return np.sort_complex(np.linalg.eigvals(matrices))


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
        ``log_decay``, ``frequency``, ``P`` and ``log_dt`` of the mixer.

    Returns
    -------
    ``kernel.<layer>`` ``(channel, time)``, ``eigenvalues.<layer>`` ``(channel, state, 2)`` of the
    continuous system, real and imaginary parts, and ``step.<layer>`` ``(channel,)``.
    """
    kept = channels(len(kernel))
    log_decay, frequency, P = (parameters[name][kept] for name in ("log_decay", "frequency", "P"))
    values = eigenvalues(log_decay, frequency, P)
    return {
        f"kernel.{layer}": kernel[kept].astype(np.float32),
        f"eigenvalues.{layer}": np.stack([values.real, values.imag], -1).astype(np.float32),
        f"step.{layer}": np.exp(parameters["log_dt"][kept, 0]).astype(np.float32),
    }
