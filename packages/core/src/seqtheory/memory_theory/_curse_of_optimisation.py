"""The curse of memory for optimisation: variances as an eigenvalue approaches one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from seqtheory._array import as_array
from seqtheory.reparameterisation import DiscreteReparameterisation

if TYPE_CHECKING:
    from jaxtyping import Float

    Array = Float[np.ndarray, "*shape"]


def state_variance(
    eigenvalue: ArrayLike, autocorrelation: ArrayLike = (1.0,), *, normalised: bool = False
) -> Array:
    r"""Variance of the state of h_k = lambda h_{k-1} + x_k in its stationary regime.

    .. math:: E h^2 = \frac{S}{1 - \lambda^2}, \qquad
        S = R_0 + 2 \sum_{d \ge 1} \lambda^d R_d

    Parameters
    ----------
    eigenvalue
        Real, in (-1, 1), of any shape.
    autocorrelation
        R_0, R_1, ... of the stationary input, zero beyond the last; white noise by default.
    normalised
        True scales the input by :math:`\gamma = \sqrt{1 - \lambda^2}`, as the linear recurrent
        unit does, which makes the variance S.

    References
    ----------
    N. Zucchet and A. Orvieto, "Recurrent neural networks: vanishing and exploding gradients are
    not the end of the story", arXiv:2405.21064, section 2.

    Examples
    --------
    >>> state_variance([0.9, 0.99]).round(7)
    array([ 5.2631579, 50.2512563])
    """
    value, power, _ = _spectrum(eigenvalue, autocorrelation)
    return power if normalised else power / (1.0 - value**2)


def gradient_variance(
    eigenvalue: ArrayLike, autocorrelation: ArrayLike = (1.0,), *, normalised: bool = False
) -> Array:
    r"""Variance of dh/dlambda, the sensitivity of the state to its eigenvalue.

    .. math:: E (dh/d\lambda)^2 = \frac{1 + \lambda^2}{(1 - \lambda^2)^3} S
        + \frac{2}{(1 - \lambda^2)^2} \sum_{d \ge 1} d\, \lambda^d R_d,

    which grows like the cube of the time scale.

    Parameters
    ----------
    eigenvalue
        Real, in (-1, 1), of any shape.
    autocorrelation
        R_0, R_1, ... of the stationary input, zero beyond the last; white noise by default.
    normalised
        True scales the input by :math:`\gamma = \sqrt{1 - \lambda^2}`. The state is then gamma h,
        and the derivative includes that of gamma.

    Examples
    --------
    >>> gradient_variance([0.9, 0.99]).round(3)
    array([   263.887, 251262.626])
    """
    value, power, slope = _spectrum(eigenvalue, autocorrelation)
    rest = 1.0 - value**2
    plain = (1.0 + value**2) / rest**3 * power + value * slope / rest**2
    if not normalised:
        return plain
    # d(gamma h) = gamma' h + gamma dh, with gamma' = -lambda / gamma; and E[h dh] is half the
    # derivative of E[h^2].
    together = 0.5 * (slope / rest + 2.0 * value * power / rest**2)
    return value**2 / rest * (power / rest) - 2.0 * value * together + rest * plain


def weight_gradient_variance(
    parameterisation: DiscreteReparameterisation,
    weights: ArrayLike,
    autocorrelation: ArrayLike = (1.0,),
    *,
    normalised: bool = False,
) -> Array:
    r"""Variance of dh/dw for an eigenvalue lambda = p(w): of the gradient that an optimiser gets.

    .. math:: E (dh/dw)^2 = p'(w)^2\, E (dh/d\lambda)^2

    Parameters
    ----------
    parameterisation
        Discrete time, such as ``Exp().discrete()``.
    weights
        Weights w, of any shape; their eigenvalues p(w) must lie in (-1, 1).
    autocorrelation
        R_0, R_1, ... of the stationary input, zero beyond the last; white noise by default.
    normalised
        True scales the input by :math:`\gamma = \sqrt{1 - \lambda^2}`, so that the state is
        gamma h.

    Notes
    -----
    For white noise and a long time scale tau the variance is tau^3 / 4 for ``Direct``, tau / 4 for
    ``Exp`` and 1 for ``Best``; with `normalised` it is tau^2 / 4, 1 / 4 and 1 / tau.

    Examples
    --------
    With `normalised` and an exponential map the variance stays near 1/4 as memory grows:

    >>> from seqtheory.reparameterisation import Exp
    >>> p = Exp().discrete()
    >>> weight_gradient_variance(p, p.inverse([0.9, 0.999]), normalised=True).round(3)
    array([0.249, 0.25 ])
    """
    if not isinstance(parameterisation, DiscreteReparameterisation):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(
            f"weight_gradient_variance takes a reparameterisation in discrete time, but got "
            f"{parameterisation!r}; add .discrete()."
        )
    slope = parameterisation.derivative(weights)
    found = gradient_variance(parameterisation(weights), autocorrelation, normalised=normalised)
    return slope**2 * found


def _spectrum(eigenvalue: ArrayLike, autocorrelation: ArrayLike) -> tuple[Array, Array, Array]:
    """Eigenvalues, and S with its first derivative in lambda."""
    value = as_array(eigenvalue, dtype=np.float64)
    correlation = as_array(autocorrelation, dtype=np.float64)
    if not np.all(np.abs(value) < 1):
        raise ValueError(
            f"eigenvalues must lie in (-1, 1), but got {value}: beyond, no state is stationary."
        )
    if correlation.ndim != 1 or correlation.size == 0 or not np.all(np.isfinite(correlation)):
        raise ValueError("autocorrelation must be a list R_0, R_1, ... of finite numbers.")
    if correlation[0] <= 0 or np.any(np.abs(correlation) > correlation[0]):
        raise ValueError(f"R_0={correlation[0]} must be positive, and the largest in size.")
    lags = np.arange(1, correlation.size)
    power = correlation[0] + 2.0 * value[..., None] ** lags @ correlation[1:]
    slope = 2.0 * (lags * value[..., None] ** (lags - 1)) @ correlation[1:]
    return value, power, slope
