"""The scan of structured matrices: every backend is the loop of whole matrices."""

from __future__ import annotations

import pytest
import torch

import seq_torch as st
from seq_torch import ops

MIXERS = {
    "dense": st.LinearCDEConfig(state_dim=8),
    "diagonal": st.LinearCDEConfig(state_dim=8, structure=st.Diagonal()),
    "blocks": st.LinearCDEConfig(state_dim=8, structure=st.BlockDiagonal(block_size=4)),
    **{
        name: st.LinearCDEConfig(state_dim=8, structure=structure, transition=transition, dt=0.2)
        for name, structure, transition in (
            ("low_rank", st.DiagonalPlusLowRank(rank=2), "first_order"),
            ("sparse", st.Sparse(density=0.3), "first_order"),
            ("sparse_direct", st.Sparse(density=0.3), "direct"),
            ("walsh_hadamard", st.WalshHadamard(), "first_order"),
            ("walsh_hadamard_direct", st.WalshHadamard(), "direct"),
            ("one_hot", st.OneHotDiagonal(), "direct"),
            ("one_hot_real", st.OneHotDiagonal(entries="real"), "direct"),
        )
    },
}
CLOSED = ("dense", "diagonal", "blocks", "one_hot", "one_hot_real")
EXACT = {"rtol": 1e-9, "atol": 1e-11}


def built(name):
    torch.manual_seed(0)
    return MIXERS[name].build(5).double()


def noise(*shape):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def states_of_the_loop(mixer, x):
    state, states = mixer.initial_state(len(x)), []
    for matrix in mixer.matrices(x).unbind(1):
        state = (matrix @ state[..., None])[..., 0]
        states.append(state)
    return torch.stack(states, 1)


def backends(name):
    return ("auto", "reference", "chunked", *(("parallel",) if name in CLOSED else ()))


@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 64])
@pytest.mark.parametrize("name", MIXERS)
def test_every_backend_is_the_loop_of_whole_matrices(name, length):
    mixer, x = built(name), 0.3 * noise(3, length, 5)
    expected = states_of_the_loop(mixer, x).detach()
    for backend in backends(name):
        found = ops.structured_scan(mixer.transitions(x), mixer.initial_state(3), backend)
        torch.testing.assert_close(found.detach(), expected, **EXACT)


@pytest.mark.parametrize("name", MIXERS)
def test_every_backend_has_the_gradients_of_the_loop(name):
    mixer, x, weights = built(name), 0.3 * noise(2, 11, 5), noise(2, 11, 5)
    x.requires_grad_()
    leaves = [x, *mixer.parameters()]
    expected = torch.autograd.grad(
        (mixer._output(states_of_the_loop(mixer, x)) * weights).sum(), leaves
    )
    for backend in backends(name):
        with ops.use_backend(backend):
            found = torch.autograd.grad((mixer(x) * weights).sum(), leaves)
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, **EXACT)


@pytest.mark.parametrize("name", [name for name in MIXERS if "one_hot" in name])
def test_routes_without_a_gradient_are_the_same(name):
    mixer, x = built(name), noise(2, 30, 5)
    expected = mixer(x).detach()
    for backend in backends(name):
        with torch.no_grad(), ops.use_backend(backend):
            torch.testing.assert_close(mixer(x), expected, **EXACT)


def test_the_choice_has_the_gradient_of_the_softmax():
    mixer = built("one_hot_real")
    x = noise(1, 1, 5)
    mixer(x).sum().backward()
    state, A = mixer.start, mixer.A
    logits = (A["choice"][0] + torch.tensordot(x[0, 0], A["choice"][1:], 1)).detach()
    logits.requires_grad_()
    factors = (A["magnitude"][0] + x[0, 0] @ A["magnitude"][1:]).tanh()
    mixer.C(logits.softmax(0) @ (factors * state)).sum().backward()
    torch.testing.assert_close(A["choice"].grad[0], logits.grad, **EXACT)


@pytest.mark.parametrize("name", [name for name in MIXERS if name not in CLOSED])
def test_products_that_lose_the_structure_are_not_scanned_in_parallel(name):
    mixer = built(name)
    with ops.use_backend("parallel"), pytest.raises(ops.BackendError, match="no such structure"):
        mixer(noise(1, 4, 5))


def test_bad_input_is_named():
    mixer = built("blocks")
    moves = mixer.transitions(noise(2, 3, 5))
    with pytest.raises(ValueError, match=r"got initial of shape \(1, 8\).*\(2, 8\)"):
        ops.structured_scan(moves, mixer.initial_state(1))
    with pytest.raises(ValueError, match=r"leading axes \(2, 0\)"):
        ops.structured_scan(mixer.transitions(noise(2, 0, 5)), mixer.initial_state(2))
    with pytest.raises(ValueError, match=r"leading axes \(4,\)"):
        ops.structured_scan(mixer.transitions(noise(4, 5)), mixer.initial_state(4))
    with pytest.raises(ValueError, match="got backend='fast'"):
        ops.structured_scan(moves, mixer.initial_state(2), "fast")
    with pytest.raises(ops.BackendError, match="Blocks matrices do not have"):
        ops.structured_scan(moves, mixer.initial_state(2), "cuda")
