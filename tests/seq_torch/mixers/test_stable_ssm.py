"""Laws of StableSSM: its kernel, its starts, its published stack and the published faults."""

from __future__ import annotations

import copy
from math import exp, expm1, log, pi

import pytest
import torch
from torch.nn import functional

import seq_torch as st
from seq_torch.mixers.s4d import S4DConfig
from seq_torch.mixers.stable_ssm import StableSSMConfig
from seq_torch.model.stacks import stable_ssm_stack
from seq_torch.parameter import as_complex
from seqtheory import reparameterisation as core

EXACT = {"rtol": 1e-10, "atol": 1e-11}
MEMBERS = [
    StableSSMConfig(state_dim=6, parameterisation=core.Best()),
    StableSSMConfig(state_dim=6, parameterisation=core.Best(b=0.1), activation="none"),
    StableSSMConfig(state_dim=6, parameterisation=core.Exp(), skip=False),
    StableSSMConfig(state_dim=6, parameterisation=core.Softplus(), skip=False, activation="none"),
    StableSSMConfig(state_dim=6, parameterisation=core.Sigmoid()),
    StableSSMConfig(state_dim=6, parameterisation=core.Inverse()),
    StableSSMConfig(state_dim=6, parameterisation=core.ReLU()),
    StableSSMConfig(state_dim=6, parameterisation=core.Direct()),
    StableSSMConfig(state_dim=6, parameterisation=core.Direct(), upstream_sign=True),
]
EVERY = pytest.mark.parametrize("config", MEMBERS, ids=lambda c: str(c.parameterisation))


def built(config, width=5, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return config.build(width).double()


def noise(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@EVERY
def test_the_kernel_is_that_of_the_equation(config):
    module = built(config)
    A, dt = module.eigenvalues[..., None], module.log_dt.exp()[..., None]
    lags = torch.arange(50)
    terms = as_complex(module.C)[..., None] * torch.expm1(dt * A) / A * torch.exp(dt * A * lags)
    torch.testing.assert_close(module.kernel(50), 2 * terms.sum(1).real, **EXACT)


@EVERY
def test_gradcheck(config):
    module, x = built(config, width=2), noise(2, 6, 2).requires_grad_()
    names = [key for key, _ in module.named_parameters()]
    values = [parameter.detach().clone().requires_grad_() for parameter in module.parameters()]

    def function(x, *values):
        parameters = dict(zip(names, values, strict=True))
        return torch.func.functional_call(module, parameters, (x,))

    assert torch.autograd.gradcheck(function, (x, *values))


@EVERY
def test_every_mode_starts_from_the_published_eigenvalue(config):
    values = built(config).eigenvalues
    sign = 1 if config.upstream_sign else -1
    torch.testing.assert_close(values.real, torch.full((5, 3), sign * 0.5).double())
    torch.testing.assert_close(values.imag[0], (pi * torch.arange(3)).double())


@pytest.mark.parametrize(
    ("p", "weight"),
    [
        (core.Exp(), log(0.5)),
        (core.Softplus(), log(expm1(0.5))),
        (core.Best(b=0.1), 1.9**0.5),
        (core.Best(), 1.5**0.5),
        (core.Direct(), -0.5),
    ],
)
def test_the_initial_weights_are_the_published_ones(p, weight):
    module = built(StableSSMConfig(parameterisation=p))
    torch.testing.assert_close(module.w, torch.full_like(module.w, weight))


def test_with_exp_it_is_s4d():
    ours = built(StableSSMConfig(state_dim=6, parameterisation=core.Exp(), activation="none"))
    theirs = built(S4DConfig(state_dim=6))
    for target, source in (("w", "log_decay"), ("frequency",) * 2, ("log_dt",) * 2):
        getattr(ours, target).data = getattr(theirs, source).data
    ours.C.data, ours.D.data = theirs.C.data, theirs.D.data
    x = noise(2, 30, 5)
    torch.testing.assert_close(ours(x), theirs(x), **EXACT)


def test_the_published_sign_makes_every_mode_grow_and_the_fair_one_none():
    settings = {"parameterisation": core.Direct(), "dt_min": 0.1, "dt_max": 0.1, "state_dim": 2}
    growth = {}
    for sign in (True, False):
        kernel = built(StableSSMConfig(**settings, upstream_sign=sign)).kernel(785).abs()
        growth[sign] = kernel[:, 784] / kernel[:, 0]
    for sign, rate in ((True, 0.05), (False, -0.05)):
        expected = torch.full((5,), exp(rate * 784)).double()
        torch.testing.assert_close(growth[sign], expected, rtol=1e-5, atol=0)


def test_the_published_groups_leave_no_parameter_of_the_state():
    for published in (False, True):
        module = copy.deepcopy(built(StableSSMConfig(upstream_groups=published)))
        marked = {k for k, p in module.named_parameters() if isinstance(p, st.StateParameter)}
        assert marked == (set() if published else {"w", "frequency", "log_dt"})


@pytest.mark.parametrize("norm_position", ["post", "pre"])
def test_the_stack_is_the_published_network(norm_position):
    inputs, output = st.LinearInput(channels=2), st.MeanOutput(size=3)
    mixer = StableSSMConfig(state_dim=6, parameterisation=core.Best(b=0.1))
    settings = {"mixer": mixer, "width": 8, "depth": 2, "norm_position": norm_position}
    model = stable_ssm_stack(inputs, output, **settings).build(0).double()
    u = noise(3, 11, 2)
    x = model.embedding.linear(u)
    for layer in model.layers:
        z = functional.layer_norm(x, (8,), *norm(layer)) if norm_position == "pre" else x
        kernel = layer.mixer.kernel(11)
        padded = functional.pad(z.mT, (10, 0))
        y = functional.conv1d(padded, kernel.flip(1)[:, None], groups=8).mT + layer.mixer.D * z
        x = x + functional.glu(layer.mixing(functional.gelu(y)))
        x = functional.layer_norm(x, (8,), *norm(layer)) if norm_position == "post" else x
    torch.testing.assert_close(model(u), model.readout(x.mean(1)), **EXACT)


def norm(layer):
    return layer.norm.weight, layer.norm.bias


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"state_dim": 5}, ValueError, "state_dim=5 is odd.*use 6"),
        ({"parameterisation": "best"}, TypeError, "parameterisation='best' is none"),
        ({"parameterisation": core.Sampled(core.Exp())}, TypeError, "expected a seqtheory"),
        ({"activation": "relu"}, ValueError, "activation='relu': expected one of"),
        ({"initial_rate": 0.0}, ValueError, "initial_rate=0.0: expected a positive number"),
        ({"initial_rate": 2.5}, ValueError, r"cannot reach the eigenvalue -2\.5"),
        ({"dt_min": 0.2}, ValueError, "dt_min=0.2: expected at most dt_max=0.1"),
        ({"upstream_sign": True}, ValueError, "fault of the published direct"),
        ({"upstream_groups": None}, TypeError, "upstream_groups=None: expected True or False"),
    ],
)
def test_a_setting_that_does_not_fit_is_named(settings, error, said):
    with pytest.raises(error, match=said):
        StableSSMConfig(**settings)
