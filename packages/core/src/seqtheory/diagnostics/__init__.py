r"""What a trained tracker has learned, from its arrays alone.

A tracker is a recurrence whose state should follow an automaton or a group,

.. math:: h_k = M(x_k)\, h_{k-1} + b(x_k), \qquad y_k = \text{class to be read off } h_k.

Three arrays describe it, whatever framework it was trained in: ``transitions`` :math:`M`, ``(token,
n, n)``, real; ``states`` :math:`h_k`, ``(batch, time, n)``, real, where :math:`h_1` follows the
first token; ``labels`` :math:`y_k`, ``(batch, time)``, integers. A complex state is given by its
real and its imaginary parts.
"""

from seqtheory.diagnostics._algebra import commutators, compress, product_errors, spectra
from seqtheory.diagnostics._classes import (
    class_centroids,
    class_gaps,
    margin,
    margin_used,
    nearest_class,
    score_margin_used,
    separating_basis,
)
from seqtheory.diagnostics._horizon import Horizon, observed_horizon, predict_horizon
from seqtheory.diagnostics._intertwiner import (
    Intertwiner,
    RepresentationDistance,
    irreducible_parts,
    representation_distance,
)
from seqtheory.diagnostics._memory_graph import memory_levels
from seqtheory.diagnostics._overflow import predict_overflow
from seqtheory.diagnostics._probe import LinearProbe, fit_probe
from seqtheory.diagnostics._recurrence import Recurrence, classify_recurrence

__all__ = [
    "Horizon",
    "Intertwiner",
    "LinearProbe",
    "Recurrence",
    "RepresentationDistance",
    "class_centroids",
    "class_gaps",
    "classify_recurrence",
    "commutators",
    "compress",
    "fit_probe",
    "irreducible_parts",
    "margin",
    "margin_used",
    "memory_levels",
    "nearest_class",
    "observed_horizon",
    "predict_horizon",
    "predict_overflow",
    "product_errors",
    "representation_distance",
    "score_margin_used",
    "separating_basis",
    "spectra",
]
