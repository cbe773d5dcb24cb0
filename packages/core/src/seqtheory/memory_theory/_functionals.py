"""Approximation of a linear functional by exponential sums, and how stable it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from seqtheory._settings import require_choice, require_integer, require_positive
from seqtheory.memory import Kernel, sample
from seqtheory.memory_theory._stability import perturbation_sizes
from seqtheory.reparameterisation import Reparameterisation

if TYPE_CHECKING:
    from jaxtyping import Float


def perturbation_error(
    kernel: Kernel,
    parameterisation: Reparameterisation,
    width: int,
    betas: ArrayLike,
    *,
    slowest: float,
    fastest: float = 2.0,
    perturbation: Literal["shift"] = "shift",
    horizon: int = 100,
    dt: float = 1.0,
) -> Float[np.ndarray, " beta"]:
    r"""Error E_m(beta) of a fitted exponential sum whose weights were then perturbed.

    With rates :math:`l_1 < \dots < l_m` spaced geometrically from `slowest` to `fastest`,
    weights :math:`w_i = p^{-1}(-l_i)` and coefficients c fitted by least squares,

    .. math::
        E_m(\beta) = dt \sum_{k=0}^{\text{horizon}} \Big| \rho(k\,dt)
        - \sum_{i=1}^m c_i\, e^{p(w_i \pm \beta)\, k\,dt} \Big| .

    Parameters
    ----------
    kernel
        The memory to approximate, :math:`\rho(t)`.
    parameterisation
        The map p from weights to eigenvalues, continuous time.
    width
        Number m of exponentials.
    betas
        Sizes of the perturbation: non-negative, increasing.
    slowest, fastest
        Smallest and largest rate, in 1 / time; both must be reachable by p. The slowest
        rate must fall as `width` grows if a kernel with a heavy tail is to be followed.
    perturbation
        ``"shift"``: every weight moves by beta, each in the direction that slows its mode.
    horizon
        Number of steps; the kernel is compared at ``horizon + 1`` times.
    dt
        Time between them.

    Returns
    -------
    One error per beta. It is finite even where a mode became unstable, since the horizon is.

    Notes
    -----
    An approximation is stable if these curves, for growing width, go to zero at beta = 0
    and do not rise ever more steeply from it. The common shift is one perturbation and not
    the worst case over all signs, which is larger.

    References
    ----------
    arXiv:2305.19190, definition 3.4 and appendix D.

    Examples
    --------
    >>> from seqtheory.memory import Polynomial
    >>> from seqtheory.reparameterisation import Direct, Exp
    >>> heavy_tail = Polynomial(rate=1.0, power=1.1)
    >>> perturbation_error(heavy_tail, Direct(), 8, [0.0, 1e-2], slowest=0.004).round(4)
    array([0.0056, 0.8699])
    >>> perturbation_error(heavy_tail, Exp(), 8, [0.0, 1e-2], slowest=0.004).round(4)
    array([0.0056, 0.0303])
    """
    require_integer("width", width, 1)
    require_integer("horizon", horizon, 1)
    require_choice("perturbation", perturbation, ("shift",))
    for name, value in (("slowest", slowest), ("fastest", fastest), ("dt", dt)):
        require_positive(name, value)
    if slowest > fastest or (width > 1 and slowest == fastest):
        raise ValueError(f"slowest={slowest} must be below fastest={fastest}.")
    sizes = perturbation_sizes(betas)
    times = dt * np.arange(horizon + 1)
    target = sample(kernel, times)
    rates = np.geomspace(slowest, fastest, width)
    coefficients = np.linalg.lstsq(np.exp(-np.outer(times, rates)), target, rcond=None)[0]
    weights = parameterisation.inverse(-rates)
    errors = np.empty(sizes.size)
    for i, beta in enumerate(sizes):
        slowed = np.maximum(parameterisation(weights + beta), parameterisation(weights - beta))
        fitted = np.exp(np.outer(times, slowed)) @ coefficients
        errors[i] = dt * np.abs(target - fitted).sum()
    return errors
