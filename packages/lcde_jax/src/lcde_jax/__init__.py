"""Linear controlled differential equations in JAX: solvers, random features, trained models."""

from importlib import import_module
from typing import TYPE_CHECKING

from .cde import LinearCDE
from .depth import signature_depth
from .features import feature_blocks, random_features
from .plan import FeaturePlan, plan_features
from .regression import LeastSquares, Readout, fit_readout
from .solvers import solve
from .structure import Dense, Diagonal, Structure

if TYPE_CHECKING:
    from .classifier import LinearCDEClassifier
    from .evaluation import evaluate
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

# Training is imported when it is first asked for: random features need neither it nor optax, and
# their records do not depend on its source.
_TRAINING = {
    "LinearCDEClassifier": "classifier",
    "TokenCDE": "tokens",
    "TokenMatrices": "tokens",
    "evaluate": "evaluation",
    "fit": "train",
}


def __getattr__(name: str) -> object:
    if name not in _TRAINING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_TRAINING[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
