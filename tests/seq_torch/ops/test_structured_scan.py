"""The scan of structured matrices: every backend is the loop of whole matrices."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import seq_torch as st
from seq_torch import ops
from seq_torch.ops.glue import threads
from seq_torch.ops.glue.backend import _log_once
from seq_torch.ops.structured import operator

CHECKS = ("test_schema", "test_autograd_registration", "test_faketensor")

MIXERS = {
    "dense": st.LinearCDEConfig(state_dim=8),
    "diagonal": st.LinearCDEConfig(state_dim=8, structure=st.Diagonal()),
    "blocks": st.LinearCDEConfig(state_dim=8, structure=st.BlockDiagonal(block_size=4)),
    "blocks_of_6": st.LinearCDEConfig(state_dim=12, structure=st.BlockDiagonal(block_size=6)),
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
            ("one_hot_rows", st.OneHotDiagonal(one_per="row"), "direct"),
        )
    },
}
CLOSED = (
    *("dense", "diagonal", "blocks", "blocks_of_6"),
    *("one_hot", "one_hot_real", "one_hot_rows"),
)
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
    return ("fused", "reference", "chunked", *(("parallel",) if name in CLOSED else ()))


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


@pytest.mark.parametrize("length", [1, 2, 7, 9])
@pytest.mark.parametrize("name", MIXERS)
def test_every_backend_adds_the_drive(name, length):
    mixer = built(name)
    moves = mixer.transitions(0.3 * noise(2, length, 5))
    if "one_hot" in name:
        moves = mixer.requires_grad_(False).transitions(0.3 * noise(2, length, 5))
    initial = mixer.initial_state(2).detach().to(moves.like().dtype).requires_grad_()
    drive = (noise(2, length, moves.width) * 0.5).to(initial.dtype).requires_grad_()
    leaves = [initial, drive, *(t for t in moves.tensors().values() if t.requires_grad)]
    weights, state, states = noise(2, length, moves.width), initial, []
    for k, matrix in enumerate(moves.dense().unbind(1)):
        state = (matrix @ state[..., None])[..., 0] + drive[:, k]
        states.append(state)

    def results(h):
        loss = (h.real * weights).sum() + (h * h.conj()).real.sum()
        return [h, *torch.autograd.grad(loss, leaves, retain_graph=True)]

    expected = results(torch.stack(states, 1))
    for backend in backends(name):
        found = results(ops.structured_scan(moves, initial, backend, drive=drive))
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


@pytest.mark.parametrize("name", MIXERS)
def test_same_bits_on_any_number_of_threads(name, torch_threads, monkeypatch):
    monkeypatch.setattr(threads, "SMALL", 0)
    mixer, x, runs = built(name), noise(5, 9, 5), []
    for count in (1, 3):
        torch_threads(count)
        loss = mixer(x).square().sum()
        runs.append([loss.detach(), *torch.autograd.grad(loss, list(mixer.parameters()))])
    assert all(torch.equal(one, other) for one, other in zip(*runs, strict=True))


@pytest.mark.parametrize("name", MIXERS)
def test_registration(name):
    mixer = built(name)
    moves = mixer.transitions(noise(2, 4, 5))
    tensors = [t.detach().requires_grad_(t.requires_grad) for t in moves.tensors().values()]
    initial = mixer.initial_state(2).detach().to(moves.like().dtype).requires_grad_()
    drive = noise(2, 4, initial.shape[1]).to(initial.dtype).requires_grad_()
    for added in (None, drive):
        arguments = (moves.kernel, tensors, getattr(moves, "plus_identity", None), initial, added)
        torch.library.opcheck(operator.operator, arguments, test_utils=CHECKS)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["blocks", "low_rank", "sparse", "one_hot_real"])
def test_compiles_without_a_break(name):
    mixer, x = built(name), noise(2, 5, 5)
    leaves = list(mixer.parameters())
    expected = torch.autograd.grad(mixer(x).sum(), leaves)
    compiled = torch.compile(mixer, fullgraph=True, backend="aot_eager")
    for one, other in zip(torch.autograd.grad(compiled(x).sum(), leaves), expected, strict=True):
        torch.testing.assert_close(one, other, **EXACT)


@pytest.mark.parametrize("name", ["dense", "low_rank", "sparse"])
def test_vmap_maps_the_input(name):
    mixer, x = built(name), 0.3 * noise(3, 2, 6, 5)
    expected = torch.stack([mixer(one) for one in x])
    torch.testing.assert_close(torch.func.vmap(mixer)(x), expected, **EXACT)


def test_a_second_derivative_is_refused_by_fused_and_given_by_reference():
    mixer, x = built("blocks"), noise(1, 4, 5).requires_grad_()

    def second(backend):
        with ops.use_backend(backend):
            loss = mixer(x).square().sum()
        first = torch.autograd.grad(loss, x, create_graph=True)[0]
        return torch.autograd.grad(first.square().sum(), x)[0]

    with pytest.raises(RuntimeError):
        second("fused")
    assert second("reference").isfinite().all()


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # torch's own
def test_a_forward_derivative_is_refused_by_fused_and_given_by_reference():
    mixer, x = built("blocks"), noise(1, 4, 5)

    def tangent(backend):
        with ops.use_backend(backend):
            return torch.func.jvp(lambda x: mixer(x).sum(), (x,), (torch.ones_like(x),))[1]

    with pytest.raises(ops.BackendError, match="no forward-mode derivative"):
        tangent("fused")
    assert tangent("reference") != 0


WRONG = {
    "places": (ops.structured.SparseRows(torch.ones(2, 3, 4, 2), torch.full((4, 2), 9), True), 9),
    "many": (ops.structured.SparseRows(torch.ones(2, 3, 4, 2), torch.zeros(8, 2).long(), True), 8),
    "rows": (ops.structured.Routed(torch.full((2, 3, 4), -1), torch.ones(2, 3, 4)), -1),
    "one": (ops.structured.Routed(torch.zeros(1, 1, 4).long(), torch.ones(2, 3, 4)), "rows"),
    "float": (ops.structured.Routed(torch.zeros(2, 3, 4), torch.ones(2, 3, 4)), "integers"),
    "short": (
        ops.structured.DiagonalLowRank(
            torch.ones(2, 1, 4), torch.ones(2, 3, 4, 1), torch.ones(2, 3, 4, 1)
        ),
        "diagonal",
    ),
    "ranks": (
        ops.structured.DiagonalLowRank(
            torch.ones(2, 3, 4), torch.ones(2, 3, 4, 2), torch.ones(2, 3, 4, 3)
        ),
        "right",
    ),
    "type": (
        ops.structured.DiagonalLowRank(
            torch.ones(2, 3, 4).long(), torch.ones(2, 3, 4, 2), torch.ones(2, 3, 4, 2)
        ),
        "diagonal",
    ),
    "width": (ops.structured.Hadamard(torch.ones(2, 3, 6), True), "diagonal"),
    "oblong": (ops.structured.Blocks(torch.ones(2, 3, 2, 2, 3)), "blocks"),
    "device": (
        ops.structured.DiagonalLowRank(
            torch.ones(2, 3, 4, device="meta"), torch.ones(2, 3, 4, 1), torch.ones(2, 3, 4, 1)
        ),
        "diagonal on meta",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_matrices_that_do_not_fit_are_refused_and_not_read(case):
    matrices, named = WRONG[case]
    with pytest.raises((ValueError, IndexError), match=str(named)):
        ops.structured_scan(matrices, torch.ones(2, matrices.width), "fused")


@pytest.mark.parametrize("name", ["diagonal", "sparse", "walsh_hadamard", "one_hot_real"])
def test_the_result_has_the_type_of_the_matrices(name):
    mixer = built(name).float().requires_grad_(False)
    moves = mixer.transitions(noise(2, 7, 5).float())
    initial = mixer.initial_state(2).double()
    for backend in backends(name):
        assert ops.structured_scan(moves, initial, backend).dtype == torch.float32


def test_half_precision_is_computed_step_by_step():
    mixer, x = built("sparse").bfloat16(), noise(2, 6, 5).bfloat16()
    assert mixer(x).dtype == torch.bfloat16
    with ops.use_backend("reference"):
        expected = mixer(x)
    assert torch.equal(mixer(x), expected)
    with ops.use_backend("fused"), pytest.raises(ops.BackendError, match="single or double"):
        mixer(x)


def test_the_choice_is_logged(caplog):
    mixer = built("walsh_hadamard")
    _log_once.cache_clear()
    with caplog.at_level("INFO", logger="seq_torch.ops.backend"):
        mixer(noise(2, 3, 5))
    assert "structured_scan: backend fused for torch.float64 on cpu" in caplog.text


@pytest.mark.parametrize("name", [name for name in MIXERS if name not in CLOSED])
def test_products_that_lose_the_structure_are_not_scanned_in_parallel(name):
    mixer = built(name)
    with (
        ops.use_backend("parallel"),
        pytest.raises(ops.BackendError, match="products of one structure"),
    ):
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
    with pytest.raises(ops.BackendError, match="'cuda', which it does not have"):
        ops.structured_scan(moves, mixer.initial_state(2), "cuda")
    with pytest.raises(ValueError, match=r"initial with dtype torch.complex128 .*float64"):
        ops.structured_scan(moves, mixer.initial_state(2) * 1j)
    with pytest.raises(ValueError, match=r"got drive of shape \(2, 8\), expected .* \(2, 3, 8\)"):
        ops.structured_scan(moves, mixer.initial_state(2), drive=noise(2, 8))
    with pytest.raises(ValueError, match=r"drive with dtype torch.complex128 .*float64"):
        ops.structured_scan(moves, mixer.initial_state(2), drive=noise(2, 3, 8) * 1j)
    low_rank = built("low_rank").transitions(noise(2, 3, 5))
    mixed = replace(low_rank, left=low_rank.left.float())
    with pytest.raises(ValueError, match=r"torch.float64 and torch.float32 \(left\), expected one"):
        ops.structured_scan(mixed, built("low_rank").initial_state(2))
