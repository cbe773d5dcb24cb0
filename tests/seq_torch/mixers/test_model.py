"""How a model is put together: orders, norms, positions, linearity and streaming."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from torch.nn import functional

import seq_torch as st
from seq_torch.model.embedding import sinusoids

EXACT = {"rtol": 1e-10, "atol": 1e-11}
LINEAR = {
    "s4": st.S4Config(state_dim=3),
    "s4d": st.S4DConfig(state_dim=4),
    "s5": st.S5Config(state_dim=4),
    "lru": st.LRUConfig(state_dim=4),
}
PREPRINT = {"order": "2024-05", "residual": False, "norm": "none", "activation": "relu"}


def noise(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def model_of(configured, mixer=LINEAR["s5"], **changes):
    settings = {"input": st.LinearInput(channels=2)} | changes
    return configured(mixer, **settings).build(1).double()


@pytest.mark.parametrize("mixer", LINEAR.values(), ids=LINEAR)
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("order", ["published", "2024-05"])
@pytest.mark.parametrize("output", [st.MeanOutput(size=1), st.LastOutput(size=1)])
def test_without_activation_a_model_superposes(configured, mixer, depth, order, output):
    settings = {"activation": "none", "norm": "none", "residual": order == "published"}
    model = model_of(configured, mixer, depth=depth, order=order, output=output, **settings)
    x, y = noise(3, 20, 2), noise(3, 20, 2, seed=1)
    zero = model(torch.zeros_like(x))
    combined = model(2 * x - 3 * y) - zero
    torch.testing.assert_close(combined, 2 * (model(x) - zero) - 3 * (model(y) - zero), **EXACT)
    assert (model(x) - zero).abs().max() > 1e-6


def test_a_mixer_is_told_which_layer_it_is(configured):
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Placed(st.LRUConfig):
        """States by its place."""

        def at_layer(self, index, depth):
            return dataclasses.replace(self, state_dim=10 * depth + index)

    model = configured(Placed(), depth=3).build(0)
    assert [len(layer.mixer.log_gain) for layer in model.layers] == [30, 31, 32]
    assert st.LRUConfig().at_layer(1, 3) == st.LRUConfig()


@pytest.mark.parametrize("activation", ["glu", "gelu", "relu"])
def test_with_an_activation_it_does_not(configured, activation):
    model = model_of(configured, norm="none", activation=activation)
    x = noise(3, 20, 2)
    zero = model(torch.zeros_like(x))
    assert not torch.allclose(model(2 * x) - zero, 2 * (model(x) - zero))


def test_the_published_order(configured):
    model = model_of(configured)
    x = noise(3, 20, 2)
    y = model.embedding(x)
    for layer in model.layers:
        y = layer.norm(y + functional.glu(layer.mixing(layer.mixer(y))))
    torch.testing.assert_close(model(x), model.readout(y), **EXACT)


@pytest.mark.parametrize("place", ["post", "pre"])
def test_what_is_mixed_is_all_that_the_outputs_see_of_the_state(configured, place):
    model = model_of(configured, norm_position=place, residual=False)
    x, last = noise(3, 20, 2), model.layers[-1]
    after = last.after(torch.zeros(()), model.mixed(x))
    torch.testing.assert_close(model(x), model.readout(after), **EXACT)


def test_the_norm_may_come_first(configured):
    model = model_of(configured, norm_position="pre", activation="gelu")
    x = noise(3, 20, 2)
    y = model.embedding(x)
    for layer in model.layers:
        y = y + functional.gelu(layer.mixing(layer.mixer(layer.norm(y))))
    torch.testing.assert_close(model(x), model.readout(y), **EXACT)


def test_the_order_of_the_preprint(configured):
    model = model_of(configured, output=st.LastOutput(size=3), **PREPRINT)
    x = noise(3, 20, 2)
    first, second = model.layers
    y = first.mixing(functional.relu(first.mixer(model.embedding(x))))
    expected = model.readout(second.mixer(y)[:, -1])
    torch.testing.assert_close(model(x), expected, **EXACT)
    assert not [name for name, _ in second.named_parameters() if name.startswith("mixing")]


def test_batch_statistics_see_valid_positions_only(configured):
    model = model_of(configured, norm="batch", depth=1)
    x = noise(4, 9, 2)
    mask = torch.arange(9) < torch.tensor([9, 2, 5, 1])[:, None]
    seen = {}
    norm = model.layers[0].norm.norm
    norm.register_forward_pre_hook(lambda module, inputs: seen.update(rows=inputs[0].detach()))
    model(x, mask)
    rows = seen["rows"]
    assert len(rows) == mask.sum()
    torch.testing.assert_close(norm.running_mean, 0.1 * rows.mean(0), **EXACT)


def test_one_position_has_no_batch_statistics(configured):
    model = model_of(configured, norm="batch")
    with pytest.raises(ValueError, match="needs two"):
        model(noise(1, 1, 2))
    state = model.initial_state(3)
    with pytest.raises(ValueError, match=r"model\.eval\(\)"):
        model.step(noise(3, 2), state)
    model.eval()
    assert model.step(noise(3, 2), state)[0].shape == (3, 3)


def test_an_order_blind_mixer_gets_positions(configured, tokens):
    blind = st.TransformerConfig(heads=2, feed_forward=16)
    assert configured(blind).has_positions
    assert not configured(st.RNNConfig()).has_positions
    model = configured(blind, output=st.LastOutput(size=3), depth=1).build(0)
    bare = configured(blind, output=st.LastOutput(size=3), depth=1, positions="none").build(0)
    swapped = tokens[:, [1, 0, *range(2, 9)]]
    torch.testing.assert_close(bare(tokens), bare(swapped))
    assert not torch.allclose(model(tokens), model(swapped))


def test_sinusoids_are_those_of_the_paper():
    table = sinusoids(50, 7)
    assert table.shape == (50, 7)
    assert table[3, 2].item() == pytest.approx(torch.sin(torch.tensor(3 * 1e4 ** (-2 / 7))).item())
    assert table[3, 5].item() == pytest.approx(torch.cos(torch.tensor(3 * 1e4 ** (-4 / 7))).item())
    assert torch.equal(sinusoids(10, 7, start=40), table[40:])


def test_dropout_acts_in_training_only(configured, tokens):
    model = configured(st.RNNConfig(), dropout=0.5).build(0)
    assert not torch.equal(model(tokens), model(tokens))
    model.eval()
    assert torch.equal(model(tokens), model(tokens))


@pytest.mark.parametrize("position", ["pre", "post"])
def test_a_token_table_is_looked_up_to_the_same_end(configured, tokens, position):
    mixer = st.LinearCDEConfig(state_dim=4)
    model = configured(mixer, norm_position=position).build(0).double()
    x = model.embedding(tokens)
    for layer in model.layers:
        x = layer(x)
    torch.testing.assert_close(model(tokens), model.readout(x), **EXACT)


def test_a_state_parameter_keeps_its_mark(configured):
    model = copy.deepcopy(configured(st.S5Config(state_dim=4))).build(0).double()
    marked = {n for n, p in model.named_parameters() if isinstance(p, st.StateParameter)}
    names = ("eigenvalues", "log_dt", "B")
    assert marked == {f"layers.{i}.mixer.{name}" for i in range(2) for name in names}
    twin = copy.deepcopy(model)
    assert marked == {n for n, p in twin.named_parameters() if isinstance(p, st.StateParameter)}


def test_every_recurrence_that_places_eigenvalues_marks_what_places_them(members):
    marked = set()
    for member in members:
        module = member.build(8)
        if any(isinstance(p, st.StateParameter) for p in module.parameters()):
            marked.add(type(member))
    unmarked = {type(member) for member in members} - marked
    # Decays without a trained number, or by a map.
    fixed = {st.RetNetConfig, st.HGRN2Config, st.FPRNNConfig}
    routed = {st.PDSSMConfig}
    nonlinear = {st.RNNConfig, st.LSTMConfig, st.GRUConfig}
    assert unmarked == nonlinear | {st.TransformerConfig} | fixed | routed


def test_bfloat16_autocast_runs_every_mixer(mixer, configured, tokens):
    model = configured(mixer).build(0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = model(tokens)
    y.float().sum().backward()
    torch.testing.assert_close(y.float(), model(tokens), rtol=0.2, atol=0.2)


@pytest.mark.parametrize("config", [st.RNNConfig(), st.LSTMConfig(), st.GRUConfig()])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_torchs_own_recurrences_keep_their_precision_under_autocast_on_a_cpu(config, dtype):
    mixer = config.build(8)
    x = torch.randn(4, 9, 8, generator=torch.Generator().manual_seed(0)).to(dtype)
    with torch.autocast("cpu", dtype=dtype):
        y, state = mixer.prefill(x)
    plain, last = mixer.prefill(x.float())
    torch.testing.assert_close((y, state), (plain, last), rtol=0, atol=0)


@pytest.mark.parametrize("config", [st.RNNConfig(), st.LSTMConfig(), st.GRUConfig()])
def test_torchs_own_recurrences_refuse_another_precision_without_autocast(config):
    with pytest.raises(ValueError, match="dtype"):
        config.build(8)(torch.ones(2, 3, 8, dtype=torch.float64))
