"""Sequence models in torch."""

from .embedding import LinearInput, TokenInput
from .mixers import LSTMConfig, MixerConfig, RNNConfig
from .model import SequenceModel, SequenceModelConfig
from .parameter import StateParameter
from .readout import LastOutput, MeanOutput, StepOutput

__version__ = "0.1.0"

__all__ = [
    "LSTMConfig",
    "LastOutput",
    "LinearInput",
    "MeanOutput",
    "MixerConfig",
    "RNNConfig",
    "SequenceModel",
    "SequenceModelConfig",
    "StateParameter",
    "StepOutput",
    "TokenInput",
]
