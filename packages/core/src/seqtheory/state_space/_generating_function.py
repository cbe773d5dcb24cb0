"""The truncated generating function: a kernel from one inverse instead of many powers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from seqtheory._array import as_array
from seqtheory.checks import require_integer, require_memory, require_positive
from seqtheory.state_space._system import matrices

if TYPE_CHECKING:
    from jaxtyping import Complex, Inexact, Integer
    from numpy.typing import ArrayLike

_ENTRIES = 2**18  # complex numbers of workspace: 4 MiB


def generating_function(
    A: Inexact[np.ndarray, "state state"],
    B: Inexact[np.ndarray, " state"],
    C: Inexact[np.ndarray, " state"],
    length: int,
    points: ArrayLike,
) -> Complex[np.ndarray, " point"]:
    r"""Polynomial whose coefficients are the kernel, evaluated without them.

    .. math:: \hat K(z) = \sum_{k < L} C A^k B\, z^k = C (I - z^L A^L) (I - z A)^{-1} B

    Parameters
    ----------
    A, B, C
        Of the recurrence.
    length
        L.
    points
        z, a list of points none of which is the inverse of an eigenvalue of A.

    Raises
    ------
    ValueError
        If I - z A is singular at a point.

    Notes
    -----
    Costs O(point state^3), in blocks of bounded memory.

    References
    ----------
    Gu, Goel, Ré, arXiv 2111.00396, appendix C.3.

    Examples
    --------
    1 + z/2 + z^2/4 at z = 4:

    >>> generating_function(np.array([[0.5]]), np.ones(1), np.ones(1), 3, [4.0]).tolist()
    [(7+0j)]
    """
    require_integer("length", length, 1)
    matrix, drive, output = matrices(A, B=B, C=C)
    last = output @ np.linalg.matrix_power(matrix, length)
    z = np.atleast_1d(as_array(points, dtype=np.complex128))
    values = np.empty(len(z), dtype=np.complex128)
    for k in blocks(len(z), matrix.size):
        at = z[k, None]
        pencils = np.eye(len(matrix)) - at[..., None] * matrix
        try:
            states = np.linalg.solve(pencils, drive[:, None])[..., 0]
        except np.linalg.LinAlgError:
            raise ValueError(
                "I - z A is singular: a point is the inverse of an eigenvalue of A. Take others, "
                "such as `circle` of a smaller radius."
            ) from None
        values[k] = ((output - at**length * last) * states).sum(axis=1)
    return values


def truncated_output(
    A: Inexact[np.ndarray, "state state"],
    C: Inexact[np.ndarray, " state"],
    length: int,
    radius: float = 1.0,
) -> Inexact[np.ndarray, " state"]:
    r"""Output :math:`C (I - r^L A^L)`, at which the infinite series gives the truncated one.

    On the circle of radius r, where :math:`z^L = r^L` at all of the L points of `circle`.

    References
    ----------
    Gu, Goel, Ré, arXiv 2111.00396, appendix C.3, where it is the parameter that S4 trains.
    """
    require_integer("length", length, 1)
    require_positive("radius", radius)
    matrix, output = matrices(A, C=C)
    return output - radius**length * (output @ np.linalg.matrix_power(matrix, length))


def circle(length: int, radius: float = 1.0) -> Complex[np.ndarray, " length"]:
    r"""Points :math:`z_k = r\, e^{-2\pi i k / L}`, in the order of the discrete Fourier transform.

    At k = 0, and at k = L / 2 of an even L, they are r and -r without rounding.

    Examples
    --------
    >>> circle(2, radius=0.5).real.tolist()
    [0.5, -0.5]
    """
    require_integer("length", length, 1)
    require_positive("radius", radius)
    require_memory(64 * length, f"the circle of length={length:,}")
    half = half_turns(np.arange(length), length)
    return radius * half * half


def half_turns(k: Integer[np.ndarray, " point"], length: int) -> Complex[np.ndarray, " point"]:
    r"""Square roots :math:`e^{-\pi i k / L}` of points on the unit circle."""
    # Written so that the cosine is 0 at k = L / 2, and points k and L - k are exact conjugates.
    cosine = np.sin(np.pi * (length - 2 * k) / (2 * length))
    return cosine - 1j * np.sin(np.pi * np.minimum(k, length - k) / length)


def coefficients(
    values: Complex[np.ndarray, " length"], radius: float = 1.0
) -> Complex[np.ndarray, " length"]:
    r"""Coefficients of a polynomial from its values on `circle`, by one inverse FFT.

    .. math:: K_k = \frac{r^{-k}}{L} \sum_j \hat K(z_j)\, e^{2\pi i jk / L}

    Notes
    -----
    Rounding errors of late coefficients are magnified by up to :math:`r^{-L}`.

    Examples
    --------
    >>> np.abs(coefficients(3 + 2 * circle(5))).round(12).tolist()
    [3.0, 2.0, 0.0, 0.0, 0.0]
    """
    values = as_array(values)
    require_positive("radius", radius)
    return np.fft.ifft(values) / radius ** np.arange(len(values))


def blocks(count: int, entries: int) -> Iterator[Integer[np.ndarray, " point"]]:
    """Numbers of `count` points in blocks of bounded workspace, at `entries` per point."""
    step = max(1, _ENTRIES // entries)
    for start in range(0, count, step):
        yield np.arange(start, min(start + step, count))
