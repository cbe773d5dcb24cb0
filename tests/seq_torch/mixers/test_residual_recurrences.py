"""Laws of the residual recurrences: their equation, their spectrum, and the published faults."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch

from seq_torch.mixers.residual_rnn import ResidualRNNConfig
from seq_torch.mixers.residual_ssm import ResidualSSMConfig
from seq_torch.parameter import StateParameter
from seqtheory import reparameterisation as core

EXACT = {"rtol": 1e-11, "atol": 1e-12}
MATRICES = ["diagonal", "orthogonal", "free"]
FUNCTIONS = {"linear": lambda z: z, "tanh": torch.tanh, "hardtanh": lambda z: z.clamp(-1, 1)}
PARAMETERISATIONS = [
    core.Direct(),
    core.ReLU(),
    core.Exp(),
    core.Softplus(),
    core.Sigmoid(),
    core.Inverse(),
    core.Best(),
    core.Sampled(core.Exp(), 0.5),
    core.Euler(core.Best(), 0.5),
]
RECURRENCES = [
    ResidualRNNConfig(matrix=matrix, activation=activation, dt=0.5)
    for matrix in MATRICES
    for activation in FUNCTIONS
]
MEMBERS = [
    *RECURRENCES,
    ResidualRNNConfig(parameterisation=core.ReLU(), step="euler", initialisation="upstream"),
    ResidualRNNConfig(
        parameterisation=core.Sampled(core.Exp()), matrix="diagonal", upstream_gain=True
    ),
    ResidualSSMConfig(),
    ResidualSSMConfig(recurrence=ResidualRNNConfig(activation="hardtanh"), activation="hardtanh"),
]


def name(config):
    inner = getattr(config, "recurrence", config)
    return f"{type(config).__name__}-{inner.matrix}-{inner.activation}-{inner.initialisation}"


EVERY = pytest.mark.parametrize("config", MEMBERS, ids=name)


def built(config, width=6, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return config.build(width).double()


def noise(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def matrix_of(module):
    """Matrix W of h + dt * sigma(x + W h), from the module's parameters."""
    rates = torch.diag(1 - module.eigenvalues) / module.config.dt
    if module.similarity is None:
        return -rates
    P = module.similarity.weight
    return -P.T @ rates @ P


def looped(module, x):
    """Give the outputs as the equation reads."""
    config, W = module.config, matrix_of(module)
    h, outputs = torch.zeros_like(x[:, 0]), []
    for x_k in x.unbind(1):
        h = h + config.dt * FUNCTIONS[config.activation](x_k + h @ W.T)
        outputs.append(h)
    return torch.stack(outputs, 1)


@pytest.mark.parametrize("step", ["exponential", "euler"])
@pytest.mark.parametrize("config", RECURRENCES, ids=name)
def test_the_module_does_what_its_equation_says(config, step):
    module = built(ResidualRNNConfig(**{**vars(config), "step": step}))
    x = 2 * noise(3, 20, 6)
    torch.testing.assert_close(module(x), looped(module, x), **EXACT)


@EVERY
def test_gradcheck(config):
    module, x = built(config, width=3), noise(2, 4, 3).requires_grad_()
    names = [key for key, _ in module.named_parameters()]
    values = [parameter.detach().clone().requires_grad_() for parameter in module.parameters()]

    def function(x, *values):
        parameters = dict(zip(names, values, strict=True))
        return torch.func.functional_call(module, parameters, (x,))

    assert torch.autograd.gradcheck(function, (x, *values))


@EVERY
def test_single_precision_follows_double(config):
    module, x = built(config), noise(2, 50, 6)
    single = copy.deepcopy(module).float()(x.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), module(x), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("activation", FUNCTIONS)
@pytest.mark.parametrize("p", PARAMETERISATIONS, ids=str)
def test_every_parameterisation_starts_stable_within_the_asked_rates(p, activation):
    settings = {"min_rate": 0.02, "max_rate": 0.6, "dt": 0.5, "activation": activation}
    module = built(ResidualRNNConfig(parameterisation=p, **settings), width=300)
    decay = -module.eigenvalues.log() / 0.5
    assert 0.02 - 1e-6 <= decay.min() < 0.025
    assert 0.5 < decay.max() <= 0.6 + 1e-6
    x = noise(1, 12, 300)
    torch.testing.assert_close(module(x), looped(module, x), **EXACT)


def test_a_linear_mode_decays_exactly_as_its_eigenvalue_in_continuous_time():
    dt = 0.7
    module = built(ResidualRNNConfig(matrix="diagonal", activation="linear", dt=dt))
    x = torch.zeros(1, 30, 6, dtype=torch.float64)
    x[:, 0] = 1 / dt
    times = dt * np.arange(30)[:, None]
    expected = np.exp(core.Exp()(module.w.detach().numpy()) * times)
    np.testing.assert_allclose(module(x)[0].detach().numpy(), expected, rtol=1e-10)


def test_euler_is_unstable_beyond_twice_the_inverse_step_and_exponential_never():
    for step in ("exponential", "euler"):
        module = built(ResidualRNNConfig(step=step, matrix="diagonal", activation="linear"))
        with torch.no_grad():
            module.w.copy_(torch.linspace(-4, math.log(2.5), 6))
        grown = module(torch.ones(1, 400, 6, dtype=torch.float64)).abs().max()
        assert (module.eigenvalues.abs().max() > 1) == (step == "euler")
        assert (grown > 1e10) == (step == "euler")


