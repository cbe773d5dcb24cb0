"""Laws of the delta rule: its equation, what it can count, and the range of its eigenvalues."""

from __future__ import annotations

from itertools import product
from math import pi

import pytest
import torch
from matrix_laws import (
    EXACT,
    assert_is_its_equation,
    built,
    directed,
    first_state,
    mapped_by_hand,
    noise,
    read_by_hand,
)
from torch.nn import functional

import seq_torch as st
from seq_torch.mixers.parts.unit_norm import unit
from seq_torch.train.optim import parameter_groups
from seqtheory.training import Training

CONFIGS = {
    "delta_net": st.DeltaNetConfig(heads=2, key_dim=4, value_dim=3, trained_start=True),
    "signed": st.DeltaNetConfig(heads=2, key_dim=4, value_dim=3, eigenvalues="signed"),
    "gated": st.GatedDeltaNetConfig(heads=2, key_dim=4, value_dim=3, convolution=2),
    "product": st.DeltaProductConfig(
        heads=2, key_dim=4, value_dim=3, factors=3, gated=True, eigenvalues="signed", block=False
    ),
    "no_bias": st.GatedDeltaNetConfig(heads=2, key_dim=4, value_dim=3, bias=False),
    "no_convolution": st.DeltaNetConfig(heads=2, key_dim=4, value_dim=3, convolution=0),
    "gated_no_convolution": st.GatedDeltaNetConfig(
        heads=2, key_dim=4, value_dim=3, convolution=0, bias=False
    ),
    "product_no_convolution": st.DeltaProductConfig(
        heads=2, key_dim=4, value_dim=3, gated=True, eigenvalues="signed", convolution=0
    ),
    "exact": st.DeltaNetConfig(heads=2, key_dim=4, value_dim=3, normalisation="exact"),
    "read_scale": st.DeltaNetConfig(heads=2, key_dim=4, value_dim=3, read_scale=1.0),
}


def by_hand(module, x):
    """One row, equation by equation, one position, head and factor at a time."""
    c, mapped, outputs = module.config, mapped_by_hand(module, x), []
    for head, t in product(range(c.heads), range(len(x))):
        if t == 0:
            S = first_state(module, head)
        q, k, v = (p.unflatten(0, (c.heads, -1))[head] for p in mapped[t].split(module.parts))
        k, v = k.unflatten(0, (-1, c.key_dim)), v.unflatten(0, (-1, c.value_dim))
        beta = torch.sigmoid(module.strength(x[t])).unflatten(0, (c.heads, -1))[head]
        beta = 2 * beta if c.eigenvalues == "signed" else beta
        if c.decays:
            step = x[t] @ module.decay.weight[head] + module.decay.bias[head]
            S = torch.exp(-module.decay.log_rate[head].exp() * torch.log1p(step.exp())) * S
        for j in range(len(k)):
            key = directed(c, k[j])
            S = S - beta[j] * torch.outer(key, key @ S) + beta[j] * torch.outer(key, v[j])
        o = read_by_hand(module, q, S)
        if module.gate is not None:
            z = module.gate(x[t]).unflatten(0, (c.heads, -1))[head]
            o = o * z * torch.sigmoid(z)
        outputs.append(o)
    return outputs


@pytest.mark.parametrize("name", CONFIGS)
def test_the_module_is_its_equation(name):
    assert_is_its_equation(CONFIGS[name], by_hand)


def test_one_factor_is_delta_net_and_a_gated_one_gated_delta_net():
    shared = {"heads": 2, "key_dim": 4, "value_dim": 3, "eigenvalues": "signed"}
    x = noise(2, 9, 6)
    for gated, kind in ((False, st.DeltaNetConfig), (True, st.GatedDeltaNetConfig)):
        product = built(st.DeltaProductConfig(factors=1, gated=gated, **shared))
        assert torch.equal(product(x), built(kind(**shared))(x))


NARROW = {"heads": 1, "key_dim": 64, "value_dim": 2, "convolution": 1}


