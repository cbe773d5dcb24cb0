"""Memory of sequence models: measured, fitted, and how stably it can be approximated."""

from seqtheory.memory_theory._decay import DecayCurve, DecayFit, Estimate, fit_decay
from seqtheory.memory_theory._functionals import perturbation_error
from seqtheory.memory_theory._probes import memory_function
from seqtheory.memory_theory._stability import stability_functional

__all__ = [
    "DecayCurve",
    "DecayFit",
    "Estimate",
    "fit_decay",
    "memory_function",
    "perturbation_error",
    "stability_functional",
]
