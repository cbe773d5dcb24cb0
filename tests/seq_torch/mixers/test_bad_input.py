"""Bad settings are refused when constructed, bad inputs when called; the message names them."""

from __future__ import annotations

import pytest
import torch

import seq_torch as st

S5 = st.S5Config(state_dim=4)


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        (st.S4DConfig, {"state_dim": 0}, "state_dim=0: expected an integer of at least"),
        (st.S4DConfig, {"initialisation": "leg"}, "did you mean 'legs'"),
        (st.S4DConfig, {"dt_min": 0.0}, "dt_min=0.0: expected a positive number"),
        (st.S4DConfig, {"dt_min": 0.2}, "dt_min=0.2: expected at most dt_max=0.1"),
        (st.S4DConfig, {"discretisation": "zoh"}, "discretisation='zoh': expected one of"),
        (st.S4DPLRConfig, {"state_dim": 0}, "state_dim=0: expected an integer of at least"),
        (st.S4DPLRConfig, {"dt_min": 0.2}, "dt_min=0.2: expected at most dt_max=0.1"),
        (st.S4Config, {"state_dim": 0}, "state_dim=0: expected an integer of at least"),
        (st.S5Config, {"state_dim": 6, "blocks": 4}, "cannot be cut into 4 equal blocks"),
        (st.S5Config, {"state_dim": 0}, "state_dim=0: expected an integer of at least"),
        (st.S5Config, {"step_scale": 0.0}, "step_scale=0.0: expected a positive number"),
        (st.S5Config, {"discretisation": "zoh"}, "discretisation='zoh': expected one of"),
        (st.StableSSMConfig, {"state_dim": 5}, "state_dim=5 is odd.*use 6"),
        (st.LRUConfig, {"state_dim": 0}, "state_dim=0: expected an integer of at least"),
        (st.LRUConfig, {"max_modulus": 1.1}, "expected 0 <= min_modulus < max_modulus <= 1"),
        (st.LRUConfig, {"start": "publication"}, "did you mean 'published'"),
        (st.S4DConfig, {"start": "upstream"}, "start='upstream': expected one of"),
        (st.S4DPLRConfig, {"start": None}, "start=None: expected one of"),
        (st.S5Config, {"start": True}, "start=True: expected one of"),
        (st.DeltaNetConfig, {"start": 1}, "start=1: expected one of"),
        (st.Mamba3Config, {"rate": "heavy"}, "did you mean 'heavy_tail'"),
        (st.LRUConfig, {"min_modulus": 0.9, "max_modulus": 0.5}, "got min_modulus=0.9"),
        (
            st.SelectiveDiagonalConfig,
            {"state_dim": 0},
            "state_dim=0: expected an integer of at least",
        ),
        (st.LinearCDEConfig, {"state_dim": 0}, "state_dim=0: expected an integer of at least"),
        (
            st.LinearCDEConfig,
            {"state_dim": 6, "structure": st.BlockDiagonal(block_size=4)},
            "cannot be cut into blocks of 4",
        ),
        (st.LinearCDEConfig, {"dt": 0.0}, "dt=0.0: expected a positive number"),
        (
            st.LinearCDEConfig,
            {"state_dim": 24, "structure": st.WalshHadamard(), "transition": "direct"},
            "width=24 is not a power of two",
        ),
        (st.LinearCDEConfig, {"structure": st.Sparse()}, "use transition='first_order'"),
        (st.LinearCDEConfig, {"structure": st.OneHotDiagonal()}, "use transition='direct'"),
        (st.LinearCDEConfig, {"transition": "exact"}, "transition='exact': expected one of"),
        (st.MambaConfig, {"state_dim": 0}, "state_dim=0: expected an integer of at least"),
        (st.MambaConfig, {"convolution": 0}, "convolution=0: expected an integer of at least"),
        (st.MambaConfig, {"step_rank": 0}, "step_rank=0: expected an integer of at least"),
        (st.MambaConfig, {"step_rank": "iner"}, "did you mean 'inner'"),
        (st.DeltaNetConfig, {"normalisation": "l2"}, "expected one of smooth, exact"),
        (st.DeltaNetConfig, {"read_scale": 0.0}, "read_scale=0.0: expected a positive number"),
        (st.TransformerConfig, {"heads": 0}, "heads=0: expected an integer of at least"),
        (st.TransformerConfig, {"dropout": 1.0}, r"dropout=1.0: expected a number in \[0, 1\)"),
        (st.TokenInput, {"vocabulary": 0}, "vocabulary=0: expected an integer of at least"),
        (st.LinearInput, {"channels": 0}, "channels=0: expected an integer of at least"),
        (st.StepOutput, {"size": 0}, "size=0: expected an integer of at least"),
    ],
)
def test_a_setting_out_of_range_is_named(kind, settings, said):
    with pytest.raises(ValueError, match=said):
        kind(**settings)


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        (st.S4DConfig, {"state_dim": 4.0}, "state_dim=4.0: expected an integer"),
        (st.S4DConfig, {"bidirectional": 1}, "bidirectional=1: expected True or False"),
        (st.S4DPLRConfig, {"bidirectional": 0}, "bidirectional=0: expected True or False"),
        (st.S5Config, {"bidirectional": None}, "bidirectional=None: expected True or False"),
        (st.LRUConfig, {"bidirectional": "yes"}, "bidirectional='yes': expected True or False"),
        (st.S4Config, {"published_step": 1}, "published_step=1: expected True or False"),
        (st.MambaConfig, {"block": "no"}, "block='no': expected True or False"),
        (st.LinearCDEConfig, {"structure": "dense"}, r"expected Dense\(\)"),
        (st.LRUConfig, {"max_phase": "pi"}, "max_phase='pi': expected a positive number"),
    ],
)
def test_a_setting_of_the_wrong_type_is_named(kind, settings, said):
    with pytest.raises(TypeError, match=said):
        kind(**settings)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"width": 0}, ValueError, "width=0: expected an integer of at least"),
        ({"depth": 0}, ValueError, "depth=0: expected an integer of at least"),
        ({"dropout": 1.0}, ValueError, r"dropout=1.0: expected a number in \[0, 1\)"),
        ({"dropout": -0.1}, ValueError, "dropout=-0.1"),
        ({"activation": "silu"}, ValueError, "activation='silu': expected one of"),
        ({"norm": "group"}, ValueError, "norm='group': expected one of"),
        ({"mixing": False}, ValueError, "activation='glu' halves the channels"),
        ({"order": "2024-05"}, ValueError, "Set residual=False, norm='none'"),
        ({"mixer": "s5"}, TypeError, "mixer='s5', a .*: expected the mixer settings of seq_torch"),
        ({"input": 7}, TypeError, "input=7, a .*: expected the input settings of seq_torch"),
        ({"output": 3}, TypeError, "output=3, a .*: expected the output settings of seq_torch"),
    ],
)
def test_a_model_setting_is_named(configured, changes, error, said):
    with pytest.raises(error, match=said):
        configured(**({"mixer": S5} | changes))


