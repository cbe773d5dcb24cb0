"""Linear controlled differential equations and sequence models in JAX."""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from seqtheory._moved import Moved

from .cde import LinearCDE
from .features import (
    FeaturePlan,
    LeastSquares,
    Readout,
    feature_blocks,
    fit_readout,
    plan_features,
    random_features,
    signature_depth,
)
from .solvers import Adaptive, Euler, Exact, LogODE, solve
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
    from .tokens import LinearCDEClassifier, TokenCDE, TokenMatrices
    from .train import evaluate, fit

__version__ = "0.1.0"

__all__ = [
    "S4",
    "S4D",
    "S5",
    "Adaptive",
    "BlockDiagonal",
    "CheckpointError",
    "Dense",
    "Diagonal",
    "DiagonalPlusLowRank",
    "Euler",
    "Exact",
    "FeaturePlan",
    "LastOutput",
    "LeastSquares",
    "LinearCDE",
    "LinearCDEClassifier",
    "LinearCDEConfig",
    "LinearInput",
    "LogODE",
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
    **dict.fromkeys(("LinearCDEClassifier", "TokenCDE", "TokenMatrices"), "tokens"),
    **dict.fromkeys(("evaluate", "fit"), "train"),
}
_MOVED = {
    **{name: f"features.{name}" for name in ("depth", "plan", "regression")},
    "exact_features": "features.exact",
    "signature_features": "features.signature",
    "word_matrices": "features.words",
    **{name: f"tokens.{name}" for name in ("classifier", "exponential", "transitions")},
    "token_scan": "tokens.scan",
    **{
        name: f"train.{name}"
        for name in ("blocks", "evaluation", "objective", "optimiser", "snapshot")
    },
}
sys.meta_path.append(
    Moved({f"{__name__}.{old}": f"{__name__}.{new}" for old, new in _MOVED.items()})
)


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_TRAINING.get(name, 'sequence')}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
