"""Mixers: maps of sequences, one file each; ``parts`` holds what several of them share."""

import sys

from seqtheory._moved import Moved

from .delta_rule import DeltaNetConfig, DeltaProductConfig, GatedDeltaNetConfig
from .fp_rnn import FPRNNConfig
from .kda import KDAConfig
from .linear_attention import GLAConfig, HGRN2Config, RetNetConfig
from .linear_cde import LinearCDEConfig
from .linoss import LinOSSConfig
from .log_linear import LogLinearGatedDeltaNetConfig, LogLinearMamba2Config
from .lru import LRUConfig
from .m2rnn import M2RNNConfig
from .mamba import MambaConfig
from .mamba2 import Mamba2Config
from .mamba3 import Mamba3Config
from .mesa_net import MesaNetConfig
from .minimal_rnn import MinGRUConfig, MinLSTMConfig
from .mixer import MixerConfig
from .mlstm import MLSTMConfig
from .module import ModuleConfig
from .pd_ssm import PDSSMConfig
from .recurrent import Recurrent
from .residual_rnn import ResidualRNNConfig
from .residual_ssm import ResidualSSMConfig
from .rnn import GRUConfig, LSTMConfig, RNNConfig
from .rwkv7 import RWKV7Config
from .s4 import S4Config
from .s4_dplr import S4DPLRConfig
from .s4d import S4DConfig
from .s5 import S5Config
from .selective_diagonal import SelectiveDiagonalConfig
from .slstm import SLSTMConfig
from .stable_ssm import StableSSMConfig
from .transformer import TransformerConfig

__all__ = [
    "DeltaNetConfig",
    "DeltaProductConfig",
    "FPRNNConfig",
    "GLAConfig",
    "GRUConfig",
    "GatedDeltaNetConfig",
    "HGRN2Config",
    "KDAConfig",
    "LRUConfig",
    "LSTMConfig",
    "LinOSSConfig",
    "LinearCDEConfig",
    "LogLinearGatedDeltaNetConfig",
    "LogLinearMamba2Config",
    "M2RNNConfig",
    "MLSTMConfig",
    "Mamba2Config",
    "Mamba3Config",
    "MambaConfig",
    "MesaNetConfig",
    "MinGRUConfig",
    "MinLSTMConfig",
    "MixerConfig",
    "ModuleConfig",
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
    "StableSSMConfig",
    "TransformerConfig",
]

_PARTS = (
    *("bidirectional", "complex_map", "convolution", "diagonal_convolution", "dplr_kernel"),
    *("dplr_state", "eigenvalues", "orthogonal", "real_mode", "short_convolution", "start"),
    *("step_size", "structured", "unit_norm", "vandermonde"),
)
_MOVED = (
    {name: f"parts.{name}" for name in _PARTS}
    | dict.fromkeys(("gru", "lstm", "torch_cell"), "rnn")
    | dict.fromkeys(("delta_net", "delta_product", "gated_delta_net"), "delta_rule")
)
sys.meta_path.append(
    Moved({f"{__name__}.{old}": f"{__name__}.{new}" for old, new in _MOVED.items()})
)
