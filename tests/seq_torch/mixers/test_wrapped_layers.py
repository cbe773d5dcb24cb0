"""What is wrapped around a layer, a mixer or a norm takes part, or is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import seq_torch as st


class Opaque(nn.Module):
    """A wrapper that shows nothing of what it wraps, as parallel ones do."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner, self.calls = inner, 0

    def forward(self, *args):
        self.calls += 1
        return self.inner(*args)


class Open(Opaque):
    """A wrapper through which everything can be seen, as that of `torch.compile`."""

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self._modules["inner"], name)


def compiled(module: nn.Module) -> nn.Module:
    return torch.compile(module, backend="eager")  # pyright: ignore[reportReturnType]


MASK = torch.arange(9) < torch.tensor([[9], [4], [1], [6]])


@pytest.mark.parametrize("wrap", [Opaque, Open])
def test_a_wrapped_layer_runs(mixer, configured, tokens, wrap):
    model = configured(mixer).build(0)
    expected, bare = model(tokens, MASK), model(tokens * 0, MASK)
    for index, layer in enumerate(model.layers):
        model.layers[index] = wrap(layer)
    torch.testing.assert_close(model(tokens, MASK), expected)
    assert [layer.calls for layer in model.layers] == [1, 1]
    assert not torch.equal(expected, bare)


@pytest.mark.parametrize("part", ["mixer", "norm"])
def test_a_wrapped_part_of_a_layer_runs(configured, tokens, part):
    model = configured(st.LinearCDEConfig(state_dim=4), norm="batch").build(0)
    expected = model(tokens, MASK)
    again = configured(st.LinearCDEConfig(state_dim=4), norm="batch").build(0)
    for layer in again.layers:
        setattr(layer, part, Open(getattr(layer, part)))
    torch.testing.assert_close(again(tokens, MASK), expected)
    assert [getattr(layer, part).calls for layer in again.layers] == [1, 1]


@torch.no_grad()
def test_a_compiled_layer_runs_and_steps(configured, tokens):
    model = configured(st.S5Config(state_dim=4)).build(0)
    expected = model(tokens)
    model.layers[0] = compiled(model.layers[0])
    torch.testing.assert_close(model(tokens), expected)
    y, _ = model.step(tokens[:, 0], model.initial_state(4))
    torch.testing.assert_close(y, expected[:, 0])


def test_a_layer_that_hides_its_mixer_has_no_step(configured, tokens):
    model = configured(st.S5Config(state_dim=4)).build(0)
    model.layers[1] = Opaque(model.layers[1])
    for use in (lambda: model.initial_state(4), lambda: model.mixed(tokens)):
        with pytest.raises(TypeError, match=r"layers\[1\] is a Opaque, which hides the mixer"):
            use()