def test_half_of_the_published_modes_are_integrators_that_no_gradient_moves():
    published = {"parameterisation": core.ReLU(), "step": "euler", "matrix": "diagonal"}
    module = built(ResidualRNNConfig(**published, initialisation="upstream"), width=1000)
    module(noise(2, 5, 1000)).sum().backward()
    stuck = module.eigenvalues == 1
    assert 0.45 < stuck.double().mean() < 0.55
    assert (module.w.grad[stuck] == 0).all()
    assert (module.w.grad[~stuck] != 0).all()
    assert (built(ResidualRNNConfig(**published), width=1000).eigenvalues < 1).all()


def test_p_remains_orthogonal_while_it_is_trained_unless_it_is_free():
    drifts = {}
    for matrix in ("orthogonal", "free"):
        module, x = built(ResidualRNNConfig(matrix=matrix)), noise(4, 10, 6)
        before = module.similarity.weight.detach().clone()
        optimiser = torch.optim.Adam(module.parameters(), lr=0.02)
        for _ in range(20):
            optimiser.zero_grad()
            (module(x)[:, -1] - 1).square().sum().backward()
            optimiser.step()
        P = module.similarity.weight.detach()
        assert (P - before).abs().max() > 0.05
        drifts[matrix] = float((P @ P.T - torch.eye(6)).abs().max())
    assert drifts["orthogonal"] < 1e-13 < 0.05 < drifts["free"]


def test_p_remains_orthogonal_under_noise_on_every_parameter():
    module = built(ResidualRNNConfig())
    with torch.no_grad():
        for seed, parameter in enumerate(module.parameters()):
            parameter += 0.5 * noise(*parameter.shape, seed=seed)
    P = module.similarity.weight
    torch.testing.assert_close(P @ P.T, torch.eye(6).double(), rtol=0, atol=1e-13)
    spectrum = torch.linalg.eigvalsh(matrix_of(module))
    expected = (module.eigenvalues - 1).sort().values
    torch.testing.assert_close(spectrum, expected, **EXACT)


def test_the_mode_of_the_module_changes_nothing():
    module, x = built(ResidualRNNConfig()), noise(2, 5, 6)
    trained = module.train()(x), module.eigenvalues
    tested = module.eval()(x), module.eigenvalues
    assert all(torch.equal(a, b) for a, b in zip(trained, tested, strict=True))


def test_the_published_lru_scales_its_input_by_what_its_modes_lose():
    settings = {"parameterisation": core.Sampled(core.Exp()), "matrix": "diagonal"}
    module = built(ResidualRNNConfig(**settings, upstream_gain=True))
    a = torch.exp(-torch.exp(module.w)) - 1
    x, h = noise(1, 6, 6), torch.zeros(1, 6, dtype=torch.float64)
    for x_k in x.unbind(1):
        h = h + torch.tanh(a * h + torch.sqrt(1 - a**2) * x_k)
    torch.testing.assert_close(module(x)[:, -1], h, **EXACT)


def test_a_linear_state_space_model_superposes_between_its_maps():
    module = built(ResidualSSMConfig())
    x, y = noise(1, 9, 6), noise(1, 9, 6, seed=1)
    together = module.recurrence(x + 2 * y)
    torch.testing.assert_close(together, module.recurrence(x) + 2 * module.recurrence(y), **EXACT)
    bare = module.after(module.recurrence(module.before(x)))
    assert torch.equal(bare, module(x))
    published = built(ResidualSSMConfig(recurrence=ResidualRNNConfig(activation="tanh")))
    bent = published.recurrence(x + 2 * y)
    assert not torch.allclose(bent, published.recurrence(x) + 2 * published.recurrence(y))


def test_parameters_of_the_recurrence_are_marked():
    for matrix in MATRICES:
        module = copy.deepcopy(built(ResidualRNNConfig(matrix=matrix)))
        assert all(isinstance(p, StateParameter) for p in module.parameters())
    marks = [isinstance(p, StateParameter) for p in built(ResidualSSMConfig()).parameters()]
    assert sum(marks) == 2


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"parameterisation": "exp"}, TypeError, "parameterisation='exp' is none; expected"),
        ({"parameterisation": core.Exp}, TypeError, r"You gave the class: add \(\)"),
        ({"matrix": "orthogonals"}, ValueError, "did you mean 'orthogonal'"),
        ({"activation": "relu"}, ValueError, "activation='relu': expected one of"),
        ({"step": "rk4"}, ValueError, "step='rk4': expected one of"),
        ({"initialisation": "normal"}, ValueError, "initialisation='normal': expected one of"),
        ({"dt": 0.0}, ValueError, "dt=0.0: expected a positive number"),
        ({"min_rate": 2.0}, ValueError, "min_rate=2.0 above max_rate=1.0"),
        ({"upstream_gain": 1}, TypeError, "upstream_gain=1: expected True or False"),
        ({"upstream_gain": True}, ValueError, "published for matrix='diagonal'"),
        (
            {"parameterisation": core.Sampled(core.Exp()), "step": "euler"},
            ValueError,
            "leave step at 'exponential'",
        ),
    ],
)
def test_a_setting_that_does_not_fit_is_named(settings, error, said):
    with pytest.raises(error, match=said):
        ResidualRNNConfig(**settings)


def test_a_recurrence_that_is_none_is_named():
    with pytest.raises(TypeError, match="expected a value such as ResidualRNNConfig"):
        ResidualSSMConfig(recurrence="tanh")


def test_rates_that_the_parameterisation_cannot_reach_are_refused():
    with pytest.raises(ValueError, match=r"range is \[-2"):
        ResidualRNNConfig(parameterisation=core.Best(), min_rate=2.5, max_rate=3.0).build(4)
