"""Memory of sequence models: measured, fitted, and how stably it can be approximated."""

from seqtheory.memory_theory._assumptions import AssumptionError
from seqtheory.memory_theory._decay import DecayCurve, DecayFit, Estimate, fit_decay
from seqtheory.memory_theory._functionals import perturbation_error
from seqtheory.memory_theory._linear_systems import ContinuousSystem, DiscreteSystem
from seqtheory.memory_theory._memory_function import memory_function
from seqtheory.memory_theory._stability import stability_functional
from seqtheory.memory_theory._transitions import Dense, Diagonal, Jordan, Transition

__all__ = [
    "AssumptionError",
    "ContinuousSystem",
    "DecayCurve",
    "DecayFit",
    "Dense",
    "Diagonal",
    "DiscreteSystem",
    "Estimate",
    "Jordan",
    "Transition",
    "fit_decay",
    "memory_function",
    "perturbation_error",
    "stability_functional",
]
