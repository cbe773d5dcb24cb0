"""Settings of sequence models that need no framework: mixers, inputs, outputs and models.

Each class is a frozen dataclass that checks itself. `lcde_jax` and `seq_torch` subclass it and add
``build``. The subclass has the name that model files use: `S5` becomes `S5Config` in both.
"""

from seqtheory.settings.delta_rule import DeltaNet, DeltaProduct, DeltaRule, GatedDeltaNet
from seqtheory.settings.fp_rnn import FPRNN
from seqtheory.settings.inputs import LinearInput, TokenInput
from seqtheory.settings.kda import KDA
from seqtheory.settings.linear_attention import GLA, HGRN2, RetNet
from seqtheory.settings.linear_cde import LinearCDE
from seqtheory.settings.linoss import LinOSS
from seqtheory.settings.log_linear import LogLinearGatedDeltaNet, LogLinearMamba2
from seqtheory.settings.lru import LRU
from seqtheory.settings.m2rnn import M2RNN
from seqtheory.settings.mamba import Mamba
from seqtheory.settings.mamba2 import Mamba2
from seqtheory.settings.mamba3 import Mamba3
from seqtheory.settings.mesa_net import MesaNet
from seqtheory.settings.minimal_rnn import MinGRU, MinLSTM
from seqtheory.settings.mixer import Mixer, Settings, TransitionClass
from seqtheory.settings.mlstm import MLSTM
from seqtheory.settings.model import SequenceModel
from seqtheory.settings.outputs import LastOutput, MeanOutput, Output, StepOutput
from seqtheory.settings.pd_ssm import PDSSM
from seqtheory.settings.residual_rnn import ResidualRNN
from seqtheory.settings.residual_ssm import ResidualSSM
from seqtheory.settings.rnn import GRU, LSTM, RNN
from seqtheory.settings.rwkv7 import RWKV7
from seqtheory.settings.s4 import S4
from seqtheory.settings.s4_dplr import S4DPLR
from seqtheory.settings.s4d import S4D
from seqtheory.settings.s5 import S5
from seqtheory.settings.selective_diagonal import SelectiveDiagonal
from seqtheory.settings.slstm import SLSTM
from seqtheory.settings.stable_ssm import StableSSM
from seqtheory.settings.transformer import Transformer

__all__ = [
    "FPRNN",
    "GLA",
    "GRU",
    "HGRN2",
    "KDA",
    "LRU",
    "LSTM",
    "M2RNN",
    "MLSTM",
    "PDSSM",
    "RNN",
    "RWKV7",
    "S4",
    "S4D",
    "S4DPLR",
    "S5",
    "SLSTM",
    "DeltaNet",
    "DeltaProduct",
    "DeltaRule",
    "GatedDeltaNet",
    "LastOutput",
    "LinOSS",
    "LinearCDE",
    "LinearInput",
    "LogLinearGatedDeltaNet",
    "LogLinearMamba2",
    "Mamba",
    "Mamba2",
    "Mamba3",
    "MeanOutput",
    "MesaNet",
    "MinGRU",
    "MinLSTM",
    "Mixer",
    "Output",
    "ResidualRNN",
    "ResidualSSM",
    "RetNet",
    "SelectiveDiagonal",
    "SequenceModel",
    "Settings",
    "StableSSM",
    "StepOutput",
    "TokenInput",
    "Transformer",
    "TransitionClass",
]
