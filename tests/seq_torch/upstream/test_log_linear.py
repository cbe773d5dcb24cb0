"""Log-linear attention: upstream's numbers, the equation as a loop, and weights of one."""

from __future__ import annotations

import pytest
import torch

import seq_torch as st
from seq_torch.mixers.parts.log_linear import levels_of, log_linear


@pytest.mark.parametrize("rows", [1, 2, 64])
@pytest.mark.parametrize("title", ["decays", "decays, two heads for each key"])
def test_decays_give_upstreams_numbers(golden, title, rows):
    case = golden("log_linear")[title]
    names = ("q", "k", "v", "g", "level_scales")
    q, k, v, g, weights = (case.inputs[name].transpose(1, 2) for name in names)
    q, k = (x.repeat_interleave(v.shape[1] // x.shape[1], 1) for x in (q, k))
    case.agrees({"o": log_linear(q, k, v, g, weights, rows=rows).transpose(1, 2)})


@pytest.mark.parametrize("rows", [1, 2, 64])
def test_the_delta_rule_gives_upstreams_numbers(golden, rows):
    case = golden("log_linear")["delta rule"]
    given = [case.inputs[name].transpose(1, 2) for name in ("Q", "K", "V", "G", "L", "B")]
    case.agrees({"o": log_linear(*given, rows=rows).transpose(1, 2)})


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def looped(q, k, v, log_decay, weights, strength):
    """Sum over all pairs of positions of one head, the key moved through every step between."""
    rows = []
    for i in range(len(q)):
        row = torch.zeros_like(v[0])
        for j in range(i + 1):
            moved = strength[j] * k[j]
            for s in range(j + 1, i + 1):
                moved = log_decay[s].exp() * (moved - strength[s] * (k[s] @ moved) * k[s])
            row = row + weights[i, (i ^ j).bit_length()] * (q[i] @ moved) * v[j]
        rows.append(row)
    return torch.stack(rows)


@pytest.mark.parametrize("rows", [1, 4, 64])
@pytest.mark.parametrize("time", [1, 2, 7, 33])
def test_every_cut_is_the_sum_over_pairs(time, rows):
    q, k, v = drawn(time, 4), drawn(time, 4, seed=1) / 2, drawn(time, 3, seed=2)
    log_decay, strength = -drawn(time, seed=3).abs(), torch.sigmoid(drawn(time, seed=4))
    weights = drawn(time, levels_of(time), seed=5)
    given = [x[None, None] for x in (q, k, v, log_decay, weights, strength)]
    found = log_linear(*given, rows=rows)[0, 0]
    torch.testing.assert_close(found, looped(q, k, v, log_decay, weights, strength))


PLAIN = {
    st.LogLinearMamba2Config: (st.Mamba2Config, {"state_dim": 4, "heads": 4, "groups": 2}),
    st.LogLinearGatedDeltaNetConfig: (
        st.GatedDeltaNetConfig,
        {"heads": 2, "key_dim": 4, "value_dim": 3, "bias": False, "read_scale": 1.0},
    ),
}


@pytest.mark.parametrize("kind", PLAIN)
def test_with_weights_of_one_it_is_the_recurrence(kind):
    other, settings = PLAIN[kind]
    torch.manual_seed(0)
    module = kind(**settings, start="own").build(8).double()
    plain = other(**settings).build(8).double()
    weights = module.state_dict()
    plain.load_state_dict({n: w for n, w in weights.items() if not n.startswith("levels")})
    module.levels.forward = lambda x: x.new_ones(len(x), module.config.heads, x.shape[1], 15)
    x = drawn(2, 150, 8, seed=1)
    torch.testing.assert_close(module(x), plain(x))


def test_longer_sequences_than_there_are_levels_for_are_refused():
    module = st.LogLinearMamba2Config(heads=2, levels=4).build(8)
    assert module(torch.zeros(1, 8, 8)).shape == (1, 8, 8)
    with pytest.raises(ValueError, match=r"got 9 positions with levels=4, expected at most 8"):
        module(torch.zeros(1, 9, 8))


def test_what_no_tree_can_hold_is_refused():
    with pytest.raises(ValueError, match="got trained_start=True, expected False"):
        st.LogLinearGatedDeltaNetConfig(trained_start=True)
    with pytest.raises(ValueError, match="got eigenvalues='signed', expected 'unit'"):
        st.LogLinearMamba2Config(eigenvalues="signed")


def test_strong_decays_are_no_numbers_that_are_none():
    q, k, v = (drawn(1, 1, 9, 2, seed=n).requires_grad_() for n in range(3))
    log_decay = torch.full((1, 1, 9), -1e4, dtype=torch.float64, requires_grad=True)
    weights = drawn(1, 1, 9, 5, seed=4).requires_grad_()
    inputs = (q, k, v, log_decay, weights)
    found = torch.autograd.grad(log_linear(*inputs, rows=2).sum(), inputs)
    assert all(x.isfinite().all() for x in found)
