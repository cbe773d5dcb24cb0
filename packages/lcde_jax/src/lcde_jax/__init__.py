"""Linear controlled differential equations in JAX: solvers, random features, regression."""

from .cde import LinearCDE
from .classifier import LinearCDEClassifier
from .depth import signature_depth
from .evaluation import evaluate
from .features import feature_blocks, random_features
from .plan import FeaturePlan, plan_features
from .regression import LeastSquares, Readout, fit_readout
from .solvers import solve
from .structure import Dense, Diagonal, Structure
from .tokens import TokenCDE, TokenMatrices
from .train import fit

__version__ = "0.1.0"

__all__ = [
    "Dense",
    "Diagonal",
    "FeaturePlan",
    "LeastSquares",
    "LinearCDE",
    "LinearCDEClassifier",
    "Readout",
    "Structure",
    "TokenCDE",
    "TokenMatrices",
    "evaluate",
    "feature_blocks",
    "fit",
    "fit_readout",
    "plan_features",
    "random_features",
    "signature_depth",
    "solve",
]
