"""Laws of Mamba's later forms and of the range of its eigenvalues."""

from __future__ import annotations

import cmath
from itertools import pairwise
from math import pi, sin
from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional

import seq_torch as st
from seq_torch.mixers.mamba3 import heavy_tail

EXACT = {"rtol": 1e-9, "atol": 1e-10}


def built(config, width=6, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return config.build(width).double()


def noise(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def set_(module, **values):
    """Fill parameters; those that are not named become zero."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
        for name, value in values.items():
            module.get_parameter(name.replace("__", ".")).copy_(value)


def ranged(a, eigenvalues):
    return 2 * a - 1 if eigenvalues == "signed" else a


def normalised(x, norm):
    return norm.weight * x / (x.square().mean() + 1e-5).sqrt()


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("input_dependent_C", [False, True])
def test_signed_mamba_is_its_equation(skip, input_dependent_C):
    config = st.MambaConfig(
        state_dim=3,
        block=False,
        skip=skip,
        input_dependent_C=input_dependent_C,
        eigenvalues="signed",
    )
    module, u = built(config), noise(2, 11, 6)
    h, outputs = torch.zeros(2, 6, 3).double(), []
    for k in range(11):
        rank, B, rest = module.projection(u[:, k]).tensor_split((module.rank, module.rank + 3), -1)
        C = rest if input_dependent_C else module.C.expand(2, -1)
        dt = functional.softplus(rank @ module.step_weight.T + module.step_bias)[..., None]
        a = 2 * torch.exp(-dt * module.log_decay.exp()) - 1
        h = a * h + dt * B[:, None] * u[:, k, :, None]
        y = (h * C[:, None]).sum(-1)
        outputs.append(y + module.D * u[:, k] if skip else y)
    torch.testing.assert_close(module(u), torch.stack(outputs, 1), **EXACT)


def test_both_ranges_of_mamba_share_weights_and_differ_in_the_factors_alone():
    unit, signed = (
        built(st.MambaConfig(state_dim=3, block=False, eigenvalues=name))
        for name in ("unit", "signed")
    )
    assert all(
        torch.equal(a, b) for a, b in zip(unit.parameters(), signed.parameters(), strict=True)
    )
    one = noise(2, 1, 6)  # from a zero state the first position sees no factor
    torch.testing.assert_close(unit(one), signed(one), **EXACT)
    assert not torch.allclose(unit(noise(2, 2, 6)), signed(noise(2, 2, 6)))


@pytest.mark.parametrize(
    ("step_rank", "width", "rank"),
    [("width", 768, 48), ("inner", 768, 96), ("width", 17, 2), ("inner", 17, 3), (5, 17, 5)],
)
def test_the_rank_of_the_steps_follows_the_width_as_published(step_rank, width, rank):
    config = st.MambaConfig(state_dim=2, step_rank=step_rank)
    assert built(config, width).recurrence.step_weight.shape == (2 * width, rank)
    bare = st.MambaConfig(state_dim=2, step_rank=step_rank, block=False)
    assert built(bare, width).rank == (5 if step_rank == 5 else -(-width // 16))


def parity(bits):
    return (bits.cumsum(1) % 2).double()


BITS = torch.randint(2, (2, 10_000), generator=torch.Generator().manual_seed(1))


def test_signed_mamba_counts_parity_at_length_ten_thousand():
    """Of h = -h + 1 after a one and h = h after a zero, with a step of 64 or none."""
    config = st.MambaConfig(
        state_dim=1, block=False, skip=False, input_dependent_C=False, eigenvalues="signed"
    )
    module = built(config, width=2)
    set_(
        module,
        projection__weight=torch.tensor([[-1e3, 64.0], [1 / 64, 1 / 64]]),
        step_weight=torch.ones(2, 1),
        C=torch.ones(1),
    )
    y = module(functional.one_hot(BITS, 2).double())
    torch.testing.assert_close(y[..., 1], parity(BITS), rtol=0, atol=1e-9)


def test_signed_mamba2_counts_parity_at_length_ten_thousand():
    config = st.Mamba2Config(state_dim=1, heads=1, block=False, eigenvalues="signed")
    module = built(config, width=2)
    set_(module, into__weight=torch.tensor([[1 / 64, 1 / 64], [1.0, 1.0], [-1e3, 64.0]]))
    y = module(functional.one_hot(BITS, 2).double())
    torch.testing.assert_close(y[..., 1], parity(BITS), rtol=0, atol=1e-9)


@pytest.mark.parametrize("eigenvalues", ["unit", "signed"])
def test_the_bare_mamba2_is_its_equation(eigenvalues):
    module = built(st.Mamba2Config(state_dim=4, heads=2, block=False, eigenvalues=eigenvalues))
    x = noise(2, 11, 6)
    B, C, step = module.into(x).split((4, 4, 2), -1)
    expected = mamba2_by_hand(module, x, B, C, step)
    torch.testing.assert_close(module(x), expected, **EXACT)


def mamba2_by_hand(module, u, B, C, step):
    """One row, position and head at a time."""
    rows = []
    for row in range(len(u)):
        h, outputs = torch.zeros(2, 4, u.shape[-1] // 2).double(), []
        for k in range(u.shape[1]):
            heads = []
            for n in range(2):
                dt = torch.log1p(torch.exp(step[row, k, n] + module.step_bias[n]))
                a = ranged(torch.exp(-dt * module.log_decay[n].exp()), module.config.eigenvalues)
                part = u[row, k].unflatten(0, (2, -1))[n]
                h = h.clone()
                h[n] = a * h[n] + dt * torch.outer(B[row, k], part)
                heads.append(C[row, k] @ h[n] + module.D[n] * part)
            outputs.append(torch.cat(heads))
        rows.append(torch.stack(outputs))
    return torch.stack(rows)


def test_the_block_of_mamba2_is_its_equation():
    module = built(st.Mamba2Config(state_dim=4, heads=2, convolution=3, expand=3))
    x = noise(2, 11, 6)
    mapped, step, z = module.into(x).split((18 + 8, 2, 18), -1)
    kernel, bias = module.convolution.weight[:, 0], module.convolution.bias
    past = functional.pad(mapped, (0, 0, 2, 0))
    mapped = functional.silu(bias + sum(kernel[:, j] * past[:, j : j + 11] for j in range(3)))
    y = mamba2_by_hand(module, *mapped.split((18, 4, 4), -1), step) * functional.silu(z)
    y = module.norm.weight * y / (y.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(module(x), module.out(y), **EXACT)


def test_groups_of_mamba2_are_blocks_side_by_side_up_to_their_map_out():
    module = built(st.Mamba2Config(state_dim=4, heads=4, groups=2, convolution=3, expand=2))
    x = noise(2, 11, 6)
    mapped, step, z = module.into(x).split((12 + 16, 4, 12), -1)
    mapped = functional.silu(module.convolution.sequence(mapped))
    u, B, C = (value.unflatten(-1, (2, -1)) for value in mapped.split((12, 8, 8), -1))
    halves = []
    for group, heads in enumerate((slice(0, 2), slice(2, 4))):
        half = SimpleNamespace(
            config=module.config, D=module.D[heads],
            step_bias=module.step_bias[heads], log_decay=module.log_decay[heads],
        )  # fmt: skip
        inputs = (value[:, :, group] for value in (u, B, C))
        y = mamba2_by_hand(half, *inputs, step[..., heads])
        y = y * functional.silu(z.unflatten(-1, (2, -1))[:, :, group])
        halves.append(y / (y.square().mean(-1, keepdim=True) + 1e-5).sqrt())
    expected = module.out(module.norm.weight * torch.cat(halves, -1))
    torch.testing.assert_close(module(x), expected, **EXACT)
    with pytest.raises(ValueError, match="got groups=3 with heads=4, expected a divisor"):
        st.Mamba2Config(groups=3)


def decay_rate(x, rate):
    if rate == "softplus":
        return functional.softplus(x)
    return 1 / (1 - x) if x < 0 else 1 + x


@pytest.mark.parametrize("rate", ["softplus", "heavy_tail"])
@pytest.mark.parametrize("eigenvalues", ["unit", "signed", "complex"])
def test_mamba3_is_its_equation_in_complex_numbers(eigenvalues, rate):
    module = built(st.Mamba3Config(state_dim=4, heads=2, eigenvalues=eigenvalues, rate=rate))
    x = noise(1, 11, 6)
    sizes = (12, 12, 4, 4, 2, 2, 2, 2 if eigenvalues == "complex" else 0)
    z, u, B, C, step, decay, share, turn = module.into(x[0]).split(sizes, -1)
    outputs = torch.zeros(11, 12).double()
    for n in range(2):
        h = last = torch.zeros(2, 6, dtype=torch.complex128)
        for k in range(11):
            dt = functional.softplus(step[k, n] + module.step_bias[n])
            a = ranged(torch.exp(-dt * decay_rate(decay[k, n], rate)), eigenvalues)
            angle = dt * pi * torch.tanh(turn[k]) if eigenvalues == "complex" else 0 * B[k, :2]
            b = normalised(B[k], module.B_norm) + module.B_bias[n]
            c = normalised(C[k], module.C_norm) + module.C_bias[n]
            b, c = (torch.complex(pair[::2], pair[1::2]) for pair in (b, c))
            part = u[k].unflatten(0, (2, -1))[n]
            new, lam = torch.outer(b, part + 0j), torch.sigmoid(share[k, n])
            factor = (a * torch.exp(1j * angle))[:, None]
            h = factor * h + (1 - lam) * dt * factor * last + lam * dt * new
            last = new
            y = (c.conj() @ h).real + module.D[n] * part
            outputs[k, 6 * n : 6 * n + 6] = y * functional.silu(z[k].unflatten(0, (2, -1))[n])
    torch.testing.assert_close(module(x)[0], module.out(outputs), **EXACT)


def test_weights_of_the_other_sense_of_turning_carry_over_with_the_angles_negated():
    """By hand in the other sense: states that turn by minus the angle give the same outputs."""
    module, x = built(st.Mamba3Config(state_dim=4, heads=2)), noise(1, 11, 6)
    expected = module(x)
    with torch.no_grad():
        module.into.weight[-2:] *= -1  # the rows of theta', state_dim / 2 of them, are the last
    assert not torch.allclose(module(x), expected)
    # Conjugate pairs: minus the second of each pair of rows of B, C turns the other way.
    with torch.no_grad():
        for start in (24, 28):  # of B and of C, behind z and u
            module.into.weight[start + 1 : start + 4 : 2] *= -1
        module.B_bias[:, 1::2] *= -1
        module.C_bias[:, 1::2] *= -1
    torch.testing.assert_close(module(x), expected, **EXACT)


def turned_on(row, angles):
    """Turn each pair of entries by its angle, as the published code does with B and C."""
    first, second, cosine, sine = row[::2], row[1::2], angles.cos(), angles.sin()
    turned = (first * cosine - second * sine, first * sine + second * cosine)
    return torch.stack(turned, -1).flatten()


@pytest.mark.parametrize("turned", [1, 2])  # half of the pairs of rows, or all of them
@torch.no_grad()
def test_published_weights_of_mamba3_give_the_published_outputs_with_the_angles_negated(turned):
    """The published rule by a loop: all angles so far turn B and C on, so the state turns back."""
    module, x = built(st.Mamba3Config(state_dim=4, heads=2, rate="heavy_tail")), noise(1, 11, 6)
    published = module.into.weight[: 38 + turned].clone()
    z, u, B, C, step, decay, share, turn = (x[0] @ published.T).split(
        (12, 12, 4, 4, 2, 2, 2, turned), -1
    )
    outputs = torch.zeros(11, 12).double()
    for n in range(2):
        h, last, angles = noise(4, 6) * 0, noise(4, 6) * 0, noise(2) * 0
        for k in range(11):
            dt = functional.softplus(step[k, n] + module.step_bias[n])
            a, lam = torch.exp(-dt * decay_rate(decay[k, n], "heavy_tail")), share[k, n].sigmoid()
            angles[:turned] += dt * pi * torch.tanh(turn[k])
            b = turned_on(normalised(B[k], module.B_norm) + module.B_bias[n], angles)
            c = turned_on(normalised(C[k], module.C_norm) + module.C_bias[n], angles)
            part = u[k].unflatten(0, (2, -1))[n]
            new = torch.outer(b, part)
            h, last = a * h + (1 - lam) * dt * a * last + lam * dt * new, new
            y = c @ h + module.D[n] * part
            outputs[k, 6 * n : 6 * n + 6] = y * functional.silu(z[k].unflatten(0, (2, -1))[n])
    module.into.weight[-2:] = 0  # the rows of theta'; those of pairs that do not turn stay zero
    module.into.weight[38 : 38 + turned] = -published[-turned:]
    torch.testing.assert_close(module(x)[0], module.out(outputs), **EXACT)


def test_the_heavy_tail_is_smooth_at_zero():
    x = torch.tensor([-1e3, -1.0, 0.0, 2.0], dtype=torch.float64, requires_grad=True)
    heavy_tail(x).sum().backward()
    torch.testing.assert_close(heavy_tail(x).detach(), torch.tensor([1 / 1001, 0.5, 1, 3]).double())
    torch.testing.assert_close(x.grad, torch.tensor([1 / 1001**2, 0.25, 1, 1]).double())


@pytest.mark.parametrize(("share", "order"), [(0.5, 2), (1.0, 1)])
def test_the_trapezoidal_rule_is_of_second_order_and_eulers_of_first(share, order):
    """Of h' = -(1 - i pi / 2) h + sin t at t = 2, with inputs (1, sin t)."""
    module = built(st.Mamba3Config(state_dim=2, heads=2, expand=1), width=2)
    z, u, rate, lam, turn = 0, 2, 10, 12, 14  # rows of the map
    constant, signal = 0, 1
    eigenvalue = complex(-1, pi / 2)
    exact = response(eigenvalue, 2.0)
    errors = []
    for steps in (50, 100, 200):
        dt = 2.0 / steps
        weight = torch.zeros(15, 2)
        weight[z : z + 2, constant] = 1.0
        weight[u : u + 2, signal] = 1.0
        weight[rate : rate + 2, constant] = torch.log(torch.expm1(torch.ones(1)))
        weight[lam : lam + 2, constant] = 0.0 if share == 0.5 else 1e3
        weight[turn, constant] = torch.atanh(torch.tensor(0.5))
        set_(
            module,
            into__weight=weight,
            step_bias=torch.log(torch.expm1(torch.full((2,), dt).double())),
            B_bias=torch.tensor([1.0, 0.0]),
            C_bias=torch.tensor([[1.0, 0.0], [0.0, 1.0]]),  # real and imaginary part
            out__weight=torch.eye(2),
        )
        times = [dt * (k + 1) for k in range(steps)]
        x = torch.tensor([[1.0, sin(t)] for t in times]).double()[None]
        y = module(x)[0, -1] / functional.silu(torch.ones(1).double())
        errors.append(abs(complex(y[0].item(), y[1].item()) - exact))
    for coarse, fine in pairwise(errors):
        assert 0.85 * 2**order < coarse / fine < 1.15 * 2**order


def response(eigenvalue, end):
    """Solve h' = eigenvalue h + sin t, h(0) = 0, in closed form."""

    def driven(frequency):
        return (cmath.exp(1j * frequency * end) - cmath.exp(eigenvalue * end)) / (
            1j * frequency - eigenvalue
        )

    return (driven(1) - driven(-1)) / 2j


def test_heads_must_divide_the_inner_width():
    for config in (st.Mamba2Config(heads=5), st.Mamba3Config(heads=5)):
        with pytest.raises(ValueError, match="16 inner channels cannot be shared by 5 heads"):
            config.build(8)


def test_what_places_an_eigenvalue_is_marked():
    for config, expected in (
        (st.Mamba2Config(), {"step_bias", "log_decay"}),
        (st.Mamba3Config(), {"step_bias"}),
    ):
        named = built(config).named_parameters()
        assert {k for k, p in named if isinstance(p, st.StateParameter)} == expected
