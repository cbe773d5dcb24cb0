"""The one list of mixers that every contract is checked for."""

from __future__ import annotations

import pytest
import torch

import seq_torch as st
from seqtheory.reparameterisation import Direct, Softplus

WIDTH = 8

MEMBERS = {
    "rnn": st.RNNConfig(),
    "lstm": st.LSTMConfig(),
    "gru": st.GRUConfig(),
    "transformer": st.TransformerConfig(heads=2, feed_forward=16),
    **{
        f"transformer_{positions}": st.TransformerConfig(
            heads=2, feed_forward=16, positions=positions
        )
        for positions in ("none", "rotary", "linear", "forget", "householder")
    },
    "s4d_lin": st.S4DConfig(state_dim=6),
    "s4d_inv": st.S4DConfig(state_dim=6, initialisation="inv", skip=False),
    "s4d_legs": st.S4DConfig(state_dim=6, initialisation="legs"),
    "s4d_bilinear": st.S4DConfig(state_dim=6, discretisation="bilinear"),
    "s4d_odd": st.S4DConfig(state_dim=5),
    "s4d_bidirectional": st.S4DConfig(state_dim=6, bidirectional=True),
    "s4_dplr": st.S4DPLRConfig(state_dim=6),
    "s4_dplr_odd": st.S4DPLRConfig(state_dim=5, skip=False),
    "s4_dplr_bidirectional": st.S4DPLRConfig(state_dim=6, bidirectional=True),
    "s4": st.S4Config(state_dim=3),
    "s4_published": st.S4Config(state_dim=3, published_step=True, skip=False),
    "s5": st.S5Config(state_dim=8, blocks=2),
    "s5_bilinear": st.S5Config(state_dim=6, discretisation="bilinear", clip_eigenvalues=True),
    "s5_odd": st.S5Config(state_dim=6, blocks=2),
    "s5_full": st.S5Config(state_dim=5, conjugate_symmetry=False, skip=False),
    "s5_bidirectional": st.S5Config(state_dim=6, blocks=2, bidirectional=True, step_scale=2.0),
    "lru": st.LRUConfig(state_dim=5),
    "lru_bidirectional": st.LRUConfig(state_dim=5, bidirectional=True),
    "selective_diagonal": st.SelectiveDiagonalConfig(state_dim=5),
    "rotations": st.SelectiveDiagonalConfig(state_dim=5, unit_modulus=True),
    "linear_cde": st.LinearCDEConfig(state_dim=6),
    "linear_cde_blocks": st.LinearCDEConfig(
        state_dim=6, structure=st.BlockDiagonal(block_size=2), transition="first_order"
    ),
    "linear_cde_diagonal": st.LinearCDEConfig(state_dim=6, structure=st.Diagonal()),
    **{
        f"linear_cde_{name}": st.LinearCDEConfig(
            state_dim=8, structure=structure, transition=transition
        )
        for name, structure, transition in (
            ("low_rank", st.DiagonalPlusLowRank(rank=2), "first_order"),
            ("sparse", st.Sparse(density=0.3), "first_order"),
            ("walsh_hadamard", st.WalshHadamard(), "first_order"),
            ("one_hot", st.OneHotDiagonal(), "direct"),
            ("one_hot_real", st.OneHotDiagonal(entries="real"), "direct"),
            ("one_hot_rows", st.OneHotDiagonal(one_per="row"), "direct"),
        )
    },
    # Few oscillators, of which none starts at rest: there the matrix has one eigenvector.
    "linoss": st.LinOSSConfig(state_dim=2),
    "linoss_imex": st.LinOSSConfig(state_dim=2, discretisation="implicit_explicit", block=False),
    "pd_ssm": st.PDSSMConfig(state_dim=6, dictionary=3),
    "pd_ssm_rows": st.PDSSMConfig(state_dim=6, dictionary=3, one_per="row"),
    "linear_cde_published_sparse": st.LinearCDEConfig(
        state_dim=8, structure=st.Sparse(density=0.3), transition="first_order", rule="published"
    ),
    "linear_cde_published_walsh_hadamard": st.LinearCDEConfig(
        state_dim=8, structure=st.WalshHadamard(), transition="first_order", rule="published"
    ),
    "mamba": st.MambaConfig(state_dim=4),
    "mamba_bare": st.MambaConfig(state_dim=4, block=False),
    "mamba_fixed_C": st.MambaConfig(state_dim=4, block=False, input_dependent_C=False, skip=False),
    "mamba_signed": st.MambaConfig(state_dim=4, eigenvalues="signed"),
    "mamba_bare_signed": st.MambaConfig(
        state_dim=4, block=False, input_dependent_C=False, eigenvalues="signed"
    ),
    "delta_net": st.DeltaNetConfig(heads=2, key_dim=4, value_dim=3),
    "delta_net_no_convolution": st.DeltaNetConfig(heads=2, key_dim=4, value_dim=3, convolution=0),
    "delta_net_bare": st.DeltaNetConfig(
        heads=2, key_dim=4, value_dim=3, eigenvalues="signed", block=False, trained_start=True
    ),
    "gated_delta_net": st.GatedDeltaNetConfig(heads=2, key_dim=4, value_dim=4),
    "gated_delta_net_bare": st.GatedDeltaNetConfig(
        heads=2, key_dim=4, value_dim=4, eigenvalues="signed", block=False
    ),
    "delta_product": st.DeltaProductConfig(
        heads=2, key_dim=4, value_dim=3, factors=3, eigenvalues="signed"
    ),
    "delta_product_gated": st.DeltaProductConfig(heads=2, key_dim=4, value_dim=3, gated=True),
    "kda": st.KDAConfig(heads=2, key_dim=4, value_dim=3),
    "kda_signed": st.KDAConfig(
        heads=2, key_dim=4, value_dim=3, eigenvalues="signed", convolution=0, start="own"
    ),
    "kda_bounded": st.KDAConfig(
        heads=2, key_dim=4, value_dim=3, decay="bounded", block=False, trained_start=True
    ),
    "ckda": st.KDAConfig(
        heads=2, key_dim=4, value_dim=3, eigenvalues="signed", decay="signed", start="own"
    ),
    "gdn2": st.KDAConfig(heads=2, key_dim=4, value_dim=3, gates="channels"),
    "gdn2_signed": st.KDAConfig(
        heads=2, key_dim=4, value_dim=3, gates="channels", eigenvalues="signed", block=False
    ),
    "mamba2": st.Mamba2Config(state_dim=4, heads=2),
    "mamba2_grouped": st.Mamba2Config(state_dim=4, heads=4, groups=2),
    "mamba2_bare_signed": st.Mamba2Config(state_dim=4, heads=2, block=False, eigenvalues="signed"),
    "log_linear_mamba2": st.LogLinearMamba2Config(state_dim=4, heads=2, start="own"),
    "log_linear_mamba2_bare": st.LogLinearMamba2Config(
        state_dim=4, heads=4, groups=2, block=False, start="own"
    ),
    "log_linear_gated_delta_net": st.LogLinearGatedDeltaNetConfig(heads=2, key_dim=4, value_dim=3),
    "log_linear_gated_delta_net_signed": st.LogLinearGatedDeltaNetConfig(
        heads=2, key_dim=4, value_dim=3, eigenvalues="signed", block=False, start="own"
    ),
    "mesa_net": st.MesaNetConfig(heads=2, key_dim=4, value_dim=3),
    "mesa_net_steps": st.MesaNetConfig(
        heads=2, key_dim=4, value_dim=4, iterations=8, gate=True, start="own"
    ),
    "mesa_net_bare": st.MesaNetConfig(heads=2, key_dim=4, value_dim=3, block=False, ridge=1.5),
    "fp_rnn": st.FPRNNConfig(),
    "fp_rnn_convolution": st.FPRNNConfig(rank=3, convolution=3, gradient="all"),
    "fp_rnn_steps": st.FPRNNConfig(rank=2, mixing="low_rank", iterations=4, expand=1),
    "fp_rnn_linear": st.FPRNNConfig(
        expand=1, eigenvalues="unit", state_dependent=False, block=False, gradient="all"
    ),
    "fp_rnn_linear_product": st.FPRNNConfig(rank=2, state_dependent=False),
    "mamba3": st.Mamba3Config(state_dim=4, heads=2),
    "mamba3_signed": st.Mamba3Config(state_dim=4, heads=2, eigenvalues="signed"),
    "m2rnn": st.M2RNNConfig(heads=2, key_dim=4, value_dim=3, start="own"),
    "m2rnn_grouped": st.M2RNNConfig(
        heads=4, groups=2, key_dim=3, value_dim=2, convolution=2, gradient_clip=None, start="own"
    ),
    "m2rnn_bare": st.M2RNNConfig(heads=2, key_dim=4, value_dim=4, block=False, start="own"),
    "mlstm": st.MLSTMConfig(heads=2, multiple=8),
    "mlstm_odd": st.MLSTMConfig(heads=3, expand=1, multiple=9, block_size=3, convolution=2),
    "mlstm_bare": st.MLSTMConfig(heads=2, block=False),
    "slstm": st.SLSTMConfig(heads=2),
    "slstm_no_convolution": st.SLSTMConfig(heads=4, convolution=0),
    "slstm_bare": st.SLSTMConfig(heads=2, block=False),
    "gla": st.GLAConfig(heads=2, gate_rank=3),
    "gla_convolution": st.GLAConfig(heads=2, key_dim=3, value_dim=5, convolution=3, start="own"),
    "ret_net": st.RetNetConfig(heads=2),
    "ret_net_unturned": st.RetNetConfig(
        heads=2, key_dim=3, rotary=False, convolution=2, start="own"
    ),
    "hgrn2": st.HGRN2Config(state_dim=4),
    "hgrn2_convolution": st.HGRN2Config(state_dim=2, convolution=3, start="own"),
    "min_gru": st.MinGRUConfig(),
    "min_gru_linear": st.MinGRUConfig(candidate="linear", expand=2, trained_start=True),
    "min_lstm": st.MinLSTMConfig(trained_start=True),
    "min_lstm_open": st.MinLSTMConfig(normalised=False, forget_bias=1.0),
    "rwkv7": st.RWKV7Config(heads=2, key_dim=4, value_dim=4, start="own"),
    "rwkv7_small_ranks": st.RWKV7Config(
        heads=2,
        key_dim=4,
        value_dim=3,
        decay_rank=6,
        rate_rank=6,
        value_rank=3,
        gate_rank=2,
        start="own",
    ),
    "rwkv7_signed": st.RWKV7Config(
        heads=2, key_dim=4, value_dim=3, eigenvalues="signed", start="own"
    ),
    "residual": st.ResidualRNNConfig(dt=0.5),
    "residual_linear": st.ResidualRNNConfig(dt=0.5, activation="linear"),
    "residual_diagonal": st.ResidualRNNConfig(
        parameterisation=Softplus(), matrix="diagonal", activation="hardtanh"
    ),
    "residual_published": st.ResidualRNNConfig(
        parameterisation=Softplus(), matrix="free", step="euler", initialisation="upstream"
    ),
    "residual_ssm": st.ResidualSSMConfig(),
    "stable_ssm": st.StableSSMConfig(state_dim=6),
    "stable_ssm_published": st.StableSSMConfig(
        state_dim=6, parameterisation=Direct(), upstream_sign=True, upstream_groups=True
    ),
}


