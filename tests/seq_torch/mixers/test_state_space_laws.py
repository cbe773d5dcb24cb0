"""Laws of the time-invariant mixers: kernels, spectra, steps and symmetries."""

from __future__ import annotations

import dataclasses
from math import log, pi

import numpy as np
import pytest
import torch

import seq_torch as st
from seq_torch import ops
from seq_torch.mixers.parts.vandermonde import exponential_sum, weighted_by_exponentials
from seq_torch.parameter import as_complex, as_pair
from seqtheory.hippo import normal_part

EXACT = {"rtol": 1e-10, "atol": 1e-11}
LENGTHS = [1, 2, 7, 8, 9, 64, 1000]
CONVOLVED = {
    "lin": st.S4DConfig(state_dim=6, skip=False),
    "inv": st.S4DConfig(state_dim=6, initialisation="inv", skip=False),
    "legs": st.S4DConfig(state_dim=6, initialisation="legs", skip=False),
    "bilinear": st.S4DConfig(state_dim=6, discretisation="bilinear", skip=False),
    "lin_odd": st.S4DConfig(state_dim=5, skip=False),
    "inv_odd": st.S4DConfig(state_dim=5, initialisation="inv", skip=False),
    "legs_odd": st.S4DConfig(state_dim=5, initialisation="legs", skip=False),
    "bilinear_odd": st.S4DConfig(state_dim=5, discretisation="bilinear", skip=False),
    "lin_one": st.S4DConfig(state_dim=1, skip=False),
    "dplr": st.S4DPLRConfig(state_dim=6, skip=False),
    "dplr_odd": st.S4DPLRConfig(state_dim=5, skip=False),
    "dplr_one": st.S4DPLRConfig(state_dim=1, skip=False),
    "s4": st.S4Config(state_dim=3, skip=False),
    "s4_published": st.S4Config(state_dim=3, published_step=True, skip=False),
}


