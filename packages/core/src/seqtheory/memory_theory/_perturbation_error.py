"""The perturbation error E_m(beta): the error of an approximation whose weights moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from seqtheory.checks import require_flag, require_integer, require_positive
from seqtheory.memory import Kernel, sample
from seqtheory.memory_theory._exponential_fit import ExponentialFit, fit_exponentials
from seqtheory.memory_theory._functional_norms import FunctionalNorm
from seqtheory.memory_theory._perturbations import Perturbation, PerturbedFit, named
from seqtheory.memory_theory._stability import perturbation_sizes
from seqtheory.reparameterisation import Reparameterisation

if TYPE_CHECKING:
    from jaxtyping import Float


def perturbation_error(
    kernel: Kernel,
    parameterisation: Reparameterisation,
    width: int | ExponentialFit,
    betas: ArrayLike,
    *,
    slowest: float | None = None,
    fastest: float = 2.0,
    perturbation: Perturbation | Literal["shift", "vertices", "gaussian"] = "shift",
    norm: Literal["l1", "l2", "sup"] = "l1",
    horizon: int = 100,
    dt: float = 1.0,
    short_horizon: bool = False,
) -> Float[np.ndarray, " beta"]:
    r"""Error E_m(beta) of a fitted exponential sum whose weights were then perturbed.

    With rates r and coefficients c of `fit_exponentials` and weights
    :math:`w_i = p^{-1}(-r_i)`,

    .. math::
        E_m(\beta) = \max_{|\tilde w - w| \le \beta} \Big\| \rho(t)
        - \sum_{i=1}^m c_i\, e^{p(\tilde w_i)\, t} \Big\|,

    where `perturbation` chooses one of three estimates of the maximum.

    Parameters
    ----------
    kernel
        The memory to approximate, :math:`\rho(t)`; its norm must be finite.
    parameterisation
        The map p from weights to eigenvalues, continuous time.
    width
        Number m of exponentials, or a fit of your own.
    betas
        Sizes of the perturbation: non-negative, increasing.
    slowest, fastest
        Smallest and largest rate, in 1 / time; both must be reachable by p. The slowest
        rate must fall as `width` grows if a kernel with a heavy tail is to be followed.
        ``slowest=None`` optimises all rates.
    perturbation
        ``"shift"`` (`CommonShift`): every weight moves by beta, each in the direction that slows
        its mode. ``"vertices"`` (`WorstVertex`): the worst found in the box, a lower bound of the
        supremum. ``"gaussian"`` (`SampledNoise`): the worst of 30 draws, as published. For other
        settings give an object of one of these classes.
    norm
        ``"l1"``: :math:`dt \sum_k |\cdot|`, the norm of the functional on bounded inputs.
        ``"l2"``: :math:`(dt \sum_k |\cdot|^2)^{1/2}`. ``"sup"``: the largest value.
    horizon
        Number of steps; the kernel is compared at ``horizon + 1`` times.
    dt
        Time between them.
    short_horizon
        True accepts a horizon shorter than the slowest mode's time, within which neither its
        memory nor its growth shows in full.

    Returns
    -------
    One error per beta, for ``"sup"`` in the unit of the kernel. It is finite even where a mode
    became unstable, since the horizon is, and infinite only beyond the largest float.

    Notes
    -----
    An approximation is stable if these curves, for growing width, go to zero at beta = 0
    and do not rise ever more steeply from it: see `stable_approximation`.

    References
    ----------
    arXiv:2305.19190, definition 3.4 and appendix D.

    Examples
    --------
    >>> from seqtheory.memory import Polynomial
    >>> from seqtheory.reparameterisation import Direct, Exp
    >>> heavy_tail = Polynomial(rate=1.0, power=1.1)
    >>> perturbation_error(heavy_tail, Direct(), 4, [0.0, 1e-2], slowest=0.02).round(4)
    array([0.1129, 0.7834])
    >>> perturbation_error(heavy_tail, Exp(), 4, [0.0, 1e-2], slowest=0.02).round(4)
    array([0.1129, 0.1148])
    """
    if not isinstance(parameterisation, Reparameterisation):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(
            f"perturbation_error takes a continuous-time Reparameterisation, but got "
            f"{parameterisation!r}; for a discrete form pass the continuous one it came from."
        )
    require_integer("horizon", horizon, 1)
    require_positive("dt", dt)
    require_flag("short_horizon", short_horizon)
    sizes, way, size = perturbation_sizes(betas), named(perturbation), FunctionalNorm(norm, dt)
    size.require_finite(kernel)
    fit = (
        width
        if isinstance(width, ExponentialFit)
        else fit_exponentials(
            kernel, width, slowest=slowest, fastest=fastest, horizon=horizon, dt=dt
        )
    )
    _require_horizon(fit, horizon * dt, short_horizon)
    times = dt * np.arange(horizon + 1)
    perturbed = PerturbedFit(
        parameterisation=parameterisation,
        weights=parameterisation.inverse(-fit.rates),
        coefficients=fit.coefficients,
        times=times,
        target=sample(kernel, times),
        norm=size,
    )
    return way.errors(perturbed, sizes)


def _require_horizon(fit: ExponentialFit, duration: float, short_horizon: bool) -> None:
    slowest = float(fit.rates.min())
    # The optimised rates may end at one over the horizon itself, up to rounding.
    if duration * slowest < 1.0 - 1e-9 and not short_horizon:
        raise ValueError(
            f"the horizon, {duration:g}, is shorter than the time of the slowest mode, "
            f"1 / {slowest:g} = {1.0 / slowest:g}, so most of what that mode does is not seen. "
            "Take a longer horizon, a larger slowest rate, or short_horizon=True."
        )
