"""Linear CDEs along tokens: one affine map per token, and a classifier on their states."""

from .cde import TokenCDE
from .classifier import LinearCDEClassifier
from .matrices import TokenMatrices

__all__ = ["LinearCDEClassifier", "TokenCDE", "TokenMatrices"]
