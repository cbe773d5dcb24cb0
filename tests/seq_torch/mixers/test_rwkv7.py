"""RWKV-7: the spectrum of its transitions, values shared over layers, and its ranges."""

from __future__ import annotations

import math

import pytest
import torch

import seq_torch as st
from seq_torch.mixers.recurrent import Shared
from seqtheory.expressivity import predict
from seqtheory.settings.rwkv7 import LEAST_DECAY
from seqtheory.tasks import GroupWords, Parity

SIZES = {"heads": 2, "key_dim": 4, "value_dim": 3}
PUBLISHED = st.RWKV7Config(**SIZES)
SIGNED = st.RWKV7Config(**SIZES, eigenvalues="signed")


def noise(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def transitions(config: st.RWKV7Config, draws: int = 200) -> torch.Tensor:
    """Matrices that move a module's state, at inputs and biases that saturate its gates."""
    torch.manual_seed(0)
    module = config.build(8).double()
    with torch.no_grad():
        for pair in (module.decay, module.rate):
            pair.down.weight.copy_(noise(*pair.down.weight.shape, seed=2))
            pair.up.weight.copy_(3 * noise(*pair.up.weight.shape, seed=3))
    x = 5 * noise(draws, 8)
    state = noise(draws, 8, seed=4), torch.eye(4).double().expand(draws, 2, 4, 4)
    wide = st.RWKV7Config(**SIZES | {"value_dim": 4}, eigenvalues=config.eigenvalues).build(8)
    wide = wide.double()
    own = module.state_dict()
    names = ("mixes", "key", "decay", "rate", "removal", "replacement")
    wide.load_state_dict({k: v for k, v in own.items() if k.startswith(names)}, strict=False)
    with torch.no_grad():
        wide.value.weight.zero_()
        return wide.step(x, state)[1][1].flatten(0, 1)


@pytest.mark.parametrize(("config", "lowest"), [(PUBLISHED, LEAST_DECAY - 1), (SIGNED, -1.0)])
def test_the_spectrum_is_real_and_bounded(config, lowest):
    values = torch.linalg.eigvals(transitions(config))
    assert values.imag.abs().max() < 1e-7
    assert lowest - 1e-9 < values.real.min() < lowest + 0.1
    assert 0.99 < values.real.max() <= 1 + 1e-9
    assert math.isclose(config.transition_class.lowest, lowest)


def test_no_letter_is_followed_without_a_reflection():
    swaps = GroupWords("S5", 8, 9, letters="swaps")
    for task in (Parity(), swaps):
        assert predict(task, PUBLISHED.transition_class).status == "impossible"
        assert predict(task, SIGNED.transition_class).status == "possible"


def test_with_the_range_a_layer_follows_parity():
    """By hand: the key alone is removed twice over, and nothing decays."""
    config = st.RWKV7Config(heads=1, key_dim=2, value_dim=2, eigenvalues="signed")
    module = config.build(2).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
        module.decay.up.bias.fill_(-1e3)
        module.rate.up.bias.fill_(-50.0)
        module.rate.down.weight[0] = torch.tensor([0.0, 1.0])  # of the letter 1
        module.rate.up.weight[:, 0] = 100.0
        module.key.weight[0] = 1.0
        module.removal.fill_(1.0)
    letters = torch.randint(2, (3, 300), generator=torch.Generator().manual_seed(0))
    x = torch.nn.functional.one_hot(letters, 2).double()
    past, S = module.initial_state(3)
    S[:, 0, 0, 0] = 1.0
    for k in range(300):
        _, (past, S) = module.step(x[:, k], (past, S))
        expected = 1.0 - 2.0 * (letters[:, : k + 1].sum(1) % 2)
        torch.testing.assert_close(S[:, 0, 0, 0], expected.double(), rtol=0, atol=1e-9)


def model_of(config, depth=3):
    return st.SequenceModelConfig(
        mixer=config,
        input=st.LinearInput(channels=2),
        output=st.StepOutput(size=2),
        width=8,
        depth=depth,
    )


OWN = st.RWKV7Config(**SIZES, start="own")


def test_later_layers_take_a_share_of_the_first_layer_s_values():
    model = model_of(OWN).build(0).double()
    assert [layer.mixer.residual is None for layer in model.layers] == [True, False, False]
    assert [layer.mixer.config.place for layer in model.layers] == [(0, 3), (1, 3), (2, 3)]
    x, shared = noise(2, 5, 2), Shared()
    h = model.embedding(x)
    for layer in model.layers:
        h = layer(h, None, None, shared)
    torch.testing.assert_close(model(x), model.readout(h))
    inner, seen = model.layers[2].mixer, Shared()
    seen.values = torch.zeros_like(shared.values)
    x = noise(2, 5, 8)
    assert not torch.allclose(inner(x, seen), inner(x, shared))
    with torch.no_grad():
        inner.residual.up.bias.fill_(-1e3)
        inner.residual.up.weight.zero_()
    torch.testing.assert_close(inner(x, seen), inner(x, shared))


def test_a_later_layer_alone_says_what_it_needs():
    module = st.RWKV7Config(**SIZES, layer=1, layers=2).build(8)
    with pytest.raises(ValueError, match="needs the values of the model's first layer"):
        module(torch.zeros(1, 2, 8))


def test_a_place_that_is_named_is_kept():
    model = model_of(st.RWKV7Config(**SIZES, layer=0, layers=5)).build(0)
    assert [layer.mixer.config.place for layer in model.layers] == 3 * [(0, 5)]
    with pytest.raises(ValueError, match="layer=3: expected"):
        st.RWKV7Config(layer=3, layers=3)
    with pytest.raises(ValueError, match="give both"):
        st.RWKV7Config(layer=3)


def test_the_published_start_learns():
    """Its output map is zero at first, so its other parameters move from the second step on."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randint(0, 7, (8, 6), generator=generator)
    targets = torch.randn(8, 1, generator=generator)
    model = st.SequenceModelConfig(
        mixer=PUBLISHED,
        input=st.TokenInput(vocabulary=7),
        output=st.MeanOutput(size=1),
        width=16,
        depth=2,
    ).build(0)
    first = model.layers[0].mixer
    assert not first(torch.ones(1, 3, 16)).any()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(300):
        loss = (model(inputs) - targets).square().mean()
        if loss < 1e-3:
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 1e-3
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())


def test_ranks_are_the_published_ones():
    names = ("decay", "rate", "value", "gate")
    for width, key_dim, ranks in (
        (64, 64, [32, 32, 32, 32]),
        (768, 64, [64, 64, 32, 128]),
        (1024, 64, [64, 64, 64, 160]),
        (4096, 64, [160, 160, 96, 320]),
        (1024, 128, [160, 160, 96, 160]),
    ):
        found = st.RWKV7Config(key_dim=key_dim)
        assert [found.rank(name, width) for name in names] == ranks
