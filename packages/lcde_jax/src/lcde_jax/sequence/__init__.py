"""Sequence models: the twins of the torch package's, weight for weight."""

from .checkpoint import CheckpointError, load, save
from .embedding import LinearInput, TokenInput
from .from_classifier import from_classifier
from .linear_cde import LinearCDEConfig
from .mixer import Mixer, MixerConfig
from .model import SequenceModelConfig
from .network import ModelState, SequenceModel
from .readout import LastOutput, MeanOutput, StepOutput
from .s4 import S4, S4DPLRConfig
from .s4d import S4D, S4DConfig
from .s5 import S5, S5Config

__all__ = [
    "S4",
    "S4D",
    "S5",
    "CheckpointError",
    "LastOutput",
    "LinearCDEConfig",
    "LinearInput",
    "MeanOutput",
    "Mixer",
    "MixerConfig",
    "ModelState",
    "S4DConfig",
    "S4DPLRConfig",
    "S5Config",
    "SequenceModel",
    "SequenceModelConfig",
    "StepOutput",
    "TokenInput",
    "from_classifier",
    "load",
    "save",
]
