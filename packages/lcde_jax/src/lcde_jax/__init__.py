"""Linear controlled differential equations and sequence models in JAX."""

from importlib import import_module
from typing import TYPE_CHECKING

from .cde import LinearCDE
from .depth import signature_depth
from .features import feature_blocks, random_features
from .plan import FeaturePlan, plan_features
from .regression import LeastSquares, Readout, fit_readout
from .solvers import solve
from .structure import (
    BlockDiagonal,
    Dense,
    Diagonal,
    DiagonalPlusLowRank,
    OneHotDiagonal,
    Sparse,
    Structure,
    WalshHadamard,
)

if TYPE_CHECKING:
    from .classifier import LinearCDEClassifier
    from .evaluation import evaluate
    from .sequence import (
        S4,
        S4D,
        S5,
        CheckpointError,
        LastOutput,
        LinearCDEConfig,
        LinearInput,
        MeanOutput,
        S4DConfig,
        S4DPLRConfig,
        S5Config,
        SequenceModel,
        SequenceModelConfig,
        StepOutput,
        TokenInput,
        from_classifier,
        load,
        save,
    )
    from .tokens import TokenCDE, TokenMatrices
    from .train import fit

__version__ = "0.1.0"

__all__ = [
    "S4",
    "S4D",
    "S5",
    "BlockDiagonal",
    "CheckpointError",
    "Dense",
    "Diagonal",
    "DiagonalPlusLowRank",
    "FeaturePlan",
    "LastOutput",
    "LeastSquares",
    "LinearCDE",
    "LinearCDEClassifier",
    "LinearCDEConfig",
    "LinearInput",
    "MeanOutput",
    "OneHotDiagonal",
    "Readout",
    "S4DConfig",
    "S4DPLRConfig",
    "S5Config",
    "SequenceModel",
    "SequenceModelConfig",
    "Sparse",
    "StepOutput",
    "Structure",
    "TokenCDE",
    "TokenInput",
    "TokenMatrices",
    "WalshHadamard",
    "evaluate",
    "feature_blocks",
    "fit",
    "fit_readout",
    "from_classifier",
    "load",
    "plan_features",
    "random_features",
    "save",
    "signature_depth",
    "solve",
]

# Training and sequence models are imported when they are first asked for: random features need
# neither them nor optax, and their records do not depend on their source.
# Of these names, all that are neither above nor in this table stand in `sequence`.
_TRAINING = {
    "LinearCDEClassifier": "classifier",
    "TokenCDE": "tokens",
    "TokenMatrices": "tokens",
    "evaluate": "evaluation",
    "fit": "train",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_TRAINING.get(name, 'sequence')}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