KINDS = {type(mixer): name for name, mixer in reversed(MEMBERS.items())}  # the first of each class


def recurrence_of(mixer: st.MixerConfig) -> tuple[object, ...]:
    """What the state of a mixer does, as it declares it: options beside that change maps around."""
    positions = getattr(mixer, "positions", None)
    return type(mixer), str(mixer.transition_class), positions, mixer.causal


# The first of each recurrence.
RECURRENCES = {recurrence_of(mixer): name for name, mixer in reversed(MEMBERS.items())}


def model_config(mixer: st.MixerConfig, **changes) -> st.SequenceModelConfig:
    settings = {
        "input": st.TokenInput(vocabulary=7),
        "output": st.StepOutput(size=3),
        "width": WIDTH,
        "depth": 2,
    }
    return st.SequenceModelConfig(mixer=mixer, **(settings | changes))


@pytest.fixture(params=MEMBERS)
def mixer(request) -> st.MixerConfig:
    return MEMBERS[request.param]


@pytest.fixture(params=KINDS.values())
def kind(request) -> st.MixerConfig:
    """One mixer of each class, for what takes a second each and depends on little else."""
    return MEMBERS[request.param]


@pytest.fixture(params=RECURRENCES.values())
def recurrence(request) -> st.MixerConfig:
    """One mixer of each recurrence, for what is dear and asks little of the maps around it."""
    return MEMBERS[request.param]


@pytest.fixture(
    params=[
        name for name, mixer in MEMBERS.items() if mixer.causal and mixer.transition_class != "none"
    ]
)
def recurrent(request) -> st.MixerConfig:
    """A mixer that hands on a state."""
    return MEMBERS[request.param]


@pytest.fixture
def members() -> list[st.MixerConfig]:
    return list(MEMBERS.values())


@pytest.fixture
def configured():
    """Settings of a small model around a mixer; fields may be changed."""
    return model_config


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.randint(0, 7, (4, 9), generator=torch.Generator().manual_seed(3))


@pytest.fixture
def signals() -> torch.Tensor:
    generator = torch.Generator().manual_seed(4)
    return torch.randn(4, 9, 2, generator=generator, dtype=torch.float64)
