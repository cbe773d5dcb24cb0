"""Training of torch models: `fit` and `evaluate`."""

from ._evaluation import evaluate
from ._fit import fit

__all__ = ["evaluate", "fit"]
