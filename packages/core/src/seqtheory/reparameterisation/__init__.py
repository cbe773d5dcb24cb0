r"""Reparameterisations: how a trained weight w becomes the eigenvalue p(w) of a mode.

A mode with eigenvalue :math:`\lambda = p(w)` remembers for the time
:math:`1 / |\lambda|` (continuous, stable for :math:`\lambda < 0`) or
:math:`1 / (1 - \lambda)` (discrete, stable for :math:`-1 < \lambda < 1`). The choice of p
decides whether a small change of w can make a mode unstable, and how large gradients
become as memory grows.

Every class offers ``p(w)``, ``p.derivative(w)``, ``p.inverse(eigenvalue)``,
``p.distance(w)`` to the eigenvalue that never forgets, and ``p.gradient_scale(w)``;
a continuous one also ``p.discrete()``. All act elementwise on real arrays and return
float64. `stable_rate` predicts which learning rates a map bears. To add a map, subclass
`Reparameterisation` and write the first three.

References
----------
S. Wang and Q. Li, "StableSSM: Alleviating the Curse of Memory in State-space Models
through Stable Reparameterization", arXiv:2311.14495, section 3. The eigenvalue of
`Direct` is the weight itself; the code published with that paper gives it the other sign,
which starts unstable.
"""

from seqtheory.reparameterisation._contract import (
    DiscreteReparameterisation,
    Euler,
    Reparameterisation,
    Sampled,
)
from seqtheory.reparameterisation._maps import (
    Best,
    Direct,
    Exp,
    Inverse,
    ReLU,
    Sigmoid,
    Softplus,
)
from seqtheory.reparameterisation._rescaled import Rescaled
from seqtheory.reparameterisation._stable_rate import stable_rate

__all__ = [
    "Best",
    "Direct",
    "DiscreteReparameterisation",
    "Euler",
    "Exp",
    "Inverse",
    "ReLU",
    "Reparameterisation",
    "Rescaled",
    "Sampled",
    "Sigmoid",
    "Softplus",
    "stable_rate",
]
