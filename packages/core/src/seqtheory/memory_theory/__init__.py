"""Memory of sequence models: measured, fitted, and how stably it can be approximated.

The files, in the order of the theory:

``_transitions``, ``_linear_systems``
    linear systems, whose memory function has a closed form
``_stimulus``, ``_probes``, ``_directions``, ``_assumptions``, ``_settling``
    what drives a model while it is measured, and what is asked of it first
``_letters``, ``_memory_function``
    memory functions of any model, measured
``_decay``, ``_asymptotic``
    how a memory function falls, and its rate against the spectrum
``_envelope``
    what the memory of a stable model cannot exceed
``_coefficient_bounds``, ``_exponential_fit``, ``_functional_norms``
    the best a linear network of a given width can do, with coefficients free or bounded
``_perturbations``, ``_perturbation_error``, ``_stable_approximation``
    what is left of it when its weights move: the curse of memory
``_stability``, ``_margin``
    which reparameterisations lift it, and how far modes are from the edge
``_curse_of_optimisation``
    what long memory does to gradients
"""

from seqtheory.memory_theory._assumptions import AssumptionError
from seqtheory.memory_theory._asymptotic import asymptotic_rate
from seqtheory.memory_theory._coefficient_bounds import (
    CoefficientBound,
    L1Bound,
    NonNegative,
    Ridge,
)
from seqtheory.memory_theory._curse_of_optimisation import (
    gradient_variance,
    state_variance,
    weight_gradient_variance,
)
from seqtheory.memory_theory._decay import DecayCurve, DecayFit, Estimate, fit_decay
from seqtheory.memory_theory._envelope import memory_envelope
from seqtheory.memory_theory._exponential_fit import ExponentialFit, fit_exponentials
from seqtheory.memory_theory._linear_systems import ContinuousSystem, DiscreteSystem
from seqtheory.memory_theory._margin import stability_margin
from seqtheory.memory_theory._memory_function import memory_function
from seqtheory.memory_theory._perturbation_error import perturbation_error
from seqtheory.memory_theory._perturbations import (
    CommonShift,
    Perturbation,
    SampledNoise,
    WorstVertex,
)
from seqtheory.memory_theory._stability import (
    StabilityVerdict,
    stability_functional,
    stability_verdict,
)
from seqtheory.memory_theory._stable_approximation import (
    Crossing,
    StableApproximation,
    stable_approximation,
)
from seqtheory.memory_theory._transitions import Dense, Diagonal, Jordan, Transition

__all__ = [
    "AssumptionError",
    "CoefficientBound",
    "CommonShift",
    "ContinuousSystem",
    "Crossing",
    "DecayCurve",
    "DecayFit",
    "Dense",
    "Diagonal",
    "DiscreteSystem",
    "Estimate",
    "ExponentialFit",
    "Jordan",
    "L1Bound",
    "NonNegative",
    "Perturbation",
    "Ridge",
    "SampledNoise",
    "StabilityVerdict",
    "StableApproximation",
    "Transition",
    "WorstVertex",
    "asymptotic_rate",
    "fit_decay",
    "fit_exponentials",
    "gradient_variance",
    "memory_envelope",
    "memory_function",
    "perturbation_error",
    "stability_functional",
    "stability_margin",
    "stability_verdict",
    "stable_approximation",
    "state_variance",
    "weight_gradient_variance",
]
