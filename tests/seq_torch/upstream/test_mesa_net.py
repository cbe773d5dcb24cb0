"""MesaNet: upstream's numbers, the least squares that it solves, and both ways to solve them."""

from __future__ import annotations

import pytest
import torch

import seq_torch as st
from seq_torch import ops
from seq_torch.mixers.parts.ridge import solved_by_steps, solved_exactly


def read(case, solved, backend="auto"):
    """Call ours as upstream's: axes (batch, time, head, ...), states from before."""
    x = {name: case.inputs[name].transpose(1, 2) for name in ("q", "k", "v", "g", "beta")}
    G, S = case.inputs["h_kk_root"], case.inputs["h_kv_init"]
    G, decay = G @ G.mT, x["g"].exp()
    k, w, written = x["k"], x["beta"][..., None] * x["k"], x["beta"][..., None] * x["v"]
    with ops.use_backend(backend):
        z = solved(x["q"], k, w, decay, case.inputs["lamb"][:, None], G)
        k, rows = k[:, :, :, None], torch.cat((w, written), -1)[:, :, :, None]
        o, last = ops.outer_scan(z, k, rows, decay, torch.cat((G, S), -1), return_last_state=True)
    G, S = last.tensor_split(2, -1)
    return {"o": o[..., k.shape[-1] :].transpose(1, 2), "h_kk": G, "h_kv": S}


def by_steps(*given):
    return solved_by_steps(*given, steps=30)


@pytest.mark.parametrize("backend", ["auto", "reference"])
@pytest.mark.parametrize("solved", [solved_exactly, by_steps])
def test_both_solutions_give_upstreams_numbers(golden, solved, backend):
    case = golden("mesa_net")["scan with a state"]
    case.agrees(read(case, solved, backend))


def built(**settings):
    torch.manual_seed(0)
    sizes = {"heads": 2, "key_dim": 4, "value_dim": 3, "start": "own"} | settings
    return st.MesaNetConfig(**sizes).build(8).double()


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_steps_reach_the_exact_layer_with_its_gradients():
    x, found = noise(2, 70, 8), []
    for iterations in (None, 30):
        module = built(iterations=iterations)
        module(x).square().sum().backward()
        found.append([module(x), *(p.grad for p in module.parameters())])
    torch.testing.assert_close(*found)


def test_few_steps_are_a_part_of_the_way():
    x = noise(1, 20, 8)
    exact = built()(x)
    errors = [(built(iterations=n)(x) - exact).norm() for n in (1, 2, 4)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-9 * exact.norm()  # of four unknowns


def test_what_is_read_is_the_least_squares_of_the_past():
    """The output is M^T q for the M with the least loss: its gradient there is zero."""
    module, x = built(block=False), noise(1, 12, 8)
    q, k = module.into(x).split(module.parts, -1)[0].unflatten(-1, (2, 2, -1))[0].unbind(1)
    q, k = (part / (part.square().sum(-1, keepdim=True) + 1e-6).sqrt() for part in (q, k))
    v = module.into(x).split(module.parts, -1)[1].unflatten(-1, (2, -1))[0]
    gamma, beta = torch.sigmoid(module.decay(x))[0], torch.sigmoid(module.strength(x))[0]
    weight, heads = gamma.new_zeros(0, 2), []
    for t in range(12):
        weight = torch.cat((gamma[t] * weight, beta[t, None]))
        for h in range(2):
            scaled = weight[:, h, None].sqrt()
            ridge = torch.diag(module.ridges()[h].sqrt())
            rows = torch.cat((scaled * k[: t + 1, h], ridge))
            aims = torch.cat((scaled * v[: t + 1, h], v.new_zeros(4, 3)))
            heads.append(torch.linalg.lstsq(rows, aims).solution.mT @ q[t, h])
    expected = module.out(torch.stack(heads).reshape(1, 12, 6))
    torch.testing.assert_close(module(x), expected)


@pytest.mark.parametrize("ridge", [0.25, 2.0])
def test_the_ridge_starts_at_one_or_above_its_bound(ridge):
    found = built(ridge=ridge).ridges()
    torch.testing.assert_close(found, torch.full_like(found, 1.0 if ridge < 1 else ridge + 1))


def test_a_second_derivative_of_steps_is_refused():
    x = noise(1, 5, 8).requires_grad_()
    (gradient,) = torch.autograd.grad(built(iterations=8)(x).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.square().sum().backward()
