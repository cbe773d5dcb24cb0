"""Sequence models in torch."""

from . import ops, tracking
from .array_model import array_model
from .checkpoint import CheckpointError, load, save
from .embedding import LinearInput, TokenInput
from .mixers import (
    BlockDiagonal,
    Dense,
    GRUConfig,
    LinearCDEConfig,
    LRUConfig,
    LSTMConfig,
    MambaConfig,
    MixerConfig,
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
    "Dense",
    "GRUConfig",
    "LRUConfig",
    "LSTMConfig",
    "LastOutput",
    "LinearCDEConfig",
    "LinearInput",
    "MambaConfig",
    "MeanOutput",
    "MixerConfig",
    "ModelState",
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
    "StableSSMConfig",
    "StateParameter",
    "StepOutput",
    "TokenInput",
    "TransformerConfig",
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
