"""S4: the kernel, and the step, of a diagonal plus low-rank system."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqtheory.checks import require_integer, require_memory, require_positive
from seqtheory.hippo import DPLR
from seqtheory.state_space._generating_function import (
    blocks,
    coefficients,
    half_turns,
    truncated_output,
)
from seqtheory.state_space._system import doubled, vector

if TYPE_CHECKING:
    from jaxtyping import Complex, Inexact
    from numpy.typing import ArrayLike


def dplr_step(
    system: DPLR, dt: float, state: ArrayLike, inputs: ArrayLike
) -> Complex[np.ndarray, "*batch state"]:
    r"""Advance a diagonal plus low-rank system by one bilinear step, in O(state).

    .. math:: x_k = (I - \tfrac{dt}{2} A)^{-1} \big[ (I + \tfrac{dt}{2} A)\, x_{k-1}
              + dt\, B u_k \big], \qquad A = \mathrm{diag}(\Lambda) - P P^*

    The inverse is Woodbury's, with :math:`W = (I - \tfrac{dt}{2} \Lambda)^{-1}` diagonal:

    .. math:: (I - \tfrac{dt}{2} A)^{-1} = W - W P\, (\tfrac{2}{dt} I + P^* W P)^{-1} P^* W .

    Parameters
    ----------
    system
        Such as `seqtheory.hippo.diagonal_plus_low_rank`.
    dt
        Step.
    state
        x_{k-1}, in the coordinates of `system`, shape (..., state).
    inputs
        u_k, shape (...).

    Returns
    -------
    x_k.

    Raises
    ------
    ValueError
        If shapes do not agree, or 2 / dt is one of Lambda (which is then unstable).

    References
    ----------
    Gu, Goel, Ré, arXiv 2111.00396, appendix C.2.
    """
    require_positive("dt", dt)
    x, u = doubled(state, "state"), doubled(inputs, "inputs")
    values, P = system.eigenvalues, system.columns
    if x.ndim == 0 or x.shape[-1] != len(values):
        raise ValueError(f"state has shape {x.shape}; expected (..., {len(values)}).")
    moved = x + dt / 2 * (values * x - (x @ P.conj()) @ P.T) + dt * u[..., None] * system.input
    if np.any(1 - dt / 2 * values == 0):
        raise ValueError(
            f"at dt={dt}, 2 / dt = {2 / dt} is an eigenvalue of the normal part, where Woodbury's "
            "identity has a pole. Take another step."
        )
    inverse = 1 / (1 - dt / 2 * values)
    weighted = inverse[:, None] * P
    inner = 2 / dt * np.eye(P.shape[1]) + P.conj().T @ weighted
    solved = inverse * moved
    return solved - (solved @ P.conj()) @ np.linalg.inv(inner).T @ weighted.T


def dplr_bilinear(
    system: DPLR, dt: float
) -> tuple[Complex[np.ndarray, "state state"], Complex[np.ndarray, " state"]]:
    """Dense matrices of `dplr_step`: its images of the unit states, and of a unit input."""
    size = len(system.eigenvalues)
    columns = dplr_step(system, dt, np.eye(size), np.zeros(size))
    return columns.T, dplr_step(system, dt, np.zeros(size), 1.0)


def dplr_generating_function(
    system: DPLR,
    C: Inexact[np.ndarray, " state"],
    dt: float,
    length: int,
    *,
    radius: float = 1.0,
) -> Complex[np.ndarray, " length"]:
    r"""Evaluate the generating function of a bilinear step on `circle`, by Cauchy sums.

    The resolvent of the bilinear step is one of A itself,

    .. math:: (I - z \bar A)^{-1} \bar B = dt\, \big[ (1 - z) I - \tfrac{dt}{2} (1 + z) A
              \big]^{-1} B ,

    and with :math:`A = \Lambda - P P^*`, :math:`\sigma = \tfrac{dt}{2} (1 + z)` and the diagonal
    matrix :math:`W = [(1 - z) I - \sigma \Lambda]^{-1}`, by Woodbury's identity,

    .. math:: \hat K(z) = dt\, \big[ \tilde C W B - \sigma\, \tilde C W P\,
              (I + \sigma P^* W P)^{-1} P^* W B \big] .

    Each of the four products is a Cauchy sum :math:`\sum_n c_n / (1 - z - \sigma \Lambda_n)`.

    Parameters
    ----------
    system
        Such as `seqtheory.hippo.diagonal_plus_low_rank`.
    C
        Output in the coordinates of `system`: C V of an output C in the original ones.
    dt
        Step.
    length
        L, also the number of points.
    radius
        Of the circle. Below 1, say exp(-1 / length), it keeps away from eigenvalues on the
        imaginary axis, which the bilinear rule puts on the unit circle.

    Raises
    ------
    ValueError
        If an eigenvalue (of the normal part) has a positive real part, or a real part of zero
        while `radius` is 1.

    Notes
    -----
    Usually 1 + z is divided out, which gives :math:`\frac{2}{dt} \frac{1 - z}{1 + z}` as the
    points of the sum, and infinity at z = -1, a point of every even length. Here nothing is
    divided: there W = I / 2 and sigma = 0, and the value is :math:`\tfrac{dt}{2} \tilde C B`
    without rounding. Costs O(length state + state^3 log length); memory beyond the result
    does not grow with the length.

    References
    ----------
    Gu, Goel, Ré, arXiv 2111.00396, algorithm 1 and appendix C.3.
    """
    require_integer("length", length, 1)
    require_memory(32 * length, f"a kernel of length={length:,}")
    size = len(system.eigenvalues)
    output = vector(C, size, "C")
    _require_regular(system.eigenvalues, radius)
    A_bar, _ = dplr_bilinear(system, dt)
    left = np.vstack([truncated_output(A_bar, output, length, radius), system.columns.conj().T])
    right = np.column_stack([system.input, system.columns])
    products = (left[:, None, :] * right.T).reshape(-1, size).T
    values = np.empty(length, dtype=np.complex128)
    for k in blocks(length, 2 * size + products.shape[1]):
        minus, plus = _sides(half_turns(k, length), radius)
        sigma = dt / 2 * plus
        inverse = 1 / (minus[:, None] - sigma[:, None] * system.eigenvalues)
        sums = (inverse @ products).reshape(len(k), len(left), right.shape[1])
        values[k] = dt * _corrected(sums, sigma)
    return values


def dplr_kernel(
    system: DPLR,
    C: Inexact[np.ndarray, " state"],
    dt: float,
    length: int,
    *,
    radius: float = 1.0,
) -> Complex[np.ndarray, " length"]:
    """Kernel of a diagonal plus low-rank system under the bilinear rule: S4's.

    The coefficients of `dplr_generating_function`, with its parameters and errors. Of a system
    that is real in its original coordinates, the imaginary part is rounding.

    Examples
    --------
    >>> from seqtheory.hippo import diagonal_plus_low_rank, legs
    >>> from seqtheory.state_space import bilinear, kernel
    >>> form, C = diagonal_plus_low_rank(8), np.ones(8)
    >>> fast = dplr_kernel(form, C @ form.eigenvectors, dt=0.1, length=50)
    >>> slow = kernel(*bilinear(*legs(8), dt=0.1), C, 50)
    >>> bool(np.allclose(fast, slow, rtol=0, atol=1e-12))
    True
    """
    values = dplr_generating_function(system, C, dt, length, radius=radius)
    return coefficients(values, radius)


def _sides(half: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """1 - z and 1 + z at z = r h^2 with |h| = 1, where 1 = h conj(h): neither cancels."""
    rest = 1 - radius
    return rest - 2j * radius * np.imag(half) * half, rest + 2 * radius * np.real(half) * half


def _corrected(sums: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Woodbury's correction of the first sum by the others."""
    inner = np.eye(sums.shape[1] - 1) + sigma[:, None, None] * sums[:, 1:, 1:]
    solved = np.linalg.solve(inner, sums[:, 1:, :1])
    return sums[:, 0, 0] - sigma * (sums[:, :1, 1:] @ solved)[:, 0, 0]


def _require_regular(eigenvalues: np.ndarray, radius: float) -> None:
    require_positive("radius", radius)
    worst = complex(eigenvalues[np.argmax(np.real(eigenvalues))])
    if worst.real > 0 or (worst.real == 0 and radius >= 1):
        advice = "take the dense kernel" if worst.real > 0 else "give radius=exp(-1 / length)"
        raise ValueError(
            f"an eigenvalue of the normal part, {worst:.6g}, has a real part of {worst.real:.3g}, "
            f"so its Cauchy sum may have a pole on the circle of radius {radius}; {advice}."
        )
