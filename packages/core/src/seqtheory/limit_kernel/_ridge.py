"""Ridge regression with a kernel; the ridge is chosen on held-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg  # pyright: ignore[reportMissingTypeStubs]

from seqtheory._array import as_array
from seqtheory.checks import require_memory

if TYPE_CHECKING:
    from jaxtyping import Float

Real = NDArray[np.float64]
RIDGES = tuple(10.0**k for k in range(-14, 1))  # relative to the mean of the Gram's diagonal


@dataclass(frozen=True, eq=False)
class KernelReadout:
    """Coefficients of a kernel regression; `fit_kernel_ridge` makes one.

    Attributes
    ----------
    coefficients, intercept
        One coefficient per training row, and a constant.
    ridge
        The ridge, relative to the mean of the Gram matrix's diagonal.
    errors
        Held-out RMSE of every ridge that was tried, in the order of `ridges`.
    """

    coefficients: Float[np.ndarray, " row"]
    intercept: float
    ridge: float
    ridges: tuple[float, ...]
    errors: tuple[float, ...]

    def predict(self, kernel: Float[np.ndarray, "new row"]) -> Float[np.ndarray, " new"]:
        """Values at new points, from their kernel with the training rows."""
        array = as_array(kernel, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != len(self.coefficients):
            raise ValueError(
                f"kernel has shape {array.shape}, expected (new, {len(self.coefficients)}): one "
                "column per training row."
            )
        return array @ self.coefficients + self.intercept


def fit_kernel_ridge(
    gram: Float[np.ndarray, "row row"],
    targets: Float[np.ndarray, " row"],
    *,
    ridges: tuple[float, ...] = RIDGES,
    held_out: float = 0.2,
) -> KernelReadout:
    r"""Kernel ridge regression with an intercept.

    .. math:: \min_{f \in H, c} \sum_i (f(x_i) + c - y_i)^2 + \lambda\, \bar k\, |f|_H^2 , \qquad
              f = \sum_i \alpha_i k(x_i, \cdot), \quad \bar k = \operatorname{tr} K / n

    Parameters
    ----------
    gram
        K, the kernel of the training rows with themselves.
    targets
        :math:`y`.
    ridges
        Values of :math:`\lambda` to choose from. The one with the least error on the held-out rows,
        when fitted to the others, is used on all rows. A single value is used without this choice.
    held_out
        Share of the rows, taken from the end, on which the ridge is chosen.

    Raises
    ------
    ValueError
        If shapes do not fit, a value is not finite, a ridge is not positive, or `held_out` leaves
        no rows to fit or none to choose by.
    MemoryError
        If the work arrays do not fit this machine.

    Notes
    -----
    In float64, with two eigenvalue problems: O(rows**3), about a minute for 4,000 rows on one core.
    Eigenvalues below rounding are raised to zero, so that ridges down to 1e-14 have a meaning.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 40)
    >>> gram = np.exp(np.outer(x, x))
    >>> readout = fit_kernel_ridge(gram[::2, ::2], np.sin(x[::2]))
    >>> bool(np.abs(readout.predict(gram[1::2, ::2]) - np.sin(x[1::2])).max() < 1e-4)
    True
    """
    K, y = _checked(gram, targets)
    _check_choice(ridges, held_out, len(y))
    require_memory(4 * 8 * K.size, f"ridge regression on a Gram matrix of {len(K):,} rows")
    errors = ()
    chosen = ridges[0]
    if len(ridges) > 1:
        cut = len(y) - round(held_out * len(y))
        fits = _solve(K[:cut, :cut], y[:cut], ridges)
        errors = tuple(
            float(np.sqrt(np.mean((K[cut:, :cut] @ alpha + c - y[cut:]) ** 2))) for alpha, c in fits
        )
        chosen = ridges[int(np.argmin(errors))]
    ((coefficients, intercept),) = _solve(K, y, (chosen,))
    return KernelReadout(coefficients, intercept, chosen, ridges, errors)


def _solve(K: Real, y: Real, ridges: tuple[float, ...]) -> list[tuple[Real, float]]:
    """Coefficients and intercept for every ridge, from the eigenvalues of the centred matrix."""
    rows = K.mean(axis=0)
    mean, target = float(rows.mean()), float(y.mean())
    decompose: Any = linalg.eigh  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    found = decompose(K - rows - rows[:, None] + mean, overwrite_a=True, check_finite=False)
    values, vectors = np.maximum(found[0], 0.0), np.asarray(found[1], dtype=np.float64)
    turned = vectors.T @ (y - target)
    scale = float(np.trace(K)) / len(K)
    solved: list[tuple[Real, float]] = []
    for ridge in ridges:
        alpha = vectors @ (turned / (values + ridge * scale))
        alpha -= alpha.mean()
        solved.append((alpha, target - float(rows @ alpha)))
    return solved


def _checked(gram: Float[np.ndarray, "n n"], targets: Float[np.ndarray, " n"]) -> tuple[Real, Real]:
    K, y = as_array(gram, dtype=np.float64), as_array(targets, dtype=np.float64)
    if y.ndim != 1 or K.shape != (len(y), len(y)) or len(y) < 2:
        raise ValueError(
            f"gram has shape {K.shape} and targets {y.shape}; expected (row, row) and (row,), at "
            "least two rows."
        )
    if not (np.isfinite(K).all() and np.isfinite(y).all()):
        raise ValueError("gram or targets hold NaN or infinity.")
    return K, y


def _check_choice(ridges: tuple[float, ...], held_out: float, rows: int) -> None:
    if not ridges or not all(0 < ridge < np.inf for ridge in ridges):
        raise ValueError(f"ridges={ridges}: expected one or more positive numbers.")
    if len(ridges) > 1 and not 2 <= rows - round(held_out * rows) < rows:
        raise ValueError(
            f"held_out={held_out} of {rows} rows leaves none to fit, or none to choose by."
        )
