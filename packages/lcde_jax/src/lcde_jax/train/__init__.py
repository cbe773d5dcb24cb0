"""Training of JAX models: `fit` and `evaluate`."""

from .evaluation import evaluate
from .fit import fit

__all__ = ["evaluate", "fit"]
