"""The largest learning rate at which one step does not destroy a mode's memory: a prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from seqtheory.checks import require_choice
from seqtheory.reparameterisation._contract import Reparameterisation, within

if TYPE_CHECKING:
    from jaxtyping import Float


def stable_rate(
    parameterisation: Reparameterisation,
    eigenvalue: ArrayLike,
    *,
    step: Literal["gradient", "sign"] = "gradient",
) -> Float[np.ndarray, "*shape"]:
    r"""Largest learning rate of a mode's weight, up to a constant that all maps share.

    .. math:: \eta^*_{\text{gradient}} = \frac{|\lambda|^3}{p'(w)^2}, \qquad
              \eta^*_{\text{sign}} = \left| \frac{\lambda}{p'(w)} \right|, \qquad \lambda = p(w).

    Parameters
    ----------
    parameterisation
        The map p, in continuous time.
    eigenvalue
        The negative :math:`\lambda` at which the mode is to be held; its time scale is
        :math:`\tau = 1 / |\lambda|`.
    step
        ``"gradient"``: steps in proportion to the gradient, as of gradient descent with or without
        momentum. ``"sign"``: steps of the size of the rate whatever the gradient, as of Adam.

    Returns
    -------
    One rate per eigenvalue; infinite where p has no slope, since no step moves the mode.

    Notes
    -----
    *Derivation.* A step of the weight by :math:`\Delta w` moves the eigenvalue by
    :math:`p'(w) \Delta w`, so the time scale changes relatively by
    :math:`|p'(w) \Delta w / \lambda|`. A mode is lost where this comes to one: a direct weight
    then crosses zero, and any other map multiplies or divides the memory by a factor. A gradient is
    bounded by :math:`C |p'| / \lambda^2`, with C independent of p (theorem 3.6 of the reference).
    So gradient descent has :math:`|\Delta w| \le \eta C |p'| / \lambda^2`, and the change reaches
    one at :math:`\eta = \eta^*_{\text{gradient}} / C`. Adam divides the gradient by its size:
    :math:`|\Delta w| \approx \eta`, and the change reaches one at :math:`\eta^*_{\text{sign}}`.

    *The same from the curvature.* For white input of variance one and a readout c the mean squared
    error of one mode that fits its target has the second derivative
    :math:`2 c^2 p'^2 \int_0^\infty t^2 e^{-2 t / \tau} dt = c^2 p'^2 \tau^3 / 2` in w. Gradient
    descent is stable below 2 over that: :math:`4 \eta^*_{\text{gradient}} / c^2`, and heavy-ball
    momentum :math:`\mu` below :math:`1 + \mu` times as much.

    *What follows.* With :math:`G = |p'| / \lambda^2` (`gradient_scale`) the two rates are
    :math:`\tau / G^2` and :math:`\tau / G`. At one eigenvalue gradient descent orders the maps as
    1/G does, with twice its exponent. As memory grows its rate falls as :math:`\tau^{-3}` for
    `Direct`, as :math:`\tau^{-1}` for `Exp` and `Softplus`, and tends to 1/(4a) for `Best`; that of
    signs falls as :math:`\tau^{-1}` for `Direct`, tends to 1 for `Exp` and `Softplus`, and grows as
    :math:`\sqrt{\tau / 4a}` for `Best`. Of a short memory `Best` bears less than `Exp`.

    *Where it may fail.* Other parameters may have a smaller largest rate than the weights of the
    modes; all maps then tie. Nothing is said of what gradient noise adds, nor of sequences shorter
    than the memory.

    References
    ----------
    arXiv:2311.14495, theorem 3.6, for the bound of the gradient; the rest is derived here.

    Examples
    --------
    >>> from seqtheory.reparameterisation import Best, Direct, Exp
    >>> for p in (Direct(), Exp(), Best()):
    ...     print(p, stable_rate(p, [-1 / 2, -1 / 32]).round(5))
    Direct() [1.25e-01 3.00e-05]
    Exp() [0.5     0.03125]
    Best(a=1.0, b=0.5) [0.33333 0.25397]
    >>> stable_rate(Exp(), [-1 / 2, -1 / 32], step="sign")
    array([1., 1.])
    """
    if not isinstance(parameterisation, Reparameterisation):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(
            "stable_rate takes a continuous-time Reparameterisation, but got "
            f"{parameterisation!r}; for a discrete form pass the continuous one it came from."
        )
    require_choice("step", step, ("gradient", "sign"))
    held = within(eigenvalue, -np.inf, 0.0, "a mode that forgets")
    slope = np.abs(parameterisation.derivative(parameterisation.inverse(held)))
    exponents = (3, 2) if step == "gradient" else (1, 1)
    with np.errstate(divide="ignore"):
        return np.abs(held) ** exponents[0] / slope ** exponents[1]
