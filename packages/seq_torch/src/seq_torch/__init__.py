"""Sequence models in torch."""

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
from .checkpoint import CheckpointError, load, save
from .embedding import LinearInput, TokenInput
from .mixers import (
    DeltaNetConfig,
    DeltaProductConfig,
    GatedDeltaNetConfig,
    GRUConfig,
    LinearCDEConfig,
    LRUConfig,
    LSTMConfig,
    Mamba2Config,
    Mamba3Config,
    MambaConfig,
    MixerConfig,
    ModuleConfig,
    Recurrent,
    ResidualRNNConfig,
    ResidualSSMConfig,
    RNNConfig,
    S4Config,
    S4DConfig,
    S4DPLRConfig,
    S5Config,
    SelectiveDiagonalConfig,
    StableSSMConfig,
    TransformerConfig,
)
from .model import SequenceModelConfig
from .network import ModelState, SequenceModel
from .parameter import StateParameter
from .readout import LastOutput, MeanOutput, StepOutput
from .stacks import recurrent_stack, stable_ssm_stack
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
    "GRUConfig",
    "GatedDeltaNetConfig",
    "LRUConfig",
    "LSTMConfig",
    "LastOutput",
    "LinearCDEConfig",
    "LinearInput",
    "Mamba2Config",
    "Mamba3Config",
    "MambaConfig",
    "MeanOutput",
    "MixerConfig",
    "ModelState",
    "ModuleConfig",
    "OneHotDiagonal",
    "RNNConfig",
    "Recurrent",
    "ResidualRNNConfig",
    "ResidualSSMConfig",
    "S4Config",
    "S4DConfig",
    "S4DPLRConfig",
    "S5Config",
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
