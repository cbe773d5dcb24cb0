"""Rules that make a recurrence of a differential equation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqtheory.checks import require_positive
from seqtheory.memory_theory import Dense
from seqtheory.state_space._system import matrices

if TYPE_CHECKING:
    from jaxtyping import Inexact
    from numpy.typing import ArrayLike


def zero_order_hold(
    A: Inexact[np.ndarray, "state state"], B: Inexact[np.ndarray, " state"], dt: float
) -> tuple[Inexact[np.ndarray, "state state"], Inexact[np.ndarray, " state"]]:
    r"""Discretise exactly for inputs that are constant over each step.

    .. math:: \bar A = e^{A\,dt}, \qquad \bar B = \int_0^{dt} e^{As}\, ds\; B
              \;\big( = A^{-1} (e^{A\,dt} - I)\, B \big)

    Parameters
    ----------
    A, B
        Of :math:`\dot x = A x + B u`, real or complex.
    dt
        Step, in the unit of time of A.

    Returns
    -------
    The matrices of :math:`x_k = \bar A x_{k-1} + \bar B u_k`, in double precision.

    Notes
    -----
    The integral is a block of the exponential of a matrix one larger, so A may be singular.

    Examples
    --------
    An integrator, whose A is zero:

    >>> A_bar, B_bar = zero_order_hold(np.zeros((1, 1)), np.ones(1), dt=0.5)
    >>> A_bar.tolist(), B_bar.tolist()
    ([[1.0]], [0.5])
    """
    matrix, drive = _checked(A, B, dt)
    transition = Dense(matrix)
    held = transition.integral(dt, drive[:, None])[:, 0]
    real = not (np.iscomplexobj(matrix) or np.iscomplexobj(drive))
    return transition.sampled(dt).matrix, np.real(held) if real else held


def bilinear(
    A: Inexact[np.ndarray, "state state"], B: Inexact[np.ndarray, " state"], dt: float
) -> tuple[Inexact[np.ndarray, "state state"], Inexact[np.ndarray, " state"]]:
    r"""Discretise by the trapezoid rule, the input taken at the end of the step (S4).

    .. math:: \bar A = (I - \tfrac{dt}{2} A)^{-1} (I + \tfrac{dt}{2} A), \qquad
              \bar B = (I - \tfrac{dt}{2} A)^{-1} dt\, B

    Of order two in A. It maps the left half-plane onto the unit disc, so that the recurrence is
    stable if and only if the equation is, at any step.

    Parameters
    ----------
    A, B
        Of :math:`\dot x = A x + B u`, real or complex.
    dt
        Step, in the unit of time of A.

    Returns
    -------
    The matrices of :math:`x_k = \bar A x_{k-1} + \bar B u_k`, in double precision.

    Raises
    ------
    ValueError
        If 2 / dt is an eigenvalue of A (which is then unstable), where the rule does not exist.

    References
    ----------
    Gu, Goel, Ré, arXiv 2111.00396, equation 3.
    """
    matrix, drive = _checked(A, B, dt)
    identity = np.eye(len(matrix))
    targets = np.concatenate([identity + dt / 2 * matrix, dt * drive[:, None]], axis=1)
    try:
        solved = np.linalg.solve(identity - dt / 2 * matrix, targets)
    except np.linalg.LinAlgError:
        raise ValueError(
            f"the bilinear rule does not exist at dt={dt}, since 2 / dt = {2 / dt} is an "
            "eigenvalue of A. Take a smaller step."
        ) from None
    return solved[:, :-1], solved[:, -1]


def euler(
    A: Inexact[np.ndarray, "state state"], B: Inexact[np.ndarray, " state"], dt: float
) -> tuple[Inexact[np.ndarray, "state state"], Inexact[np.ndarray, " state"]]:
    r"""Discretise by Euler's explicit rule.

    .. math:: \bar A = I + dt\, A, \qquad \bar B = dt\, B

    Of order one, and unstable unless every eigenvalue of A has :math:`|1 + dt\, \lambda| < 1`:
    HiPPO-LegS of N states needs dt < 2 / N.

    Parameters
    ----------
    A, B
        Of :math:`\dot x = A x + B u`, real or complex.
    dt
        Step, in the unit of time of A.

    Returns
    -------
    The matrices of :math:`x_k = \bar A x_{k-1} + \bar B u_k`, in double precision.
    """
    matrix, drive = _checked(A, B, dt)
    return np.eye(len(matrix)) + dt * matrix, dt * drive


def _checked(A: ArrayLike, B: ArrayLike, dt: float) -> tuple[np.ndarray, np.ndarray]:
    require_positive("dt", dt)
    matrix, drive = matrices(A, B=B)
    return matrix, drive