def test_the_block_reads_as_published_where_an_output_is_small_beside_the_epsilon():
    """After one position o = beta (q k / 8) v, and the norm's 1e-5 is all that stands beside it."""
    module = built(st.DeltaNetConfig(**NARROW))
    set_(
        module,
        into__weight=torch.ones(130, 6).double() / 6,
        strength__bias=torch.full((1,), 1e3),
        convolution__weight=torch.ones(130, 1, 1),
        norm__weight=torch.ones(2),
        out__weight=torch.eye(6, 2),
    )
    x = torch.full((1, 1, 6), 0.01, dtype=torch.float64)
    entry = 0.01 * torch.sigmoid(torch.tensor(0.01).double())  # of q, k and v
    square = 64 * entry**2
    o = square / (square + 1e-6) * entry / 8
    expected = o / (o**2 + 1e-5).sqrt()
    torch.testing.assert_close(module(x)[0, 0, 0], expected, **EXACT)


@pytest.mark.parametrize("normalisation", ["smooth", "exact"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_input_that_is_zero_has_a_tame_gradient(normalisation, dtype):
    config = st.DeltaNetConfig(block=False, normalisation=normalisation)
    module, x = built(config).to(dtype), noise(2, 9, 6).to(dtype)
    x[:, 4] = 0
    x.requires_grad_()
    module(x).square().sum().backward()
    assert x.grad.isfinite().all()
    assert x.grad.abs().max() < 1e5  # the slope of the smooth rule at zero is 1e3
    assert all(p.grad.isfinite().all() for p in module.parameters())


def test_exact_norms_are_one_to_the_last_digit_and_smooth_ones_below():
    x = noise(100, 8)
    torch.testing.assert_close(unit(x, "exact").norm(dim=-1), torch.ones(100).double())
    smooth = (1 + 1e-6 / x.square().sum(-1)).rsqrt()
    torch.testing.assert_close(unit(x, "smooth").norm(dim=-1), smooth, rtol=1e-14, atol=0)
    assert torch.equal(unit(x, "exact"), functional.normalize(x, dim=-1))
    # The square of a number above 255 is no half.
    large = torch.full((1, 4), 300.0, dtype=torch.float16)
    for rule in ("exact", "smooth"):
        torch.testing.assert_close(unit(large, rule), torch.full((1, 4), 0.5))


@pytest.mark.parametrize(("eigenvalues", "least"), [("unit", 0.0), ("signed", -1.0)])
def test_the_range_of_the_eigenvalues_is_what_the_switch_says(eigenvalues, least):
    module = built(st.DeltaNetConfig(eigenvalues=eigenvalues))
    along = 1 - module.strengths(200 * noise(1000, 6))
    assert least <= along.min() < least + 1e-6
    assert 1 - 1e-6 < along.max() <= 1


def test_what_places_an_eigenvalue_is_marked_and_does_not_decay():
    module = built(st.GatedDeltaNetConfig())
    state = {k for k, p in module.named_parameters() if isinstance(p, st.StateParameter)}
    assert state == {"strength.weight", "strength.bias", "decay.bias", "decay.log_rate"}
    groups = parameter_groups(module, Training(weight_decay=0.1))
    decaying = {id(p) for g in groups if g["weight_decay"] for p in g["params"]}
    assert not decaying & {id(p) for p in module.parameters() if isinstance(p, st.StateParameter)}


def one_hot(words, size):
    return functional.one_hot(words, size).double()


def set_(module, **values):
    """Fill parameters; those that are not named become zero."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
        for name, value in values.items():
            module.get_parameter(name.replace("__", ".")).copy_(value)


def words(size, time=10_000, rows=2):
    return torch.randint(size, (rows, time), generator=torch.Generator().manual_seed(1))


def bare(**settings):
    return {"block": False, "eigenvalues": "signed", "normalisation": "exact"} | settings


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_one_reflection_is_parity_at_length_ten_thousand(dtype):
    config = st.DeltaNetConfig(**bare(heads=1, key_dim=1, value_dim=1, trained_start=True))
    module = built(config, width=2)
    big = 1e3  # sigmoid is 0 or 1 to the last bit
    set_(
        module,
        into__weight=torch.tensor([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]),
        strength__weight=torch.tensor([[-big, big]]),
        start=torch.ones(1, 1, 1),
        out__weight=torch.tensor([[1.0], [0.0]]),
    )
    bits = words(2)
    y = module.to(dtype)(one_hot(bits, 2).to(dtype))[..., 0]
    assert torch.equal(y, (1 - 2 * (bits.cumsum(1) % 2)).to(dtype))


@pytest.mark.parametrize("modulus", [3, 7])
def test_two_factors_add_modulo_m_at_length_ten_thousand(modulus):
    config = st.DeltaProductConfig(**bare(heads=1, key_dim=2, value_dim=2, trained_start=True))
    module = built(config, width=modulus)
    half = pi / modulus * torch.arange(modulus).double()
    ones = torch.ones(modulus).double()
    rows = [ones, 0 * ones, ones, 0 * ones, half.cos(), half.sin()]  # q, then the two keys
    set_(
        module,
        into__weight=torch.cat((torch.stack(rows), torch.zeros(4, modulus))),
        strength__bias=torch.full((2,), 1e3),
        start=torch.eye(2)[None],
        out__weight=torch.eye(modulus, 2),
    )
    tokens = words(modulus)
    y = module(one_hot(tokens, modulus))
    angle = torch.atan2(-y[..., 1], y[..., 0]) * modulus / (2 * pi)
    assert torch.equal(angle.round().long() % modulus, tokens.cumsum(1) % modulus)
    assert (angle - angle.round()).abs().max() < 1e-8


@pytest.mark.parametrize("modulus", [3, 7])
def test_two_layers_of_reflections_add_modulo_m_at_length_ten_thousand(modulus):
    """Grazzi et al., theorem 6: the sign of a reflection's angle alternates with the position."""
    m = modulus
    model = st.SequenceModelConfig(
        mixer=st.DeltaNetConfig(**bare(heads=2, key_dim=2, value_dim=m, trained_start=True)),
        input=st.TokenInput(vocabulary=m),
        output=st.StepOutput(size=2),
        width=m + 1,  # the token, and a sign that turns at every position
        depth=2,
        mixing=False,
        activation="none",
        residual=False,
        norm="none",
    ).build(0)
    model.double()
    set_(model.embedding, table=torch.eye(m, m + 1))
    set_(model.readout, weight=torch.eye(2, m + 1))
    first, second = (layer.mixer for layer in model.layers)
    ahead = torch.tensor([[1.0] * m + [0.0], [0.0] * (m + 1)]).repeat(2, 1)  # (1, 0), both heads
    # Head 0 turns its sign at every position; head 1 forgets all but the token.
    strengths = torch.tensor([1e3, 0.0])  # 2 and 1
    set_(
        first,
        into__weight=torch.cat((ahead, ahead, torch.zeros(m, m + 1), torch.eye(m, m + 1))),
        strength__bias=strengths,
        start=torch.eye(1, 4 * m).reshape(2, 2, m),
        out__weight=torch.eye(2 * m).roll(m, 1)[: m + 1],
    )
    # The key (sign, tan phi) lies at the angle phi or -phi, phi = pi / m times the token.
    phi = pi / m * torch.arange(m).double()
    sign = torch.eye(1, m + 1).roll(m, 1)
    tangent = torch.cat((phi.tan(), torch.zeros(1)))[None]
    keys = torch.cat((sign, tangent, torch.zeros(2, m + 1)))
    set_(
        second,
        into__weight=torch.cat((ahead, keys, torch.zeros(2 * m, m + 1))),
        strength__bias=strengths,
        start=torch.eye(4, m).unflatten(0, (2, 2)),
        out__weight=torch.eye(m + 1, 2 * m),
    )
    tokens = words(m)
    y = model(tokens)
    place = torch.atan2(y[..., 1], y[..., 0]) * m / pi
    assert (place - place.round()).abs().max() < 1e-8
    # Even places are rotations, after an even number of positions; odd ones are reflections.
    place = place.round().long()
    total = torch.where(place % 2 == 0, -place, m - place) // 2 % m
    assert torch.equal(total, tokens.cumsum(1) % m)