def built(config, width=5, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return config.build(width).double()


def noise(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("length", LENGTHS)
def test_the_sum_of_exponentials_is_the_vandermonde_product(length):
    coefficients = torch.complex(noise(3, 4), noise(3, 4, seed=1))
    exponents = torch.complex(-noise(3, 4, seed=2).abs(), 9 * noise(3, 4, seed=3)) / 10
    lags = torch.arange(length)
    full = (coefficients[..., None] * torch.exp(exponents[..., None] * lags)).sum(1).real
    torch.testing.assert_close(exponential_sum(coefficients, exponents, length), full, **EXACT)


def test_the_kernel_never_holds_a_vandermonde_matrix():
    width, pairs, length = 4, 32, 4096
    module = built(st.S4DConfig(state_dim=2 * pairs), width=width)
    sizes = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: sizes.append(t.numel() * t.element_size()) or t, lambda t: t
    ):
        module.kernel(length)
    assert max(sizes) <= 16 * width * pairs * 2 * 64
    assert sum(sizes) < 16 * width * pairs * length / 4


@pytest.mark.parametrize("config", CONVOLVED.values(), ids=CONVOLVED)
def test_the_kernel_is_the_response_of_the_recurrence(config):
    module = built(config)
    state, response = module.initial_state(1), []
    for k in range(64):
        y, state = module.step(torch.full((1, 5), float(k == 0), dtype=torch.float64), state)
        response.append(y[0])
    torch.testing.assert_close(torch.stack(response, -1), module.kernel(64), **EXACT)


def test_s4d_starts_from_the_published_eigenvalues():
    n = torch.arange(3)
    lin, inv, legs = (built(CONVOLVED[name]) for name in ("lin", "inv", "legs"))
    for module in (lin, inv, legs):
        torch.testing.assert_close(module.log_decay.exp(), torch.full((5, 3), 0.5).double())
    torch.testing.assert_close(lin.frequency[0].float(), pi * n)
    torch.testing.assert_close(inv.frequency[0].float(), 6 / pi * (6 / (2 * n + 1) - 1))
    assert (legs.frequency > 0).all()


def all_modes(values, odd):
    """Every state: each pair with its conjugate, and the real one, whose imaginary part is not."""
    if not odd:
        return torch.cat((values, values.conj()), -1)
    return torch.cat((values, values[..., :-1].conj()), -1)


def spoilt(pairs):
    """Imaginary parts given to the last modes."""
    with torch.no_grad():
        pairs[..., -1, 1] += 7.0


@pytest.mark.parametrize("name", ["lin_odd", "inv_odd", "legs_odd", "bilinear_odd", "lin_one"])
def test_an_odd_number_of_states_is_pairs_and_one_real_state(name):
    module, lags = built(CONVOLVED[name]), torch.arange(40)
    A = all_modes(module.eigenvalues.detach(), odd=True)
    C = as_complex(module.C.detach()).clone()
    C[:, -1] = C[:, -1].real.to(C)
    rule = getattr(ops, module.discretisation)
    transition, gain = rule(A, torch.ones_like(A), module.dt.detach())
    powers = transition[..., None] ** lags
    expected = ((all_modes(C, odd=True) * gain)[..., None] * powers).sum(1)
    assert expected.imag.abs().max() < 1e-10
    torch.testing.assert_close(module.kernel(40), expected.real, **EXACT)
    before = module.kernel(40)
    spoilt(module.C)
    with torch.no_grad():
        module.frequency[:, -1] += 3.0
    assert torch.equal(module.kernel(40), before)


def test_s4d_of_odd_size_starts_from_a_spectrum_that_is_its_own_conjugate():
    n = torch.arange(-2, 3)
    expected = {
        "lin_odd": pi * n,
        "inv_odd": 5 / pi * torch.tensor([-4.0, -2 / 3, 0.0, 2 / 3, 4.0]),
        "legs_odd": torch.from_numpy(normal_part(5)[0].imag.copy()).sort().values,
    }
    for name, frequencies in expected.items():
        A = all_modes(built(CONVOLVED[name]).eigenvalues[0].detach(), odd=True)
        torch.testing.assert_close(A.real, torch.full((5,), -0.5).double())
        torch.testing.assert_close(A.imag.sort().values.float(), frequencies.float())


def test_s4_is_the_selective_scan_with_fixed_parameters():
    x = noise(2, 20, 5)
    for published in (False, True):
        module = built(st.S4Config(state_dim=3, published_step=published))
        delta = module.log_dt.exp().expand(2, 5, 20)
        B, C = as_complex(module.B), as_complex(module.C)
        y = ops.selective_scan(
            x.mT, delta, module.eigenvalues, B, C, module.D, delta_softplus=published
        )
        torch.testing.assert_close(module(x), y.mT, rtol=1e-8, atol=1e-9)


def test_s4_starts_at_the_first_harmonic():
    values = built(st.S4Config(state_dim=3)).eigenvalues[0]
    expected = torch.complex(torch.full((3,), -0.5), pi * torch.arange(1.0, 4.0))
    torch.testing.assert_close(values.to(torch.complex64), expected)


def test_the_published_step_is_softplus_of_the_intended_one():
    intended = built(st.S4Config(), width=500).dt
    published = built(st.S4Config(published_step=True), width=500).dt
    assert 1e-3 - 1e-9 <= intended.min() < 2e-3
    assert 0.08 < intended.max() <= 0.1 + 1e-8
    assert 0.6936 <= published.min() < 0.695
    assert 0.735 < published.max() <= 0.74440


@pytest.mark.parametrize("size", [1, 2, 3, 8, 33, 64])
def test_hippo_n_has_real_part_minus_one_half(size):
    values, vectors = normal_part(size)
    n = np.arange(size)
    legs = -np.sqrt(np.outer(2 * n + 1, 2 * n + 1)) * np.tri(size, k=-1) - np.diag(n + 1.0)
    normal = legs + np.outer(np.sqrt(n + 0.5), np.sqrt(n + 0.5))
    assert (values.real == -0.5).all()
    np.testing.assert_allclose(values.imag, -values.imag[::-1], atol=1e-9)
    np.testing.assert_allclose(vectors.conj().T @ vectors, np.eye(size), atol=1e-12)
    np.testing.assert_allclose(vectors * values @ vectors.conj().T, normal, atol=1e-10)


def test_s5_starts_with_real_part_minus_one_half():
    assert (built(st.S5Config(state_dim=32, blocks=4)).eigenvalues[:, 0] == -0.5).all()


@pytest.mark.parametrize("rule", ["zero_order_hold", "bilinear"])
@pytest.mark.parametrize(("size", "real"), [(8, []), (6, [1, 3])], ids=["even", "odd"])
def test_conjugate_symmetry_gives_the_full_system(size, real, rule):
    half = built(st.S5Config(state_dim=size, blocks=2, discretisation=rule))
    full = built(st.S5Config(state_dim=size, conjugate_symmetry=False, discretisation=rule))
    pairs = [n for n in range(4) if n not in real]

    def doubled(pair, axis):
        values = as_complex(pair.detach()).movedim(axis, 0).clone()
        values[real] = values[real].real.to(values)
        return as_pair(torch.cat((values, values[pairs].conj())).movedim(0, axis)).double()

    with torch.no_grad():  # imaginary parts of the real states too, which have no effect
        for pair in (half.eigenvalues, half.B, half.C):
            pair.copy_(pair + 0.1 * noise(*pair.shape))
    full.eigenvalues.data = doubled(half.eigenvalues, 0)
    full.B.data, full.C.data = doubled(half.B, 0), doubled(half.C, 1)
    full.log_dt.data = torch.cat((half.log_dt.data, half.log_dt.data[pairs]))
    full.D.data = half.D.data
    x = noise(2, 30, 5)
    torch.testing.assert_close(full(x), half(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rule", ["zero_order_hold", "bilinear"])
@pytest.mark.parametrize("size", [5, 6])
def test_s5_starts_as_the_real_hippo_system(size, rule):
    torch.set_default_dtype(torch.float64)
    try:
        module = built(st.S5Config(state_dim=size, discretisation=rule, skip=False))
    finally:
        torch.set_default_dtype(torch.float32)
    dt = 0.05
    module.log_dt.data.fill_(log(dt))
    values, vectors = (torch.from_numpy(array.copy()) for array in normal_part(size))
    A, half = (vectors * values @ vectors.mH).real, vectors[:, :3]
    times = torch.tensor([2.0, 2.0, 1.0 if size % 2 else 2.0])
    B = (half * times @ as_complex(module.B)).real
    C = (as_complex(module.C) @ (half * times).mH).real
    eye = torch.eye(size, dtype=torch.float64)
    if rule == "bilinear":
        step = torch.linalg.solve(eye - dt / 2 * A, eye + dt / 2 * A)
        drive = torch.linalg.solve(eye - dt / 2 * A, dt * B)
    else:
        step = torch.linalg.matrix_exp(dt * A)
        drive = torch.linalg.solve(A, (step - eye) @ B)
    x, h, expected = noise(1, 40, 5), torch.zeros(size, dtype=torch.float64), []
    for x_k in x[0]:
        h = step @ h + drive @ x_k
        expected.append(C @ h)
    torch.testing.assert_close(module(x)[0], torch.stack(expected), rtol=1e-9, atol=1e-9)


def test_clipping_keeps_s5_stable():
    x = torch.ones(1, 3000, 5, dtype=torch.float64)
    free = built(st.S5Config(state_dim=4, dt_min=0.1))
    clipped = built(st.S5Config(state_dim=4, dt_min=0.1, clip_eigenvalues=True))
    for module in (free, clipped):
        module.eigenvalues.data[:, 0] = 1.0
    assert clipped(x).abs().max() < 1e5 < free(x).abs().max()


def test_the_lru_starts_in_its_ring_with_matching_gain():
    module = built(st.LRUConfig(state_dim=4000, min_modulus=0.4, max_modulus=0.9, max_phase=1.0))
    modulus, phase = module.eigenvalues.abs(), module.eigenvalues.angle()
    assert 0.4 - 1e-6 <= modulus.min() < 0.41
    assert 0.89 < modulus.max() <= 0.9 + 1e-6
    assert 0 < phase.min() < 0.01
    assert 0.99 < phase.max() <= 1 + 1e-6
    # Uniform in area: the mean square lies midway.
    assert abs(modulus.square().mean() - (0.16 + 0.81) / 2) < 0.02
    gain = module.log_gain.exp()
    torch.testing.assert_close(gain.square(), 1 - modulus.square(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_lru_stays_inside_the_unit_circle(seed):
    module = built(st.LRUConfig(state_dim=100))
    module.log_decay.data += 5 * noise(100, seed=seed)
    assert (module.eigenvalues.abs() < 1).all()


SCANNED = {
    "s5": st.S5Config(state_dim=6, bidirectional=True),
    "s5_odd": st.S5Config(state_dim=6, blocks=2, bidirectional=True),
    "s5_full": st.S5Config(state_dim=5, conjugate_symmetry=False, bidirectional=True, skip=False),
    "s5_published": st.S5Config(state_dim=6, start="published", bidirectional=True),
    "lru": st.LRUConfig(state_dim=5, bidirectional=True),
}


@pytest.mark.parametrize("config", SCANNED.values(), ids=SCANNED)
def test_two_scans_are_one_system_in_both_directions_and_each_sees_its_position(config):
    module, x = built(config), noise(2, 9, 5)
    causal = built(dataclasses.replace(config, bidirectional=False))
    ahead, behind = module.C.chunk(2, dim=1)
    others = {name: value for name, value in module.state_dict().items() if name != "C"}
    causal.load_state_dict({**others, "C": ahead})
    forwards = causal(x)
    causal.load_state_dict({**others, "C": behind})
    backwards = causal(x.flip(1)).flip(1)
    skipped = 0 if module.D is None else module.D * x  # it is counted twice
    torch.testing.assert_close(module(x), forwards + backwards - skipped, **EXACT)
    assert not torch.allclose(ahead, behind)


def test_scaled_steps_are_other_steps():
    module, x = built(st.S5Config(state_dim=6, step_scale=0.5)), noise(2, 9, 5)
    other = built(st.S5Config(state_dim=6))
    with torch.no_grad():
        other.log_dt.sub_(log(2))
    torch.testing.assert_close(module(x), other(x), **EXACT)


def test_half_the_steps_on_a_held_input_are_the_same_system():
    coarse, fine = (built(st.S5Config(state_dim=6, step_scale=s)) for s in (1.0, 0.5))
    x = noise(2, 9, 5)
    held = fine(x.repeat_interleave(2, 1))[:, 1::2]
    torch.testing.assert_close(held, coarse(x), **EXACT)


@pytest.mark.parametrize("length", LENGTHS)
def test_the_sum_over_lags_is_the_transposed_vandermonde_product(length):
    weights = noise(2, 3, length)
    exponents = torch.complex(-noise(3, 4, seed=2).abs(), 9 * noise(3, 4, seed=3)) / 10
    powers = torch.exp(exponents[..., None] * torch.arange(length))
    full = (weights[:, :, None] * powers).sum(-1)
    torch.testing.assert_close(weighted_by_exponentials(weights, exponents), full, **EXACT)
