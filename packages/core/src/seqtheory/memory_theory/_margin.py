"""Stability margin: the distance of a network's modes from an eigenvalue that never decays."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from seqtheory._array import as_array
from seqtheory.reparameterisation import DiscreteReparameterisation, Reparameterisation


def stability_margin(
    parameterisation: Reparameterisation | DiscreteReparameterisation,
    weights: ArrayLike,
    *,
    upstream: bool = False,
) -> float:
    r"""Distance of the least stable mode from the edge of stability.

    .. math:: \min_i\, -p(w_i) \text{ (continuous time)}, \qquad
        \min_i\, 1 - |p(w_i)| \text{ (discrete)}

    Parameters
    ----------
    parameterisation
        The map p from weights to eigenvalues. For a residual recurrence h + dt (x + p(w) h) give
        ``Euler(p, dt)``, in discrete time, which is also unstable where dt p(w) falls below -2.
    weights
        Of any shape.
    upstream
        The margin of the published code: modes that do not decay are left out, so it is never
        zero or negative, and nothing bounds eigenvalues from below.

    Returns
    -------
    Positive if every mode is stable, zero with a mode at the edge (an integrator, such as
    `ReLU` makes of every w <= 0), negative with one beyond it.

    References
    ----------
    The code published with arXiv:2305.19190 adds max(0, 1 - margin) to its loss.

    Examples
    --------
    >>> from seqtheory.reparameterisation import Direct, Euler, ReLU
    >>> stability_margin(ReLU(), [0.3, 0.0, 1.2]), stability_margin(ReLU(), [0.3, 0.0, 1.2],
    ...     upstream=True)
    (0.0, 0.3)
    >>> round(stability_margin(Euler(Direct()), [-0.5, -2.2]), 12)  # eigenvalues 0.5 and -1.2
    -0.2
    """
    if not isinstance(parameterisation, Reparameterisation | DiscreteReparameterisation):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(
            f"stability_margin takes a reparameterisation such as Exp(), but got "
            f"{parameterisation!r}."
        )
    values = as_array(weights)
    if values.size == 0 or (values.dtype.kind == "f" and not np.all(np.isfinite(values))):
        raise ValueError(f"weights must be finite, and at least one, but are {values}.")
    distances = parameterisation.distance(values)
    if upstream:
        decaying = distances[distances > 0]
        if decaying.size == 0:
            raise ValueError(
                "no mode decays, so the published margin does not exist; leave upstream=True out."
            )
        return float(decaying.min())
    if isinstance(parameterisation, DiscreteReparameterisation):
        distances = np.minimum(distances, 1.0 + parameterisation(values))
    return float(distances.min()) + 0.0  # no negative zero
