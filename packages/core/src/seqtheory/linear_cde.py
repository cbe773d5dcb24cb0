"""Reference solution of a linear controlled differential equation, in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import expm  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from seqtheory._array import as_array

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import ArrayLike


def solve(
    A: Float[np.ndarray, "channel width width"],
    B: Float[np.ndarray, "width channel"],
    initial: Float[np.ndarray, " width"],
    path: Float[np.ndarray, "time channel"],
) -> Float[np.ndarray, "time width"]:
    r"""Solve a linear CDE exactly on a piecewise-linear path: the slow and obvious way.

    .. math:: dy = \sum_i A_i \, y \, d\omega^i + B \, d\xi, \qquad \omega = \xi = \text{path}.

    On a segment with increment d both terms are constant in time, so with one more coordinate
    that stays 1,

    .. math:: \begin{pmatrix} y_{k+1} \\ 1 \end{pmatrix}
              = \exp \begin{pmatrix} \sum_i A_i d^i & B d \\ 0 & 0 \end{pmatrix}
              \begin{pmatrix} y_k \\ 1 \end{pmatrix}.

    Parameters
    ----------
    A
        One matrix per channel.
    B
        The forcing; zeros give the homogeneous equation.
    initial
        The state at the first vertex.
    path
        Vertices in time order, one or more. If time drives the equation, it is a channel here
        (see `seqtheory.signature.add_time`).

    Returns
    -------
    The state at every vertex, float64; the first row is `initial`.

    Raises
    ------
    ValueError
        If shapes do not agree, or a value is NaN or infinite.
    TypeError
        If a value is not real.

    Notes
    -----
    Every argument is converted to float64. Costs O(time * width^3): an oracle for tests, one path
    at a time. Without forcing the solution is the sum over all words
    :math:`A_{i_n} \cdots A_{i_1} \, y_0 \, S^{i_1 \dots i_n}(\omega)`, and exact up to rounding.

    References
    ----------
    N. Muca Cirone, A. Orvieto, B. Walker, C. Salvi and T. Lyons, Theoretical Foundations of Deep
    Selective State-Space Models, arXiv:2402.19047, equation 4 and appendix B.

    Examples
    --------
    A nilpotent equation returns a signature coordinate. Let channel 0 move the first unit vector
    to the second, and channel 1 the second to the third: the third component then counts "0
    before 1", which is the coefficient of the word (0, 1), and no other word survives.

    >>> A = np.zeros((2, 3, 3))
    >>> A[0, 1, 0] = A[1, 2, 1] = 1.0
    >>> corner = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    >>> solve(A, np.zeros((3, 2)), np.array([1.0, 0.0, 0.0]), corner)[-1].tolist()
    [1.0, 1.0, 1.0]
    >>> from seqtheory.signature import coefficient
    >>> float(coefficient(corner, (0, 1)))
    1.0
    """
    matrices, forcing, start, vertices = _checked(A, B, initial, path)
    width = len(start)
    state = np.append(start, 1.0)
    states = [state]
    generator = np.zeros((width + 1, width + 1))
    for step in np.diff(vertices, axis=0):
        generator[:width, :width] = np.tensordot(step, matrices, axes=1)
        generator[:width, width] = forcing @ step
        state = _exponential(generator) @ state
        states.append(state)
    return np.stack(states)[:, :width]


def _exponential(generator: np.ndarray) -> np.ndarray:
    return np.asarray(expm(generator))  # pyright: ignore[reportUnknownArgumentType]


def _checked(
    A: ArrayLike, B: ArrayLike, initial: ArrayLike, path: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the arguments in float64 once their shapes agree and their values are finite."""
    matrices, forcing = _as_float64(A, "A"), _as_float64(B, "B")
    start, vertices = _as_float64(initial, "initial"), _as_float64(path, "path")
    if vertices.ndim != 2 or 0 in vertices.shape:
        raise ValueError(
            f"path has shape {vertices.shape}; expected (time, channel) with at least one of each. "
            "Solve one path at a time."
        )
    if start.ndim != 1 or len(start) == 0:
        raise ValueError(f"initial has shape {start.shape}; expected (width,), width at least 1.")
    width, channels = len(start), vertices.shape[1]
    for name, array, shape, axes in (
        ("A", matrices, (channels, width, width), "(channel, width, width)"),
        ("B", forcing, (width, channels), "(width, channel)"),
    ):
        if array.shape != shape:
            raise ValueError(
                f"{name} has shape {array.shape}; expected {axes} = {shape}, from initial of "
                f"shape {start.shape} and path of shape {vertices.shape}. Time counts as a "
                "channel of the path: add it with seqtheory.signature.add_time."
            )
    return matrices, forcing, start, vertices


def _as_float64(values: ArrayLike, name: str) -> np.ndarray:
    array = as_array(values)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} has dtype {array.dtype}; expected real numbers.")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity; expected finite numbers.")
    return array