def test_heads_must_divide_the_width(configured):
    with pytest.raises(ValueError, match="width=8 cannot be shared by 3 heads"):
        configured(st.TransformerConfig(heads=3)).build(0)


@pytest.mark.parametrize(
    ("seed", "error"), [(-1, ValueError), (2**63, ValueError), (1.0, TypeError)]
)
def test_a_seed_out_of_range_is_named(configured, seed, error):
    with pytest.raises(error, match="seed="):
        configured(S5).build(seed)


@pytest.mark.parametrize(
    ("tokens", "error", "said"),
    [
        (torch.tensor([[0, 7]]), ValueError, r"token 7.*7 tokens \(0\.\.6\)"),
        (torch.tensor([[0, -1]]), ValueError, "token -1"),
        (torch.tensor([[0.0, 1.0]]), TypeError, r"torch\.float32, expected integers"),
        (torch.tensor([[True]]), TypeError, r"torch\.bool, expected integers"),
        (torch.zeros(2, 3, 1, dtype=torch.int64), ValueError, r"expected \(batch, time\)"),
        (torch.zeros(0, 3, dtype=torch.int64), ValueError, "hold no position"),
        (torch.zeros(3, 0, dtype=torch.int64), ValueError, "hold no position"),
        (torch.zeros(3, dtype=torch.int64), ValueError, "hold no position"),
    ],
)
def test_bad_tokens_are_named(configured, tokens, error, said):
    with pytest.raises(error, match=said):
        configured(S5).build(0)(tokens)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32])
