"""FP-RNN: upstream's numbers, the dense recurrence, and how iterations come to it."""

from __future__ import annotations

import pytest
import torch
from torch.func import functional_call

import seq_torch as st

NAMES = {
    "into.weight": "input_trans.weight",
    "decay.weight": "lambda_proj.weight",
    "decay.bias": "lambda_proj.bias",
    "strength.weight": "b_proj.weight",
    "mixing.directions.parametrizations.weight.original0": (
        "mixer.u_proj.parametrizations.weight.original0"
    ),
    "mixing.directions.parametrizations.weight.original1": (
        "mixer.u_proj.parametrizations.weight.original1"
    ),
    "mixing.rates.bias": "mixer.alpha_proj.bias",
    "mixing.rates.parametrizations.weight.original0": (
        "mixer.alpha_proj.parametrizations.weight.original0"
    ),
    "mixing.rates.parametrizations.weight.original1": (
        "mixer.alpha_proj.parametrizations.weight.original1"
    ),
    "gate.weight": "c_proj.weight",
    "norm.weight": "output_norm.weight",
    "out.weight": "output_trans.weight",
}
CONVOLUTIONS = ("mixer", "b", "lambda", "x")  # of ours the parts, in this order

SETTINGS = {
    "fixed point": {},
    "fixed point of three factors": {"rank": 3},
    "fixed point of a sum, by the input": {
        "rank": 2,
        "mixing": "low_rank",
        "state_dependent": False,
    },
    "with convolutions": {"rank": 2, "convolution": 3, "expand": 1},
    "four iterations": {"rank": 2, "iterations": 4, "expand": 1},
}


@pytest.mark.parametrize("title", SETTINGS)
def test_the_layer_is_upstream_s(golden, title):
    case = golden("fp_rnn")[title]
    module = st.FPRNNConfig(**SETTINGS[title]).build(3).double()
    weights = {ours: case.inputs[theirs] for ours, theirs in NAMES.items()}
    if SETTINGS[title].get("convolution"):
        for kind in ("weight", "bias"):
            parts = [case.inputs[f"conv1d_{name}.{kind}"] for name in CONVOLUTIONS]
            weights[f"convolution.{kind}"] = torch.cat(parts)
            weights[f"gate_convolution.{kind}"] = case.inputs[f"conv1d_c.{kind}"]
    assert set(weights) == set(dict(module.named_parameters()))
    case.agrees({"y": functional_call(module, weights, (case.inputs["x"],))})


def built(**settings):
    torch.manual_seed(0)
    return st.FPRNNConfig(**settings).build(4).double()


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def twin(module, **settings):
    """Give a module of other settings with the same parameters."""
    other = built(**settings)
    other.load_state_dict(module.state_dict())
    return other


def transitions(settings, samples=200):
    """Give A, its decays and M of drawn directions, and the spectral radius of an iteration."""
    factors, count = settings
    u = torch.nn.functional.normalize(noise(samples, count, 5), dim=-1)
    alpha, kept = noise(samples, count, seed=1).sigmoid(), noise(samples, 5, seed=2).sigmoid()
    identity = torch.eye(5, dtype=torch.float64)
    M = identity.expand(samples, 5, 5)
    for direction, rate in zip(u.unbind(1), alpha.unbind(1), strict=True):
        outer = direction[:, :, None] * direction[:, None]
        M = (identity - factors * rate[:, None, None] * outer) @ M
    again = (1 - kept)[..., None] * (identity - M)
    A = torch.linalg.solve(identity - again, torch.diag_embed(kept))
    return A, kept, M, torch.linalg.eigvals(again).abs().amax(-1)


@pytest.mark.parametrize(
    "settings",
    [
        {"mixing": "householder", "rank": 3},
        {"mixing": "low_rank", "rank": 2, "eigenvalues": "unit"},
        {"rank": 1, "state_dependent": False},
    ],
)
def test_more_iterations_come_to_the_dense_recurrence(settings):
    module, x = built(gradient="all", **settings), noise(2, 12, 4)
    exact, errors = module(x), []
    for iterations in (1, 4, 16, 64, 256):
        iterated = twin(module, iterations=iterations, gradient="all", **settings)
        errors.append((iterated(x) - exact).norm().item() / exact.norm().item())
    assert sorted(errors, reverse=True) == errors
    assert errors[0] > 0.05
    assert errors[-1] < 1e-10
    found = [
        torch.autograd.grad(one(x).square().sum(), list(one.parameters()))
        for one in (module, iterated)
    ]
    torch.testing.assert_close(*found)


