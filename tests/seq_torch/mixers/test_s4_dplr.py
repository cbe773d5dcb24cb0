"""Laws of S4's kernel: it is that of the dense system, at every length, and its gradient too."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import seq_torch as st
from seq_torch.mixers.parts import dplr_kernel as kernels
from seq_torch.parameter import as_complex
from seqtheory.hippo import legs

EXACT = {"rtol": 1e-10, "atol": 1e-11}
LENGTHS = [1, 2, 3, 7, 8, 9, 64, 255, 256]
SIZES = [1, 2, 3, 8, 33]


def built(state_dim, width=4, seed=0, **settings):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return st.S4DPLRConfig(state_dim=state_dim, **settings).build(width).double()


def system(state_dim, width=3, seed=0):
    """A random stable system in the coordinates of the kernel, with two outputs."""
    generator = torch.Generator().manual_seed(seed)
    shape = (width, -(-state_dim // 2))

    def complex_normal(*shape):
        return torch.randn(*shape, dtype=torch.complex128, generator=generator)

    mu = complex_normal(*shape)
    mu = torch.complex(-mu.real.abs() / 10, mu.imag)
    return mu, complex_normal(*shape), complex_normal(*shape), complex_normal(2, *shape)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("size", SIZES)
def test_the_generating_function_gives_the_unrolled_kernel(size, length):
    parts = system(size)
    expected = kernels.unrolled_kernel(*parts, length)
    torch.testing.assert_close(kernels.dplr_kernel(*parts, length), expected, **EXACT)


@pytest.mark.parametrize("size", SIZES)
def test_the_kernel_at_the_start_is_that_of_hippo(size):
    A, B = legs(size)
    module, length = built(size, width=2, bidirectional=True), 40
    module.log_decay.data.fill_(np.log(0.5))  # as drawn, but for the rounding of float32
    for values, dt in zip(module.kernels(length).unbind(1), module.dt.tolist(), strict=True):
        step = np.linalg.inv(np.eye(size) - dt[0] / 2 * A)
        transition, drive = step @ (np.eye(size) + dt[0] / 2 * A), step @ B * dt[0]
        # Whatever C is, the kernel is a combination of the states' responses.
        responses = np.stack([np.linalg.matrix_power(transition, k) @ drive for k in range(length)])
        for kernel in values.detach().numpy():
            rest = kernel - responses @ np.linalg.lstsq(responses, kernel, rcond=None)[0]
            assert np.abs(rest).max() < 2e-6 * np.abs(kernel).max()


@pytest.mark.parametrize("length", [1, 6, 7, 21])
def test_gradients_are_those_of_finite_differences(length, monkeypatch):
    monkeypatch.setattr(kernels, "BLOCK", 5)  # many blocks, the last ones not full
    parts = [part.requires_grad_() for part in system(5)]
    assert torch.autograd.gradcheck(lambda *p: kernels.dplr_kernel(*p, length), parts)


def test_blocks_do_not_change_the_kernel(monkeypatch):
    parts = system(9)
    whole = kernels.dplr_kernel(*parts, 100)
    for block in (1, 17, 60):
        monkeypatch.setattr(kernels, "BLOCK", block)
        torch.testing.assert_close(kernels.dplr_kernel(*parts, 100), whole, **EXACT)


@pytest.mark.parametrize("length", [2, 64, 1000])
def test_the_cosine_of_the_last_node_is_zero_exactly(length):
    sine, cosine = kernels.nodes(length)
    assert (sine[-1], cosine[-1]) == (1, 0)
    assert (sine[0], cosine[0]) == (0, 1)


@pytest.mark.parametrize("length", [1, 7, 256, 1024])
def test_single_precision_is_exact_to_its_rounding(length):
    double = built(64, seed=1)
    single = built(64, seed=1).float()
    scale = double.kernel(length).abs().max()
    assert (single.kernel(length) - double.kernel(length)).abs().max() < 1e-5 * scale


def test_a_kernel_is_the_beginning_of_a_longer_one():
    module = built(7)
    torch.testing.assert_close(module.kernel(50), module.kernel(333)[:, :50], **EXACT)


def test_an_odd_state_has_a_real_mode():
    module, x = built(5), torch.randn(2, 30, 4, dtype=torch.float64)
    before = module(x)
    with torch.no_grad():
        module.frequency[:, -1] += 1.0
        for pair in (module.P, module.B, module.C):
            pair[:, -1, 1] += 1.0
    torch.testing.assert_close(module(x), before, rtol=0, atol=0)


def test_the_system_is_stable_whatever_its_parameters():
    module = built(8, width=16)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 3 * torch.randn_like(parameter)
    mu, p, _ = module._system()
    dense = torch.eye(8, dtype=torch.float64) + kernels._increment(mu, p)
    assert (torch.linalg.matrix_norm(dense, ord=2) <= 1 + 1e-12).all()
    assert module.kernel(2000).isfinite().all()


def test_the_backward_direction_is_the_forward_one_of_the_reversed_sequence():
    module = built(6, bidirectional=True, skip=False)
    x = torch.randn(2, 20, 4, dtype=torch.float64)
    ahead, behind = (as_complex(module.C)[i].clone() for i in (0, 1))
    with torch.no_grad():
        both = module(x)
        only = built(6, skip=False)
        only.load_state_dict(module.state_dict() | {"C": torch.view_as_real(ahead)})
        past = only(x)
        only.C.copy_(torch.view_as_real(behind))
        future = torch.zeros_like(x)
        future[:, :-1] = only(x.flip(1)).flip(1)[:, 1:]
    torch.testing.assert_close(both, past + future, **EXACT)


def test_the_poles_are_never_held_all_at_once():
    width, state_dim, length = 8, 128, 8192
    module = built(state_dim, width=width).float()
    full = 8 * width * (state_dim // 2) * (length // 2 + 1)
    with torch.profiler.profile(profile_memory=True) as profile:
        module.kernel(length).sum().backward()
    held = peak = 0
    events = profile.profiler.kineto_results.events()
    for event in sorted((e for e in events if e.name() == "[memory]"), key=lambda e: e.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    assert peak < full
