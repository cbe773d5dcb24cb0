"""Random features: terminal states of linear CDEs for many paths, and a readout fitted to them."""

from .depth import signature_depth
from .plan import FeaturePlan, plan_features
from .regression import LeastSquares, Readout, fit_readout
from .terminal_states import feature_blocks, random_features

__all__ = [
    "FeaturePlan",
    "LeastSquares",
    "Readout",
    "feature_blocks",
    "fit_readout",
    "plan_features",
    "random_features",
    "signature_depth",
]
