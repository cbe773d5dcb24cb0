"""Settings of sequence models, without a framework: what a mixer, an input or a model is made of.

Each class is a frozen dataclass that checks itself. The packages of the frameworks subclass it and
add ``build``, under the name that files know it by: `S5` is the `S5Config` of both.
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
