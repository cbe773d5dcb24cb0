"""Sequence models in torch."""

from . import ops
from .checkpoint import CheckpointError, load, save
from .embedding import LinearInput, TokenInput
from .mixers import (
    BlockDiagonal,
    Dense,
    LinearCDEConfig,
    LRUConfig,
    LSTMConfig,
    MambaConfig,
    MixerConfig,
    Recurrent,
    RNNConfig,
    S4Config,
    S4DConfig,
    S5Config,
    SelectiveDiagonalConfig,
    TransformerConfig,
)
from .model import SequenceModelConfig
from .network import ModelState, SequenceModel
from .parameter import StateParameter
from .readout import LastOutput, MeanOutput, StepOutput
from .train import evaluate, fit

__version__ = "0.1.0"

__all__ = [
    "BlockDiagonal",
    "CheckpointError",
    "Dense",
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
    "S4Config",
    "S4DConfig",
    "S5Config",
    "SelectiveDiagonalConfig",
    "SequenceModel",
    "SequenceModelConfig",
    "StateParameter",
    "StepOutput",
    "TokenInput",
    "TransformerConfig",
    "evaluate",
    "fit",
    "load",
    "ops",
    "save",
]
