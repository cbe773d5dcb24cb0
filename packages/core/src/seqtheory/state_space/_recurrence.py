"""Two views of one model: a recurrence, and a convolution with its kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqtheory.checks import require_integer, require_memory
from seqtheory.memory_theory import Dense, DiscreteSystem
from seqtheory.state_space._system import doubled, matrices

if TYPE_CHECKING:
    from jaxtyping import Float, Inexact


def recurrence(
    A: Inexact[np.ndarray, "state state"],
    B: Inexact[np.ndarray, " state"],
    C: Inexact[np.ndarray, " state"],
    inputs: Float[np.ndarray, "*batch time"],
) -> Float[np.ndarray, "*batch time"]:
    r"""Run a discrete model from a state of zero, one step after the other.

    .. math:: x_k = A x_{k-1} + B u_k, \qquad y_k = C x_k

    Parameters
    ----------
    A, B, C
        Of the recurrence, real, or complex with a real response.
    inputs
        u, one number per step.

    Returns
    -------
    y, float64.

    Raises
    ------
    ValueError
        If shapes do not agree, or the response is not real.

    Notes
    -----
    Costs O(time state^2). The reference for all faster methods.

    Examples
    --------
    >>> recurrence(np.array([[0.5]]), np.ones(1), np.ones(1), np.array([1.0, 0.0, 0.0])).tolist()
    [1.0, 0.5, 0.25]
    """
    matrix, drive, output = matrices(A, B=B, C=C)
    u = _sequence(inputs, "inputs")
    system = DiscreteSystem(Dense(matrix), drive[:, None], output[None])
    return system(u.reshape(-1, u.shape[-1], 1)).reshape(u.shape)


def kernel(
    A: Inexact[np.ndarray, "state state"],
    B: Inexact[np.ndarray, " state"],
    C: Inexact[np.ndarray, " state"],
    length: int,
) -> Float[np.ndarray, " length"]:
    """Kernel of a discrete model, C A^k B for k < length: its response to an impulse.

    Computed by `recurrence`; raises the errors of that function.

    Examples
    --------
    >>> kernel(np.array([[0.5]]), np.ones(1), np.ones(1), 4).tolist()
    [1.0, 0.5, 0.25, 0.125]
    """
    require_integer("length", length, 1)
    require_memory(length * (200 + 24 * len(B)), f"the states of a kernel of length={length:,}")
    return recurrence(A, B, C, np.eye(1, length)[0])


def convolve(
    kernel: Float[np.ndarray, " length"], inputs: Float[np.ndarray, "*batch time"]
) -> Float[np.ndarray, "*batch time"]:
    r"""Causal convolution, :math:`y_k = \sum_{j \le k} K_j u_{k-j}`, by FFT in O(time log time).

    Parameters
    ----------
    kernel
        K, at least as long as the inputs.
    inputs
        u, one number per step.

    Raises
    ------
    ValueError
        If the kernel is shorter than the inputs: treating its missing entries as zero would be
        wrong.
    """
    K, u = _sequence(kernel, "kernel"), _sequence(inputs, "inputs")
    time = u.shape[-1]
    if K.ndim != 1 or len(K) < time:
        raise ValueError(
            f"kernel has shape {K.shape} and inputs {u.shape}; expected one kernel of at least "
            f"{time} steps. Compute it to that length."
        )
    padded = 2 * time  # so that nothing wraps around from the end
    spectrum = np.fft.rfft(K[:time], padded) * np.fft.rfft(u, padded)
    return np.fft.irfft(spectrum, padded)[..., :time]


def _sequence(values: np.ndarray, name: str) -> np.ndarray:
    array = doubled(values, name)
    if array.ndim == 0 or array.size == 0 or np.iscomplexobj(array):
        raise ValueError(
            f"{name} of shape {array.shape} and dtype {array.dtype}: expected real numbers "
            "(..., time), at least one step."
        )
    return array
