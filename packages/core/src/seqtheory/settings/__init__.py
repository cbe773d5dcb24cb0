"""Settings of sequence models that need no framework: mixers, inputs, outputs and models.

Each class is a frozen dataclass that checks itself. `lcde_jax` and `seq_torch` subclass it and add
``build``. The subclass has the name that model files use: `S5` becomes `S5Config` in both.
"""

from seqtheory.settings.inputs import LinearInput, TokenInput
from seqtheory.settings.linear_cde import LinearCDE
from seqtheory.settings.mixer import Mixer, Settings
from seqtheory.settings.model import SequenceModel
from seqtheory.settings.outputs import LastOutput, MeanOutput, Output, StepOutput
from seqtheory.settings.s4_dplr import S4DPLR
from seqtheory.settings.s4d import S4D
from seqtheory.settings.s5 import S5

__all__ = [
    "S4D",
    "S4DPLR",
    "S5",
    "LastOutput",
    "LinearCDE",
    "LinearInput",
    "MeanOutput",
    "Mixer",
    "Output",
    "SequenceModel",
    "Settings",
    "StepOutput",
    "TokenInput",
]
