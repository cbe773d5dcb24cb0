"""How a memory function decays: exponential, polynomial or stretched, with intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special  # pyright: ignore[reportMissingTypeStubs]

from seqtheory._array import as_array

if TYPE_CHECKING:
    from jaxtyping import Float

# Residuals of log M below this are rounding, and are no evidence for a form.
_ROUNDING = 1e-7

# Where the logarithm of the one nonlinear parameter is searched, times in units of the last:
# the rate of a polynomial, the power of a stretched exponential.
_SEARCH = {"polynomial": (-14.0, 14.0), "stretched": (-4.0, 3.0)}


class Estimate(NamedTuple):
    """A fitted parameter and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class DecayCurve:
    """One fitted form of decay; call it with times for its values.

    `bic` is the Bayesian information criterion of the fit to log M (smaller is better), `aic`
    Akaike's, `residual` the root mean square of what the fit leaves of log M.
    """

    form: str
    parameters: dict[str, Estimate]
    residual: float
    aic: float
    bic: float

    def __repr__(self) -> str:
        """Form and parameters."""
        return f"DecayCurve({_described(self)}; residual {self.residual:.2g})"

    def __call__(self, times: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Evaluate the fitted curve."""
        logs = np.log([estimate.value for estimate in self.parameters.values()])
        return np.exp(_log_curve(self.form, as_array(times, dtype=np.float64), logs))


@dataclass(frozen=True)
class DecayFit:
    """The curves of `fit_decay`, best first."""

    curves: tuple[DecayCurve, ...]

    def __repr__(self) -> str:
        """Form that was selected, its parameters, and its lead over the next."""
        lead = ""
        if len(self.curves) > 1:
            second = self.curves[1]
            lead = f"; BIC {second.bic - self.selected.bic:.3g} below {second.form}"
        return f"DecayFit({_described(self.selected)}{lead})"

    @property
    def selected(self) -> DecayCurve:
        """Curve with the smallest BIC."""
        return self.curves[0]

    @property
    def form(self) -> str:
        """Form of the selected curve."""
        return self.selected.form


def _described(curve: DecayCurve) -> str:
    found = ", ".join(f"{name} {each.value:.4g}" for name, each in curve.parameters.items())
    return f"{curve.form}: {found}"


def fit_decay(times: ArrayLike, values: ArrayLike) -> DecayFit:
    r"""Fit three forms of decay and select one.

    .. math::
        c\, e^{-rt}, \qquad c\, (1 + rt)^{-p}, \qquad c\, e^{-(rt)^p}

    named ``exponential``, ``polynomial`` and ``stretched``, with parameters ``scale`` c,
    ``rate`` r and ``power`` p, all positive. Least squares on the logarithm of the values.

    Parameters
    ----------
    times
        Increasing, from zero or later; at least 6.
    values
        Positive memory at those times, such as `memory_function` gives.

    Returns
    -------
    All three curves, the one with the smallest Bayesian information criterion first.

    Notes
    -----
    The polynomial and the stretched form contain the exponential as a limit, so on exponential data
    they fit equally well and lose only by their extra parameter. Residuals below 1e-7 count as
    rounding. The
    intervals are those of linearised least squares with independent residuals: they are too
    narrow for a curve that deviates systematically, which `residual` shows.

    Examples
    --------
    >>> t = np.arange(100.0)
    >>> fit = fit_decay(t, 3.0 * (1.0 + 0.1 * t) ** -1.1)
    >>> fit.form, round(fit.selected.parameters["power"].value, 6)
    ('polynomial', 1.1)
    """
    t, logs = _checked(times, values)
    curves = [_fit(form, t, logs) for form in ("exponential", "polynomial", "stretched")]
    return DecayFit(tuple(sorted(curves, key=lambda curve: curve.bic)))


def _checked(
    times: ArrayLike, values: ArrayLike
) -> tuple[Float[np.ndarray, " time"], Float[np.ndarray, " time"]]:
    t, v = as_array(times, dtype=np.float64), as_array(values, dtype=np.float64)
    if t.ndim != 1 or t.shape != v.shape or t.size < 6:
        raise ValueError(
            f"fit_decay takes one value per time and at least 6 of them, but got times of "
            f"shape {t.shape} and values of shape {v.shape}."
        )
    if not (np.all(np.isfinite(t)) and np.all(np.diff(t) > 0) and t[0] >= 0):
        raise ValueError("times must be finite, increasing and not negative.")
    good = np.isfinite(v) & (v > 0)
    if not good.all():
        at = int(np.argmin(good))
        raise ValueError(
            f"values must be positive and finite, but values[{at}] = {v[at]}. "
            "Cut the series before it reaches zero."
        )
    logs = np.log(v)
    if _line(t, logs)[1] <= 0:
        raise ValueError("values do not fall with time, so there is no decay to fit.")
    return t, logs


def _log_curve(
    form: str, t: Float[np.ndarray, "*shape"], logs: Float[np.ndarray, " parameter"]
) -> Float[np.ndarray, "*shape"]:
    """Logarithm of the curve, from the logarithms of scale, rate and, if any, power."""
    aged = np.exp(logs[1]) * t
    if form == "exponential":
        return logs[0] - aged
    power = np.exp(logs[2])
    return logs[0] - (power * np.log1p(aged) if form == "polynomial" else aged**power)


def _fit(form: str, t: Float[np.ndarray, " time"], logs: Float[np.ndarray, " time"]) -> DecayCurve:
    """Least squares of log values: linear in two parameters, a search in the third."""
    u = t / t[-1]

    def fall(shape: float) -> Float[np.ndarray, " time"]:
        if form == "exponential":
            return u
        return np.log1p(np.exp(shape) * u) if form == "polynomial" else u ** np.exp(shape)

    def misfit(shape: float) -> float:
        return _line(fall(shape), logs)[2]

    shape = _minimum(misfit, *_SEARCH[form]) if form in _SEARCH else 0.0
    level, slope, _ = _line(fall(shape), logs)
    last = float(np.log(t[-1]))
    if form == "exponential":
        found = [level, np.log(slope) - last]
    elif form == "polynomial":
        found = [level, shape - last, np.log(slope)]
    else:
        found = [level, np.log(slope) / np.exp(shape) - last, shape]
    return _curve(form, t, logs, np.array(found))


def _line(
    fall: Float[np.ndarray, " time"], logs: Float[np.ndarray, " time"]
) -> tuple[float, float, float]:
    """Level, slope and sum of squares of logs = level - slope * fall, with a positive slope."""
    centred = fall - fall.mean()
    slope = -float(centred @ logs) / float(centred @ centred)
    level = float(logs.mean() + slope * fall.mean())
    residual = logs - level + slope * fall
    return level, slope, float(residual @ residual) if slope > 0 else float("inf")


def _minimum(misfit: Callable[[float], float], low: float, high: float) -> float:
    """Point of the smallest misfit: the best of a grid, refined between its neighbours."""
    grid = np.linspace(low, high, 57)
    top = int(np.argmin([misfit(float(x)) for x in grid]))
    ends = (float(grid[max(top - 1, 0)]), float(grid[min(top + 1, grid.size - 1)]))
    found: Any = optimize.minimize_scalar(  # pyright: ignore[reportUnknownMemberType]
        misfit, bounds=ends, method="bounded", options={"xatol": 1e-10}
    )
    return float(found.x)


def _curve(
    form: str,
    t: Float[np.ndarray, " time"],
    logs: Float[np.ndarray, " time"],
    found: Float[np.ndarray, " parameter"],
) -> DecayCurve:
    """Estimates, intervals and criteria of one fit, from the logarithms of its parameters."""
    count, free = t.size, found.size
    squares = float(np.sum((_log_curve(form, t, found) - logs) ** 2))
    half = _half_widths(form, t, found, squares / (count - free))
    with np.errstate(over="ignore"):  # an interval without end is what it is
        low, high = np.exp(found - half), np.exp(found + half)
    misfit = count * np.log(max(squares / count, _ROUNDING**2))
    return DecayCurve(
        form=form,
        parameters={
            name: Estimate(float(np.exp(found[i])), float(low[i]), float(high[i]))
            for i, name in enumerate(("scale", "rate", "power")[:free])
        },
        residual=float(np.sqrt(squares / count)),
        aic=float(misfit + 2 * free),
        bic=float(misfit + free * np.log(count)),
    )


def _half_widths(
    form: str,
    t: Float[np.ndarray, " time"],
    found: Float[np.ndarray, " parameter"],
    variance: float,
) -> Float[np.ndarray, " parameter"]:
    """Half the 95 % intervals of the logarithms; infinite where the data do not determine them."""
    steps = 1e-5 * np.eye(found.size)
    columns = [
        (_log_curve(form, t, found + h) - _log_curve(form, t, found - h)) / 2e-5 for h in steps
    ]
    jacobian = np.stack(columns, axis=1)
    singular = np.linalg.svd(jacobian, compute_uv=False)
    if singular[-1] < 1e-7 * singular[0]:
        return np.full(found.size, np.inf)
    covariance = variance * np.linalg.inv(jacobian.T @ jacobian)
    return float(special.stdtrit(t.size - found.size, 0.975)) * np.sqrt(np.diag(covariance))