def test_small_integers_are_tokens_too(configured, tokens, dtype):
    model = configured(S5).build(0)
    assert torch.equal(model(tokens.to(dtype)), model(tokens))


@pytest.mark.parametrize(
    ("x", "error", "said"),
    [
        (torch.zeros(2, 3, 5), ValueError, r"expected \(batch, time, 2\)"),
        (torch.zeros(2, 3), ValueError, r"expected \(batch, time, 2\)"),
        (torch.zeros(2, 3, 2, dtype=torch.float64), TypeError, r"convert them with x\.to"),
        (torch.zeros(2, 3, 2, dtype=torch.int64), TypeError, r"torch\.int64"),
        (torch.zeros(0, 3, 2), ValueError, "hold no position"),
    ],
)
def test_bad_channels_are_named(configured, x, error, said):
    model = configured(S5, input=st.LinearInput(channels=2)).build(0)
    with pytest.raises(error, match=said):
        model(x)


@pytest.mark.parametrize(
    ("mask", "error", "said"),
    [
        (torch.ones(4, 9), TypeError, r"torch\.float32, expected bool"),
        (torch.ones(4, 8, dtype=torch.bool), ValueError, r"\(4, 8\), expected .*\(4, 9\)"),
        (torch.arange(4)[:, None].expand(4, 9) != 2, ValueError, "every position of row 2"),
        ((torch.arange(9) > 2).expand(4, 9), ValueError, "row 0 of the mask is False before"),
    ],
)
def test_bad_masks_are_named(configured, tokens, mask, error, said):
    with pytest.raises(error, match=said):
        configured(S5).build(0)(tokens, mask)


def test_tokens_behind_the_mask_may_be_anything(configured, tokens):
    model, mask = configured(S5).build(0), (torch.arange(9) < 5).expand(4, 9)
    padded = tokens.masked_fill(~mask, -100)
    assert torch.equal(model(padded, mask), model(tokens, mask))


def test_inputs_need_not_be_contiguous(mixer, configured, signals):
    model = configured(mixer, input=st.LinearInput(channels=2)).build(0).double()
    strided = signals.transpose(0, 1).contiguous().transpose(0, 1)
    assert not strided.is_contiguous()
    torch.testing.assert_close(model(strided), model(signals), rtol=1e-12, atol=1e-12)


def test_arrays_are_no_tensors(configured, tokens):
    model = configured(S5).build(0)
    with pytest.raises(TypeError, match=r"inputs of type ndarray.*torch\.as_tensor"):
        model(tokens.numpy())
    with pytest.raises(TypeError, match="mask of type ndarray"):
        model(tokens, (tokens < 9).numpy())


def test_a_stream_keeps_its_rows(configured, tokens):
    model = configured(S5).build(0)
    with pytest.raises(ValueError, match=r"1 rows for a state of 4.*initial_state\(1\)"):
        model.step(tokens[:1, 0], model.initial_state(4))
    with pytest.raises(ValueError, match="batch_size=0: expected an integer of at least"):
        model.initial_state(0)


@pytest.mark.parametrize(
    "kind", [st.S4Config, st.S4DConfig, st.S4DPLRConfig, st.S5Config, st.LRUConfig]
)
def test_complex_states_need_float32(configured, tokens, kind):
    model = configured(kind(state_dim=4)).build(0).bfloat16()
    with pytest.raises(TypeError, match=r"torch\.bfloat16, but complex states need float32"):
        model(tokens)


@pytest.mark.parametrize("kind", [st.S4DConfig, st.S4DPLRConfig, st.S5Config, st.LRUConfig])
def test_what_looks_ahead_cannot_be_stepped(configured, kind):
    mixer = kind(state_dim=4, bidirectional=True)
    with pytest.raises(TypeError, match=r"has no `step`: its outputs depend on the future"):
        configured(mixer).build(0).initial_state(3)
    module = mixer.build(8)
    with pytest.raises(TypeError, match=r"built with bidirectional=True.*no `step`"):
        module.initial_state(3)
    with pytest.raises(TypeError, match=r"built with bidirectional=True.*no `step`"):
        module.step(torch.zeros(3, 8), None)
