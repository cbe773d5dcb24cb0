"""Laws of GLA, RetNet, HGRN2, minGRU and minLSTM: decays, bounds, frames and sizes."""

from __future__ import annotations

import math

import pytest
import torch

import seq_torch as st
from seq_torch.mixers.parts.rotary import turned
from seqtheory.expressivity import Transition


def built(config, width=8, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return config.build(width).double()


def noise(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_decays_of_gla_start_at_the_sixteenth_root_of_one_half():
    decays = built(st.GLAConfig(), 64).decays(noise(3, 50, 64))
    assert decays.shape == (3, 4, 50, 8)
    assert (decays - 2 ** (-1 / 16)).abs().max() < 0.01
    assert built(st.GLAConfig(temperature=1.0), 64).decays(noise(3, 50, 64)).mean() < 0.55


def test_short_types_do_not_round_decays():
    module = built(st.GLAConfig(temperature=1e4), 64).bfloat16()
    decays = module.decays(noise(3, 50, 64).bfloat16())
    assert decays.dtype == torch.float32
    assert 0 < (1 - decays).min() < 1e-3


def test_heads_of_retnet_forget_at_fixed_rates():
    decays = built(st.RetNetConfig(), 16).decays(torch.ones((), dtype=torch.float64))
    assert decays.tolist() == [1 - 2.0 ** (-5 - h) for h in range(8)]


def test_retnet_sees_how_far_apart_positions_are_and_not_where_they_are():
    module, x = built(st.RetNetConfig(heads=2)), noise(2, 6, 8)
    state = module.initial_state(2)
    _, later = module.prefill(torch.zeros(2, 11, 8, dtype=torch.float64), state)
    torch.testing.assert_close(module.prefill(x, later)[0], module(x))


def test_turning_is_a_rotation_and_turns_add_up():
    x, steps = noise(2, 5, 6), torch.arange(5)[:, None]
    once = turned(x, steps)
    torch.testing.assert_close(once.norm(dim=-1), x.norm(dim=-1))
    torch.testing.assert_close(turned(once, steps), turned(x, 2 * steps))
    torch.testing.assert_close(turned(once, -steps), x)
    one = turned(torch.tensor([[1.0, 0.0]]).double(), torch.tensor([[1]]))  # by one radian
    assert one[0].tolist() == pytest.approx([math.cos(1), math.sin(1)])


def test_bounds_of_hgrn2_rise_with_the_layer_of_a_model():
    config = st.SequenceModelConfig(
        mixer=st.HGRN2Config(state_dim=4),
        input=st.LinearInput(channels=2),
        output=st.StepOutput(size=1),
        width=8,
        depth=4,
    )
    layers = [layer.mixer for layer in config.build(0).double().layers]
    assert layers[0].bound is None
    bounds = [torch.sigmoid(mixer.bound).unique().tolist() for mixer in layers[1:]]
    assert [pytest.approx([share], rel=1e-6) for share in (0.25, 0.5, 0.75)] == bounds
    z = 30 * noise(1, 2, 40, 4)
    for mixer, bound in zip(layers, (0, 0.25, 0.5, 0.75), strict=True):
        decays, lacking = mixer.decays(z)
        assert bound - 1e-6 <= decays.min() < bound + 1e-3
        assert decays.max() <= 1
        torch.testing.assert_close(decays + lacking, torch.ones_like(z))
    free = st.HGRN2Config(state_dim=4, lower_bound=False).at_layer(2, 4).build(8)
    assert free.bound is None


def test_what_hgrn2_keeps_lies_between_its_values():
    module, x = built(st.HGRN2Config(state_dim=4, start="own")), noise(2, 300, 8)
    values = module.into(x).split(module.parts, -1)[2].unflatten(-1, (2, 4))
    _, (_, S) = module.prefill(x)
    most = values.abs().amax(1)[:, :, None]  # of each head and column
    assert (S.abs() <= most + 1e-12).all()


@pytest.mark.parametrize("config", [st.MinGRUConfig(), st.MinLSTMConfig(forget_bias=2.0)])
def test_normalised_gates_leave_the_state_between_what_comes_in(config):
    module, x = built(config), noise(2, 300, 8)
    _, state = module.prefill(x)
    candidates = module._let_in(module.into(x)[..., :8])
    assert (state <= candidates.amax(1)).all()
    assert (state >= 0).all()


def test_gates_of_minlstm_are_finite_where_both_are_shut():
    module = st.MinLSTMConfig().build(8)
    shut = torch.full((2, 3), -200.0, requires_grad=True)
    kept, share = module.shares(shut, shut - 1)
    torch.testing.assert_close(kept + share, torch.ones(2, 3))
    (gradient,) = torch.autograd.grad(kept.sum(), shut)
    assert gradient.isfinite().all()


def test_the_forget_bias_is_added_to_one_gate():
    plain, raised = (built(st.MinLSTMConfig(forget_bias=bias)) for bias in (0.0, 3.0))
    added = torch.tensor([0.0, 3.0, 0.0]).repeat_interleave(8)
    torch.testing.assert_close(raised.into.bias - plain.into.bias, added.double())


def test_classes_of_the_family():
    assert st.RetNetConfig().transition_class == Transition(
        "diagonal", "complex", input_dependent=False
    )
    unturned = st.RetNetConfig(rotary=False).transition_class
    assert unturned == Transition("diagonal", "unit", input_dependent=False)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: st.GLAConfig(heads=3).build(8), "heads=3 with width=8, whose 4 channels they c"),
        (lambda: st.GLAConfig(heads=8).build(8), "choose another number, or key_dim"),
        (lambda: st.RetNetConfig(heads=8).build(8), "got 1 rows of a state with rotary=True"),
        (lambda: st.RetNetConfig(heads=3, key_dim=2).build(8), "16 channels .* or value_dim"),
        (lambda: st.HGRN2Config().build(64), "got state_dim=128 with width=64, expected a divisor"),
        (lambda: st.HGRN2Config(layer=2, layers=2), "layer=2: expected .* at most 1"),
        (lambda: st.GLAConfig(temperature=0.0), "temperature=0.0: expected a positive number"),
        (lambda: st.MinGRUConfig(candidate="linea"), "did you mean 'linear'"),
        (lambda: st.MinLSTMConfig(forget_bias=-1.0), "forget_bias=-1.0: expected zero or"),
    ],
)
def test_what_does_not_fit_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
