"""The theory's envelope: what the memory of a stable state-space model cannot exceed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from seqtheory._array import as_array
from seqtheory.checks import require_integer, require_positive

if TYPE_CHECKING:
    from jaxtyping import Float


def memory_envelope(
    times: ArrayLike,
    *,
    rate: float,
    channels: int,
    largest_norm: float,
    lipschitz: float = 1.0,
) -> Float[np.ndarray, " time"]:
    r"""Bound on the memory of every state-space model with modes of at least this rate.

    For dh/dt = Lambda h + U x + b, y = c^T sigma(h), with Re(Lambda) at most -beta,

    .. math:: M(t) \le (d + 1)\, L_0\, \theta_{\max}^2\, e^{-\beta t} .

    Parameters
    ----------
    times
        Not negative.
    rate
        beta, the smallest -Re(eigenvalue).
    channels
        Number d of input channels.
    largest_norm
        theta_max, the largest 2-norm of c, of U (spectral) and of b.
    lipschitz
        L_0, the Lipschitz constant of sigma: 1 for identity, tanh and hard tanh.

    Notes
    -----
    A column of U has a norm of at most theta_max, and the derivative of the output is at most
    L_0 times the norm of c times the norm of exp(Lambda t)(U x + b): d columns and one bias.

    References
    ----------
    arXiv:2311.14495, theorem 3.3.

    Examples
    --------
    >>> memory_envelope([0.0, 10.0], rate=0.1, channels=1, largest_norm=2.0).round(4)
    array([8.   , 2.943])
    """
    require_integer("channels", channels, 1)
    require_positive("rate", rate, zero_allowed=True)
    require_positive("largest_norm", largest_norm)
    require_positive("lipschitz", lipschitz)
    ages = as_array(times, dtype=np.float64)
    if not np.all(ages >= 0):
        raise ValueError("times must not be negative.")
    return (channels + 1) * lipschitz * largest_norm**2 * np.exp(-rate * ages)
