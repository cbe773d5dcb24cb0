"""Models of sequences: input, layers around one mixer, output; their settings and their files."""

from .checkpoint import CheckpointError, load, save
from .embedding import LinearInput, TokenInput
from .model import SequenceModelConfig
from .network import ModelState, SequenceModel
from .readout import LastOutput, MeanOutput, StepOutput
from .stacks import recurrent_stack, stable_ssm_stack

__all__ = [
    "CheckpointError",
    "LastOutput",
    "LinearInput",
    "MeanOutput",
    "ModelState",
    "SequenceModel",
    "SequenceModelConfig",
    "StepOutput",
    "TokenInput",
    "load",
    "recurrent_stack",
    "save",
    "stable_ssm_stack",
]