def test_the_state_of_one_channel_is_divided_by_what_is_left():
    """In one channel h = (l h + (1 - l) m d) / (l + (1 - l) m)."""
    module = st.FPRNNConfig(expand=1, block=False, rank=2).build(1).double()
    x = noise(1, 1, 1)
    mapped, h = module.into(x), torch.full((1, 1), 0.7, dtype=torch.float64)
    kept = module.decay(mapped).sigmoid()
    d = torch.nn.functional.silu(module.strength(mapped)) * mapped
    alpha = module.mixing.rates(torch.cat((mapped[:, 0], h), -1)).sigmoid()
    m = (1 - 2 * alpha).prod(-1)[:, None, None]
    expected = (kept * h + (1 - kept) * m * d) / (kept + (1 - kept) * m)
    torch.testing.assert_close(module.prefill(x, (None, h))[1][1][:, None], expected)


def test_iterations_are_diagonal_layers():
    """The transition of n iterations has the decays alone for its eigenvalues, each n times."""
    module, x = built(iterations=3, rank=2, expand=1), noise(1, 4)
    state = noise(1, 3, 4, seed=1)
    J = torch.autograd.functional.jacobian(lambda h: module.eval().step(x, (None, h))[1][1], state)
    kept = module.decay(module.into(x)[:, :4]).sigmoid()
    found = torch.linalg.eigvals(J.reshape(12, 12))
    torch.testing.assert_close(found.real.sort().values, kept.repeat(1, 3)[0].sort().values)
    assert found.imag.abs().max() < 1e-6


def test_one_direction_has_positive_eigenvalues_exactly_where_iterations_converge():
    A, _, _, radius = transitions((2.0, 1))
    found = torch.linalg.eigvals(A)
    assert found.imag.abs().max() < 1e-9
    converges = radius < 1
    assert converges.any()
    assert not converges.all()
    assert torch.equal((found.real > 0).all(-1), converges)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_spectrum_of_a_contraction_meets_the_circle_in_one_alone(count):
    A, _, M, _ = transitions((1.0, count))
    positive = torch.linalg.eigvalsh(M + M.mT).amin(-1) > 0
    assert positive.sum() > 20
    found = torch.linalg.eigvals(A)[positive]
    assert ((found - 0.5).abs() <= 0.5 + 1e-9).all()


def test_a_reflection_is_a_solution_that_no_iteration_reaches():
    """With one channel, W = 2 and m = -1: A = 1 / (1 + W m) = -1."""
    W, m = 2.0, -1.0
    assert 1 / (1 + W * m) == -1
    assert W / (1 + W) * (1 - m) > 1  # what an iteration multiplies an error by


@pytest.mark.parametrize(
    ("turn", "reached"), [(30.0, True), (60.0, True), (77.1, True), (77.2, False)]
)
def test_two_directions_turn_a_plane_and_iterations_reach_small_turns(turn, reached):
    """The limit is 540 / 7 degrees."""
    half = torch.tensor((180 + turn) / 4, dtype=torch.float64).deg2rad()  # between the directions
    u = torch.stack((torch.ones_like(half), torch.zeros_like(half)))
    v = torch.stack((half.cos(), half.sin()))
    identity = torch.eye(2, dtype=torch.float64)
    M = (identity - 2 * torch.outer(v, v)) @ (identity - 2 * torch.outer(u, u))
    W = -2 * (2 * half).cos()
    A = torch.linalg.inv(identity + W * M)
    torch.testing.assert_close(A @ A.mT, identity)
    angle = torch.atan2(A[1, 0], A[0, 0]).rad2deg()
    torch.testing.assert_close(angle, torch.tensor(-turn, dtype=torch.float64))
    radius = torch.linalg.eigvals(W / (1 + W) * (identity - M)).abs().max()
    assert (radius < 1) == reached


def test_gradients_of_the_last_iteration_are_of_training_alone():
    module, x = built(), noise(2, 6, 4)
    whole = twin(module, gradient="all")
    parameters = [list(one.parameters()) for one in (module, whole)]
    expected = torch.autograd.grad(whole(x).square().sum(), parameters[1])
    trained = torch.autograd.grad(module(x).square().sum(), parameters[0])
    torch.testing.assert_close(module(x), whole(x))
    assert (trained[0] - expected[0]).norm() > 0.01 * expected[0].norm()
    evaluated = torch.autograd.grad(module.eval()(x).square().sum(), parameters[0])
    torch.testing.assert_close(evaluated, expected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mixing": "kronecker"}, "mixing"),
        ({"gradient": "first"}, "gradient"),
        ({"iterations": 0}, "iterations"),
        ({"block": False, "convolution": 4}, "convolution=4 with block=False"),
    ],
)
def test_settings_that_have_no_layer_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        st.FPRNNConfig(**settings)
