"""What a linear recurrence can compute: a task's algebra against a class of transition matrices."""

from seqtheory.expressivity._irreducibles import (
    Irreducible,
    characters,
    faithful_dimension,
    real_irreducibles,
)
from seqtheory.expressivity._predict import predict
from seqtheory.expressivity._transition import Transition, Verdict

__all__ = [
    "Irreducible",
    "Transition",
    "Verdict",
    "characters",
    "faithful_dimension",
    "predict",
    "real_irreducibles",
]
