"""Approximation of a memory kernel by a sum of exponentials: what a linear network can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize  # pyright: ignore[reportMissingTypeStubs]

from seqtheory._array import as_array
from seqtheory.checks import require_integer, require_memory, require_positive
from seqtheory.memory import Kernel, sample
from seqtheory.memory_theory._coefficient_bounds import CoefficientBound

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True, eq=False)
class ExponentialFit:
    r"""A kernel :math:`\hat\rho(t) = \sum_i c_i e^{-r_i t}`; call it with ages."""

    rates: Float[np.ndarray, " mode"]
    coefficients: Float[np.ndarray, " mode"]

    def __post_init__(self) -> None:
        rates, coefficients = as_array(self.rates), as_array(self.coefficients)
        if rates.ndim != 1 or rates.shape != coefficients.shape or rates.size == 0:
            raise ValueError(
                f"got rates of shape {rates.shape} and coefficients of shape "
                f"{coefficients.shape}, expected one of each for every mode."
            )
        if not (np.all(np.isfinite(rates) & (rates > 0)) and np.all(np.isfinite(coefficients))):
            raise ValueError(f"rates must be positive and all finite, but got {rates}.")
        object.__setattr__(self, "rates", rates.astype(np.float64))
        object.__setattr__(self, "coefficients", coefficients.astype(np.float64))

    def __repr__(self) -> str:
        """Sizes and ranges."""
        return (
            f"ExponentialFit({self.width} modes: rates {self.rates.min():.3g} to "
            f"{self.rates.max():.3g}, coefficients up to {np.abs(self.coefficients).max():.3g})"
        )

    @property
    def width(self) -> int:
        """Number of modes."""
        return self.rates.size

    def __call__(self, t: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Evaluate the kernel at ages `t`."""
        ages = as_array(t, dtype=np.float64)
        return np.exp(-ages[..., None] * self.rates) @ self.coefficients


def fit_exponentials(
    kernel: Kernel,
    width: int,
    *,
    slowest: float | None = None,
    fastest: float = 2.0,
    horizon: int = 100,
    dt: float = 1.0,
    bound: CoefficientBound | None = None,
) -> ExponentialFit:
    r"""Fit a kernel by a sum of exponentials in least squares.

    .. math:: \min_{c, r} \sum_{k=0}^{\text{horizon}}
        \Big( \rho(k\,dt) - \sum_{i=1}^m c_i\, e^{-r_i k\,dt} \Big)^2

    Parameters
    ----------
    kernel
        The memory to approximate.
    width
        Number m of exponentials.
    slowest
        Smallest rate, in 1 / time; the rates are then spaced geometrically up to `fastest`,
        and the coefficients alone are fitted. None optimises the rates too, between one over
        the horizon and `fastest`.
    fastest
        Largest rate.
    horizon, dt
        Number of steps, and the time between them.
    bound
        What the coefficients may be: `NonNegative`, `L1Bound` or `Ridge`; None leaves them free.

    Notes
    -----
    The search over rates starts from several geometric grids and gives the best local minimum
    that it finds. Coefficients are eliminated at every step (variable projection).

    References
    ----------
    arXiv:2009.07799 for linear networks as exponential sums; arXiv:2305.19190, appendix D, for
    the fit.

    Examples
    --------
    >>> from seqtheory.memory import Exponential
    >>> from seqtheory.memory_theory import NonNegative
    >>> fit_exponentials(Exponential(rate=0.3), 1).rates.round(6)
    array([0.3])
    >>> fit_exponentials(Exponential(rate=0.3), 4, slowest=0.1).coefficients.round(3)
    array([-0.024,  0.912,  0.16 , -0.048])
    >>> bounded = fit_exponentials(Exponential(rate=0.3), 4, slowest=0.1, bound=NonNegative())
    >>> bounded.coefficients.round(3)
    array([0.   , 0.875, 0.132, 0.   ])
    """
    require_integer("width", width, 1)
    require_integer("horizon", horizon, 1)
    require_positive("dt", dt)
    require_positive("fastest", fastest)
    if slowest is not None:
        require_positive("slowest", slowest)
    low = 1.0 / (horizon * dt) if slowest is None else float(slowest)
    if low > fastest or (width > 1 and low == fastest):
        name = "1 / (horizon * dt)" if slowest is None else "slowest"
        raise ValueError(f"{name}={low}: expected less than fastest={fastest}.")
    require_memory(
        4 * 8 * width * (horizon + width), f"the fit of width={width:,} over horizon={horizon:,}"
    )
    times = dt * np.arange(horizon + 1)
    target = sample(kernel, times)
    if slowest is not None:
        rates = np.geomspace(low, fastest, width)
        return ExponentialFit(rates, _project(times, target, rates, bound)[0])
    return _best(times, target, width, low, fastest, bound)


def _project(
    times: Float[np.ndarray, " time"],
    target: Float[np.ndarray, " time"],
    rates: Float[np.ndarray, " mode"],
    bound: CoefficientBound | None,
) -> tuple[Float[np.ndarray, " mode"], Float[np.ndarray, " time"]]:
    """Best coefficients for given rates, and their residual."""
    modes = np.exp(-np.outer(times, rates))
    if bound is None:
        coefficients = np.linalg.lstsq(modes, target, rcond=None)[0]
    else:
        coefficients = bound.coefficients(modes, target)
    return coefficients, modes @ coefficients - target


def _best(
    times: Float[np.ndarray, " time"],
    target: Float[np.ndarray, " time"],
    width: int,
    low: float,
    high: float,
    bound: CoefficientBound | None,
) -> ExponentialFit:
    """Least squares over the logarithms of the rates, from geometric starts of three extents."""

    def residual(logs: Float[np.ndarray, " mode"]) -> Float[np.ndarray, " time"]:
        return _project(times, target, np.exp(logs), bound)[1]

    ends = (float(np.log(low)), float(np.log(high)))
    tried: list[Any] = []
    for share in (0.1, 0.4, 0.7):
        start = np.linspace(ends[0] + share * (ends[1] - ends[0]), ends[1], width + 2)[1:-1]
        tried.append(
            optimize.least_squares(  # pyright: ignore[reportUnknownMemberType]
                residual, start, bounds=ends, xtol=1e-12, ftol=1e-12, gtol=1e-14, max_nfev=200
            )
        )
    best = tried[int(np.argmin([found.cost for found in tried]))]
    rates = np.sort(np.exp(np.asarray(best.x)))
    return ExponentialFit(rates, _project(times, target, rates, bound)[0])
