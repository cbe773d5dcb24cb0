"""Laws of the mLSTM and the sLSTM: exponential gates of any size, and the places of layers."""

from __future__ import annotations

import pytest
import torch

import seq_torch as st
from seq_torch.mixers.parts.exponential_gates import recall
from seq_torch.mixers.slstm import forget_bias


def drawn(time, *, gates=1.0, dtype=torch.float64, shift=0.0):
    generator = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(2, 3, time, *shape, generator=generator, dtype=torch.float64).to(dtype)

    q, k, v = normal(4), normal(4) / 2, normal(5)
    return q, k, v, gates * normal() + shift, gates * normal()


def at_zero(q, v):
    memory = q.new_zeros(2, 3, q.shape[-1], v.shape[-1] + 1)
    return memory, q.new_zeros(2, 3)


def by_plain_sums(q, k, v, i, f):
    C, n = q.new_zeros(2, 3, 4, 5), q.new_zeros(2, 3, 4)
    outputs = []
    for t in range(q.shape[2]):
        keep, write = torch.sigmoid(f[:, :, t, None]), i[:, :, t, None].exp() * k[:, :, t]
        C = keep[..., None] * C + write[..., None] * v[:, :, t, None]
        n = keep * n + write
        count = (n * q[:, :, t]).sum(-1, keepdim=True)
        values = (q[:, :, t, None] @ C)[:, :, 0]
        outputs.append(values / count.abs().clamp(min=1))
    return torch.stack(outputs, 2)


@pytest.mark.parametrize("time", [1, 2, 64, 65, 150])
def test_a_memory_with_exponential_gates_is_that_of_plain_sums(time):
    q, k, v, i, f = drawn(time)
    h, _ = recall(q, k, v, i, f, at_zero(q, v))
    torch.testing.assert_close(h, by_plain_sums(q, k, v, i, f), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("shift", [-300.0, 0.0, 300.0])
@pytest.mark.parametrize("gates", [1.0, 100.0])
def test_gates_of_any_size_are_finite_and_accurate_in_single_precision(gates, shift):
    q, k, *others = drawn(200, gates=gates, dtype=torch.float32, shift=shift)
    inputs = (q.abs(), k.abs(), *others)  # counts near zero would magnify any rounding
    found, exact = [], []
    for results, dtype in ((found, torch.float32), (exact, torch.float64)):
        leaves = [value.to(dtype).requires_grad_() for value in inputs]
        h, _ = recall(*leaves, at_zero(leaves[0], leaves[2]))
        results += [h, *torch.autograd.grad(h.sum(), leaves)]
    for ours, expected in zip(found, exact, strict=True):
        assert ours.isfinite().all()
        scale = expected.abs().max().clamp(min=1.0)
        assert (ours - expected).abs().max() < 2e-3 * scale


def test_a_memory_that_is_never_read_against_has_a_denominator():
    q, k, v, i, f = drawn(3)
    h, _ = recall(0 * q, k, v, i + 1000, f, at_zero(q, v))
    assert torch.equal(h, torch.zeros_like(h))


def test_inner_channels_are_a_multiple():
    assert st.MLSTMConfig().build(33).into.weight.shape == (2 * 128, 33)
    assert st.MLSTMConfig(multiple=4, expand=3).build(5).into.weight.shape == (2 * 16, 5)
    with pytest.raises(ValueError, match="6 inner channels cannot be cut into blocks of block_s"):
        st.MLSTMConfig(multiple=6, expand=1, heads=1).build(6)
    with pytest.raises(ValueError, match="64 inner channels cannot be shared by 3 heads"):
        st.MLSTMConfig(heads=3).build(8)


@pytest.mark.parametrize("kind", [st.SLSTMConfig, st.MLSTMConfig, st.M2RNNConfig])
def test_a_layer_knows_its_place(kind, configured):
    model = configured(kind(heads=2), depth=3).build(0)
    places = [layer.mixer.config.place for layer in model.layers]
    assert places == [(0, 3), (1, 3), (2, 3)]
    assert kind(layer=0, layers=2).at_layer(1, 3).place == (0, 2)
    assert kind().place == (0, 1)
    for fields in ({"layer": 1}, {"layers": 2}):
        with pytest.raises(ValueError, match="give both, or neither"):
            kind(**fields)
    with pytest.raises(ValueError, match="layer=3"):
        kind(layer=3, layers=3)


def test_forget_biases_fall_from_5_to_minus_7_later_in_deeper_layers():
    first, last = forget_bias(9, 0, 4), forget_bias(9, 3, 4)
    for bias in (first, last):
        assert (bias[0], bias[-1]) == (5, -7)
        assert (bias.diff() < 0).all()
    assert (last[1:-1] > first[1:-1]).all()
    assert forget_bias(1, 0, 1).tolist() == [5]
    assert st.SLSTMConfig(heads=4).build(4).bias.isfinite().all()
