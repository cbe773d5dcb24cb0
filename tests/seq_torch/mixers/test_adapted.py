"""Layers of other packages' conventions, as mixers of a model."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import seq_torch as st

WIDTH = 8


class Averages(nn.Module):
    """h_k = a h_{k-1} + W x_k, the recurrence that the layers below wrap."""

    def __init__(self, width):
        super().__init__()
        self.into = nn.Linear(width, width)

    def initial_state(self, batch_size):
        return self.into.weight.new_zeros(batch_size, self.into.out_features)

    def step(self, x_k, state):
        state = 0.5 * state + self.into(x_k)
        return state, state

    def forward(self, x):
        state, outputs = self.initial_state(len(x)), []
        for x_k in x.unbind(1):
            y, state = self.step(x_k, state)
            outputs.append(y)
        return torch.stack(outputs, 1)


class FlashLayer(Averages):
    """Made from `hidden_size`, behind other settings; gives output, weights and cache."""

    def __init__(self, mode="chunk", hidden_size=1024, layer_idx=None, **kwargs):
        super().__init__(hidden_size)
        assert mode == "chunk"
        assert layer_idx == 0
        assert not kwargs

    def forward(self, x, attention_mask=None, past_key_values=None, **kwargs):
        return super().forward(x), None, past_key_values


class MambaLayer(nn.Module):
    """Made from `d_model`; its step writes into its caches."""

    def __init__(self, d_model, d_state=16, layer_idx=None):
        super().__init__()
        self.averages, self.size = Averages(d_model), d_state
        assert layer_idx == 0

    def forward(self, x):
        return self.averages(x)

    def allocate_inference_cache(self, batch_size, max_seqlen, dtype=None):
        return self.averages.initial_state(batch_size), torch.zeros(batch_size, self.size)

    def step(self, x, state, other):
        assert x.shape[1] == 1
        y, after = self.averages.step(x[:, 0], state)
        state.copy_(after)
        return y[:, None], state, other


class NamedLayer(Averages):
    def __init__(self, *, heads=2, dim=64):
        super().__init__(dim)


class WideLayer(Averages):
    def __init__(self, heads=2, width=64):
        super().__init__(width)


class Sized(Averages):
    """Has a number by the name of a method."""

    def __init__(self, width):
        super().__init__(width)
        self.prefill = 3


def lstm(width):
    return nn.LSTM(width, width, batch_first=True)


def built(make):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return st.ModuleConfig(make=make).build(WIDTH)


@pytest.fixture
def x():
    return torch.randn(3, 6, WIDTH, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("make", [FlashLayer, MambaLayer, NamedLayer, WideLayer, Sized, lstm])
def test_a_layer_gets_its_width_and_gives_its_output_alone(make, x):
    assert built(make)(x).shape == x.shape


@pytest.mark.parametrize("make", [FlashLayer, MambaLayer, NamedLayer, WideLayer, Sized])
def test_the_numbers_are_those_of_the_layer(make, x):
    torch.testing.assert_close(built(make)(x), built(Averages)(x), rtol=0, atol=0)


@pytest.mark.parametrize("make", [FlashLayer, MambaLayer, NamedLayer, Sized])
def test_steps_are_kept_and_a_model_goes_by_them(make, x):
    mixer = built(make)
    before = mixer.initial_state(3)
    state, outputs = before, []
    for x_k in x.unbind(1):
        y, state = mixer.step(x_k, state)
        outputs.append(y)
    torch.testing.assert_close(torch.stack(outputs, 1), mixer(x))
    again, _ = mixer.step(x[:, 0], before)  # a state is a value: no step writes into it
    torch.testing.assert_close(again, outputs[0], rtol=0, atol=0)
    model = st.SequenceModelConfig(
        mixer=st.ModuleConfig(make=make),
        input=st.LinearInput(channels=WIDTH),
        output=st.StepOutput(size=2),
        width=WIDTH,
    ).build(0)
    first, state = model.prefill(x[:, :4])
    last, state = model.step(x[:, 4], state)
    torch.testing.assert_close(torch.cat([first, last[:, None]], 1), model(x)[:, :5])


def test_a_layer_without_steps_has_none():
    assert not hasattr(built(lstm), "step")
    assert not hasattr(built(lambda width: nn.Linear(width, width)), "initial_state")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (nn.Linear, "wants in_features and out_features, but a mixer is made from its width alone"),
        (nn.Linear, r"def mixer\(width\): return Linear\(in_features=..., out_features=...\)"),
        (nn.LSTM, "missing 1 required positional argument: 'hidden_size'"),
        (lambda width: (nn.Linear(width, width),), "is a tuple, expected a torch.nn.Module"),
        (lambda width: nn.Linear(width, 2), r"maps \(2, 3, 8\) to \(2, 3, 2\)"),
    ],
)
def test_what_is_no_mixer_is_told(make, said):
    with pytest.raises(ValueError, match=said):
        built(make)


def test_the_module_that_is_handed_out_was_never_called():
    class Counting(nn.Linear):
        calls = 0

        def forward(self, x):
            self.calls += 1
            return super().forward(x)

    module = built(lambda width: Counting(width, width))
    assert module.calls == 0
    assert torch.equal(module.weight, built(lambda width: nn.Linear(width, width)).weight)
