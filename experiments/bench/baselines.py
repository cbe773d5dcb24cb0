"""Baselines of the bench: models of the zoo, each as its authors mean it."""

from __future__ import annotations

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
    "random_linear_cde": "random linear CDE",
    "rwkv7": "RWKV-7",
}
"""What tables call them."""

_HEADS = 4


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
    PD-SSM and LinOSS.
    """
    import seq_torch as st

    head = width // _HEADS
    attention: dict[str, Any] = {"heads": _HEADS, "feed_forward": 4 * width}
    delta: dict[str, Any] = {"heads": _HEADS, "key_dim": head, "value_dim": head}
    match name:
        case "transformer":
            return st.TransformerConfig(**attention)
        case "transformer_rotary":
            attention["heads"] = _HEADS if width % 8 == 0 else 2  # pairs of channels in each
            return st.TransformerConfig(**attention, positions="rotary")
        case "transformer_none":
            return st.TransformerConfig(**attention, positions="none")
        case "fox":
            return st.TransformerConfig(**attention, positions="forget")
        case "path":
            return st.TransformerConfig(**attention, positions="householder")
        case "lstm":
            return st.LSTMConfig()
        case "s4d":
            return st.S4DConfig(state_dim=16)
        case "mamba":
            return st.MambaConfig(state_dim=16)
        case "mamba2":
            return st.Mamba2Config(state_dim=16, heads=_HEADS)
        case "delta_net":
            return st.DeltaNetConfig(**delta, eigenvalues="signed")
        case "gated_delta_net":
            return st.GatedDeltaNetConfig(**delta)
        case "delta_product":
            return st.DeltaProductConfig(**delta, eigenvalues="signed", factors=2)
        case "linear_cde":
            form: dict[str, Any] = {"transition": "direct", "initial": "orthogonal"}
            return st.LinearCDEConfig(
                state_dim=width,
                structure=st.BlockDiagonal(block_size=4),
                **(form if tokens else {}),
            )
        case "slstm":
            return st.SLSTMConfig(heads=_HEADS)
        case "kda":
            return st.KDAConfig(**delta)
        case "ckda":
            return st.KDAConfig(**delta, eigenvalues="signed", decay="signed")
        case "gdn2":
            return st.KDAConfig(**delta, gates="channels")
        case "rwkv7":
            return st.RWKV7Config(**delta)
        case "mlstm":
            return st.MLSTMConfig(heads=_HEADS)
        case "m2rnn":
            return st.M2RNNConfig(**delta)
        case "pd_ssm":
            return st.PDSSMConfig(state_dim=width)
        case "linoss":
            return st.LinOSSConfig(state_dim=width)
        case "gla":  # keys of half the width, as published
            return st.GLAConfig(heads=_HEADS, key_dim=max(1, width // 8), value_dim=head)
        case "retnet":  # keys of the width, in pairs, and values of twice that
            return st.RetNetConfig(heads=_HEADS, key_dim=head + head % 2, value_dim=2 * head)
        case "hgrn2":  # published are 128 rows a head, of models that are wider
            return st.HGRN2Config(state_dim=head)
        case "min_gru":
            return st.MinGRUConfig()
        case "min_lstm":
            return st.MinLSTMConfig()
        case "log_linear_mamba2":
            return st.LogLinearMamba2Config(state_dim=16, heads=_HEADS)
        case "log_linear_gated_delta_net":
            return st.LogLinearGatedDeltaNetConfig(**delta)
        case "mesa_net":
            return st.MesaNetConfig(**delta)
