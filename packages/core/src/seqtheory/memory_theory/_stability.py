"""Stability of a reparameterisation: the largest relative change of a mode's memory."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import shorten
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from seqtheory._array import as_array
from seqtheory.checks import require_positive
from seqtheory.reparameterisation import Reparameterisation

if TYPE_CHECKING:
    from jaxtyping import Float


def perturbation_sizes(betas: ArrayLike) -> Float[np.ndarray, " beta"]:
    """`betas` as float64; raise ValueError unless finite, non-negative and increasing."""
    sizes = np.atleast_1d(as_array(betas, dtype=np.float64))
    if sizes.ndim != 1 or sizes.size == 0:
        raise ValueError(f"betas must be a list of sizes, but has shape {np.shape(betas)}.")
    if not np.all(np.isfinite(sizes) & (sizes >= 0)):
        raise ValueError(f"betas are sizes: finite and not negative, but got {sizes.tolist()}.")
    if np.any(np.diff(sizes) < 0):
        raise ValueError(f"betas must be sorted, smallest first, but got {sizes.tolist()}.")
    return sizes


def stability_functional(
    parameterisation: Reparameterisation, betas: ArrayLike, *, weight_range: float = 30.0
) -> Float[np.ndarray, " beta"]:
    r"""Worst relative change of a mode's memory under a weight perturbation of size beta.

    .. math::
        g(\beta) = \sup_w |f(w)| \sup_{|\tilde w - w| \le \beta}
        \int_0^\infty |e^{f(\tilde w) t} - e^{f(w) t}|\, dt
        = \sup_w \sup_{\tilde w} \left| \frac{f(w)}{f(\tilde w)} - 1 \right| .

    The parameterisation is stable if g is finite and continuous with g(0) = 0.

    Parameters
    ----------
    parameterisation
        The map f, continuous time.
    betas
        Sizes of the perturbation of a weight: non-negative, increasing.
    weight_range
        Weights with :math:`|w|` up to this, at most 100, are searched.

    Returns
    -------
    One value per beta; ``inf`` where some stable mode is pushed to an eigenvalue of zero
    or above, since its memory then does not end.

    Notes
    -----
    A search on a grid of spacing 1e-3, refined to 1e-6 about the maximum: a lower bound
    of the supremum, to about 1e-9 where that lies within `weight_range`. Exp gives
    :math:`e^\beta - 1` exactly, Softplus reaches it as w falls, Best(a=1, b=0.5) attains
    its maximum near w = 0.5, and Direct is infinite for every beta > 0.

    References
    ----------
    arXiv:2311.14495, definition 3.4.

    Examples
    --------
    >>> from seqtheory.reparameterisation import Best, Direct
    >>> stability_functional(Best(), [0.0, 0.1]).round(6)
    array([0.      , 0.151774])
    >>> stability_functional(Direct(), [0.0, 0.1])
    array([ 0., inf])
    """
    if not isinstance(parameterisation, Reparameterisation):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(
            f"stability_functional takes a continuous-time Reparameterisation, but got "
            f"{parameterisation!r}; for a discrete form pass the continuous one it came from."
        )
    require_positive("weight_range", weight_range)
    if weight_range > 100:
        raise ValueError(f"weight_range={weight_range}: expected at most 100: exp(w) overflows.")
    sizes = perturbation_sizes(betas)
    # 1e-3 apart, symmetric about zero.
    weights = np.linspace(-weight_range, weight_range, 2 * round(1000 * weight_range) + 1)
    return np.array([_worst_change(parameterisation, weights, float(beta)) for beta in sizes])


@dataclass(frozen=True, eq=False)
class StabilityVerdict:
    """Whether a reparameterisation is stable, the reason, and the values of g that show it."""

    is_stable: bool
    reason: str
    betas: Float[np.ndarray, " beta"]
    values: Float[np.ndarray, " beta"]

    def __repr__(self) -> str:
        """Verdict first."""
        return shorten(
            f"StabilityVerdict({'stable' if self.is_stable else 'not stable'}: {self.reason})",
            100,
            placeholder=" ...)",
        )


def stability_verdict(parameterisation: Reparameterisation) -> StabilityVerdict:
    r"""Judge from its stability functional g whether a reparameterisation is stable.

    Stable means g finite, continuous at zero with g(0) = 0, and a supremum over *all* weights. So
    g must be finite at beta = 1e-1, ..., 1e-6, must shrink there at least like
    :math:`\sqrt{\beta}`, and must not grow by more than 1 % if weights up to 20 are searched in
    place of 10.

    Notes
    -----
    A numerical proof has the limits of its grid: a map that misbehaves only beyond weights of 20,
    or only under perturbations below 1e-6, passes.

    References
    ----------
    arXiv:2311.14495, definition 3.4.

    Examples
    --------
    >>> from seqtheory.reparameterisation import Exp, ReLU
    >>> stability_verdict(Exp()).is_stable, stability_verdict(ReLU()).is_stable
    (True, False)
    """
    betas = 10.0 ** np.arange(-6, 0)
    values = stability_functional(parameterisation, betas, weight_range=20.0)
    narrow = stability_functional(parameterisation, betas, weight_range=10.0)
    shrinks = np.all(values[:-1] * 10**0.5 <= values[1:] * (1 + 1e-6))
    if np.any(np.isinf(values)):
        beta = betas[np.isinf(values)][0]
        reason = f"a perturbation of {beta:g} makes some mode never forget: g is infinite"
    elif not shrinks:
        reason = "g does not go to zero with beta"
    elif np.any(values > 1.01 * narrow):
        reason = "g grows with the range of weights searched: its supremum is infinite"
    else:
        return StabilityVerdict(True, "g is finite and goes to zero with beta", betas, values)
    return StabilityVerdict(False, reason, betas, values)


def _worst_change(
    parameterisation: Reparameterisation, weights: Float[np.ndarray, " weight"], beta: float
) -> float:
    if beta == 0.0:
        return 0.0
    changes = _relative_changes(parameterisation, weights, beta)
    top = int(np.argmax(changes))
    if np.isinf(changes[top]):
        return float("inf")
    low, high = weights[max(top - 1, 0)], weights[min(top + 1, weights.size - 1)]
    near = np.linspace(float(low), float(high), 2001)
    return float(max(changes[top], _relative_changes(parameterisation, near, beta).max()))


def _relative_changes(
    parameterisation: Reparameterisation, weights: Float[np.ndarray, " weight"], beta: float
) -> Float[np.ndarray, " weight"]:
    """Largest |f(w) / f(w + d) - 1| over |d| <= beta; -1 for a mode that starts unstable."""
    rate = parameterisation.distance(weights)
    worst = np.zeros_like(rate)
    # Points inside the interval too: f need not be monotone, and may cross zero and return.
    for fraction in (-1.0, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1.0):
        moved = parameterisation.distance(weights + fraction * beta)
        lasting = moved <= 0
        ratio = rate / np.where(lasting, 1.0, moved)
        worst = np.maximum(worst, np.where(lasting, np.inf, np.abs(ratio - 1.0)))
    return np.where(rate > 0, worst, -1.0)
