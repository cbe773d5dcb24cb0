"""Baselines of the bench: models of the zoo, each as its authors mean it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

Baseline = Literal[
    "transformer",
    "lstm",
    "s4d",
    "mamba",
    "mamba2",
    "delta_net",
    "gated_delta_net",
    "delta_product",
    "linear_cde",
    "slstm",
    "transformer_rotary",
    "transformer_none",
    "fox",
    "path",
    "kda",
    "ckda",
    "gdn2",
    "rwkv7",
    "mlstm",
    "m2rnn",
    "pd_ssm",
    "linoss",
    "gla",
    "retnet",
    "hgrn2",
    "min_gru",
    "min_lstm",
    "log_linear_mamba2",
    "log_linear_gated_delta_net",
    "mesa_net",
    "fp_rnn",
]
BASELINES: tuple[Baseline, ...] = get_args(Baseline)
Features = Literal["random_linear_cde"]
FEATURES: tuple[Features, ...] = get_args(Features)
"""Random features that stand beside models in the part `signature`: nothing is trained but their
readout."""

NAMES: dict[Baseline | Features, str] = {
    "transformer": "Transformer",
    "lstm": "LSTM",
    "s4d": "S4D",
    "mamba": "Mamba",
    "mamba2": "Mamba-2",
    "delta_net": "DeltaNet [-1, 1]",
    "gated_delta_net": "gated DeltaNet",
    "delta_product": "DeltaProduct 2, [-1, 1]",
    "linear_cde": "linear CDE, blocks of 4",
    "slstm": "sLSTM",
    "transformer_rotary": "Transformer, RoPE",
    "transformer_none": "Transformer, no positions",
    "fox": "FoX",
    "path": "PaTH",
    "kda": "Kimi Delta Attention",
    "ckda": "KDA, [-1, 1]",
    "gdn2": "gated DeltaNet 2",
    "mlstm": "mLSTM",
    "m2rnn": "M2RNN",
    "pd_ssm": "PD-SSM",
    "linoss": "LinOSS-IM",
    "gla": "GLA",
    "retnet": "RetNet",
    "hgrn2": "HGRN2",
    "min_gru": "minGRU",
    "min_lstm": "minLSTM",
    "log_linear_mamba2": "log-linear Mamba-2",
    "log_linear_gated_delta_net": "log-linear gated DeltaNet",
    "mesa_net": "MesaNet",
    "fp_rnn": "FP-RNN",
    "random_linear_cde": "random linear CDE",
    "rwkv7": "RWKV-7",
}
"""What tables call them."""

_HEADS = 4


@dataclass(frozen=True)
class _Sizes:
    """Channels that a mixer maps, and whether its inputs stand for tokens."""

    width: int
    tokens: bool

    @property
    def head(self) -> int:
        """Channels of a head."""
        return self.width // _HEADS

    @property
    def matrices(self) -> dict[str, Any]:
        """Heads whose state is a square matrix."""
        return {"heads": _HEADS, "key_dim": self.head, "value_dim": self.head}


def _transformer(st: Any, sizes: _Sizes, **given: Any) -> Any:
    settings: dict[str, Any] = {"heads": _HEADS, "feed_forward": 4 * sizes.width} | given
    return st.TransformerConfig(**settings)


def _rotary(st: Any, sizes: _Sizes) -> Any:
    in_pairs = _HEADS if sizes.width % 8 == 0 else 2  # pairs of channels in each head
    return _transformer(st, sizes, heads=in_pairs, positions="rotary")


def _linear_cde(st: Any, sizes: _Sizes) -> Any:
    """Give a matrix for each token where there are tokens; the equation is solved otherwise."""
    form: dict[str, Any] = {"transition": "direct", "initial": "orthogonal"}
    return st.LinearCDEConfig(
        state_dim=sizes.width,
        structure=st.BlockDiagonal(block_size=4),
        **(form if sizes.tokens else {}),
    )


def _gla(st: Any, sizes: _Sizes) -> Any:
    """Give keys of half the width, as published."""
    return st.GLAConfig(heads=_HEADS, key_dim=max(1, sizes.width // 8), value_dim=sizes.head)


def _ret_net(st: Any, sizes: _Sizes) -> Any:
    """Give keys of the width, in pairs, and values of twice that."""
    head = sizes.head
    return st.RetNetConfig(heads=_HEADS, key_dim=head + head % 2, value_dim=2 * head)


_SETTINGS: dict[Baseline, Callable[[Any, _Sizes], Any]] = {
    "transformer": _transformer,
    "lstm": lambda st, _: st.LSTMConfig(),
    "s4d": lambda st, _: st.S4DConfig(state_dim=16),
    "mamba": lambda st, _: st.MambaConfig(state_dim=16),
    "mamba2": lambda st, _: st.Mamba2Config(state_dim=16, heads=_HEADS),
    "delta_net": lambda st, sizes: st.DeltaNetConfig(**sizes.matrices, eigenvalues="signed"),
    "gated_delta_net": lambda st, sizes: st.GatedDeltaNetConfig(**sizes.matrices),
    "delta_product": lambda st, sizes: st.DeltaProductConfig(
        **sizes.matrices, eigenvalues="signed", factors=2
    ),
    "linear_cde": _linear_cde,
    "slstm": lambda st, _: st.SLSTMConfig(heads=_HEADS),
    "transformer_rotary": _rotary,
    "transformer_none": lambda st, sizes: _transformer(st, sizes, positions="none"),
    "fox": lambda st, sizes: _transformer(st, sizes, positions="forget"),
    "path": lambda st, sizes: _transformer(st, sizes, positions="householder"),
    "kda": lambda st, sizes: st.KDAConfig(**sizes.matrices),
    "ckda": lambda st, sizes: st.KDAConfig(**sizes.matrices, eigenvalues="signed", decay="signed"),
    "gdn2": lambda st, sizes: st.KDAConfig(**sizes.matrices, gates="channels"),
    "rwkv7": lambda st, sizes: st.RWKV7Config(**sizes.matrices),
    "mlstm": lambda st, _: st.MLSTMConfig(heads=_HEADS),
    "m2rnn": lambda st, sizes: st.M2RNNConfig(**sizes.matrices),
    "pd_ssm": lambda st, sizes: st.PDSSMConfig(state_dim=sizes.width),
    "linoss": lambda st, sizes: st.LinOSSConfig(state_dim=sizes.width),
    "gla": _gla,
    "retnet": _ret_net,
    # Published are 128 rows a head, of models that are wider.
    "hgrn2": lambda st, sizes: st.HGRN2Config(state_dim=sizes.head),
    "min_gru": lambda st, _: st.MinGRUConfig(),
    "min_lstm": lambda st, _: st.MinLSTMConfig(),
    "log_linear_mamba2": lambda st, _: st.LogLinearMamba2Config(state_dim=16, heads=_HEADS),
    "log_linear_gated_delta_net": lambda st, sizes: st.LogLinearGatedDeltaNetConfig(
        **sizes.matrices
    ),
    "mesa_net": lambda st, sizes: st.MesaNetConfig(**sizes.matrices),
    "fp_rnn": lambda st, _: st.FPRNNConfig(),
}
"""Settings of each baseline, given seq_torch and the sizes."""


def settings(name: Baseline, width: int, *, tokens: bool = False) -> Any:
    """Give the settings of a baseline's mixer.

    Parameters
    ----------
    name
        The baseline.
    width
        Channels that it maps; a multiple of 4, for the heads.
    tokens
        Whether its inputs stand for tokens: a linear CDE then has a matrix for each token, and
        solves the equation otherwise.

    Returns
    -------
    A `seq_torch.MixerConfig`. State: 16 entries per channel of S4D and Mamba, 4 heads of
    width / 4 by width / 4 for the delta rule, `width` entries of the linear CDE, the LSTM,
    PD-SSM and LinOSS, and twice that of FP-RNN.
    """
    import seq_torch

    return _SETTINGS[name](seq_torch, _Sizes(width, tokens))
