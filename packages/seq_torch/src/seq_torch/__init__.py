"""Sequence models in torch."""

import sys

from seqtheory._moved import Moved
from seqtheory.structure import (
    BlockDiagonal,
    Dense,
    Diagonal,
    DiagonalPlusLowRank,
    OneHotDiagonal,
    Sparse,
    WalshHadamard,
)

from . import ops, tracking
from .array_model import array_model
from .mixers import (
    DeltaNetConfig,
    DeltaProductConfig,
    FPRNNConfig,
    GatedDeltaNetConfig,
    GLAConfig,
    GRUConfig,
    HGRN2Config,
    KDAConfig,
    LinearCDEConfig,
    LinOSSConfig,
    LogLinearGatedDeltaNetConfig,
    LogLinearMamba2Config,
    LRUConfig,
    LSTMConfig,
    M2RNNConfig,
    Mamba2Config,
    Mamba3Config,
    MambaConfig,
    MesaNetConfig,
    MinGRUConfig,
    MinLSTMConfig,
    MixerConfig,
    MLSTMConfig,
    ModuleConfig,
    PDSSMConfig,
    Recurrent,
    ResidualRNNConfig,
    ResidualSSMConfig,
    RetNetConfig,
    RNNConfig,
    RWKV7Config,
    S4Config,
    S4DConfig,
    S4DPLRConfig,
    S5Config,
    SelectiveDiagonalConfig,
    SLSTMConfig,
    StableSSMConfig,
    TransformerConfig,
)
from .model import (
    CheckpointError,
    LastOutput,
    LinearInput,
    MeanOutput,
    ModelState,
    SequenceModel,
    SequenceModelConfig,
    StepOutput,
    TokenInput,
    load,
    recurrent_stack,
    save,
    stable_ssm_stack,
)
from .parameter import StateParameter
from .train import evaluate, fit

__version__ = "0.1.0"

__all__ = [
    "BlockDiagonal",
    "CheckpointError",
    "DeltaNetConfig",
    "DeltaProductConfig",
    "Dense",
    "Diagonal",
    "DiagonalPlusLowRank",
    "FPRNNConfig",
    "GLAConfig",
    "GRUConfig",
    "GatedDeltaNetConfig",
    "HGRN2Config",
    "KDAConfig",
    "LRUConfig",
    "LSTMConfig",
    "LastOutput",
    "LinOSSConfig",
    "LinearCDEConfig",
    "LinearInput",
    "LogLinearGatedDeltaNetConfig",
    "LogLinearMamba2Config",
    "M2RNNConfig",
    "MLSTMConfig",
    "Mamba2Config",
    "Mamba3Config",
    "MambaConfig",
    "MeanOutput",
    "MesaNetConfig",
    "MinGRUConfig",
    "MinLSTMConfig",
    "MixerConfig",
    "ModelState",
    "ModuleConfig",
    "OneHotDiagonal",
    "PDSSMConfig",
    "RNNConfig",
    "RWKV7Config",
    "Recurrent",
    "ResidualRNNConfig",
    "ResidualSSMConfig",
    "RetNetConfig",
    "S4Config",
    "S4DConfig",
    "S4DPLRConfig",
    "S5Config",
    "SLSTMConfig",
    "SelectiveDiagonalConfig",
    "SequenceModel",
    "SequenceModelConfig",
    "Sparse",
    "StableSSMConfig",
    "StateParameter",
    "StepOutput",
    "TokenInput",
    "TransformerConfig",
    "WalshHadamard",
    "array_model",
    "evaluate",
    "fit",
    "load",
    "ops",
    "recurrent_stack",
    "save",
    "stable_ssm_stack",
    "tracking",
]

_MOVED = {
    "model": ("checkpoint", "embedding", "layer", "network", "readout", "stacks"),
    "train": ("optim",),
}
sys.meta_path.append(
    Moved(
        {
            f"{__name__}.{name}": f"{__name__}.{room}.{name}"
            for room in _MOVED
            for name in _MOVED[room]
        }
    )
)
