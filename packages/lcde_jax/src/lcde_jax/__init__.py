"""Linear controlled differential equations in JAX: solvers, random features, regression."""

from .cde import LinearCDE
from .depth import signature_depth
from .features import feature_blocks, random_features
from .plan import FeaturePlan, plan_features
from .regression import LeastSquares, Readout, fit_readout
from .solvers import solve
from .structure import Dense, Diagonal, Structure

__version__ = "0.1.0"

__all__ = [
    "Dense",
    "Diagonal",
    "FeaturePlan",
    "LeastSquares",
    "LinearCDE",
    "Readout",
    "Structure",
    "feature_blocks",
    "fit_readout",
    "plan_features",
    "random_features",
    "signature_depth",
    "solve",
]
