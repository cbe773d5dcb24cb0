"""The scan of pairs: every backend is the loop, which is a product of matrices and a sum."""

from __future__ import annotations

import pytest
import torch

from seq_torch import ops
from seq_torch.ops.glue import threads
from seq_torch.ops.pair import operator

EXACT = {"rtol": 1e-10, "atol": 1e-12}
BACKENDS = ("fused", "parallel", "reference")
CHECKS = ("test_schema", "test_autograd_registration", "test_faketensor")


def noise(*shape, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def problem(length=7, batch=3, state=5):
    shapes = ((2, 2, state), (2, state), (batch, length, state), (batch, 2, state))
    return [(0.6 * noise(*shape, seed=n)).requires_grad_() for n, shape in enumerate(shapes)]


def of_whole_matrices(matrices, gains, drive, initial):
    state, states = initial, []
    for u in drive.unbind(1):
        state = torch.einsum("ijn,bjn->bin", matrices, state) + gains * u[:, None]
        states.append(state)
    return torch.stack(states, 1).unbind(2)


def results(outputs, leaves):
    loss = sum((n + 1) * (o**2).sum() for n, o in enumerate(outputs))
    return [*outputs, *torch.autograd.grad(loss, leaves)]


@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 64])
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_is_the_loop_of_matrices(backend, length):
    leaves = problem(length)
    expected = results(of_whole_matrices(*leaves), leaves)
    found = results(ops.pair_scan(*leaves, backend), leaves)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, **EXACT)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_gradient_of_one_of_both_numbers_alone(backend):
    leaves = problem()
    for which in (0, 1):
        expected = results(of_whole_matrices(*leaves)[which : which + 1], leaves)
        found = results(ops.pair_scan(*leaves, backend)[which : which + 1], leaves)
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, **EXACT)


@pytest.mark.parametrize("backend", BACKENDS)
def test_rest_is_meant_where_no_state_is_given(backend):
    matrices, gains, drive, initial = problem()
    for one, other in zip(
        ops.pair_scan(matrices, gains, drive, backend=backend),
        ops.pair_scan(matrices, gains, drive, 0 * initial, backend),
        strict=True,
    ):
        torch.testing.assert_close(one, other, **EXACT)


def test_a_matrix_with_one_eigenvector_sums():
    """The oscillator without stiffness: z sums the drive, y sums z."""
    matrices = torch.tensor([[[1.0], [0.0]], [[1.0], [1.0]]])
    z, y = ops.pair_scan(matrices, torch.ones(2, 1), torch.ones(1, 5, 1))
    assert z.flatten().tolist() == [1, 2, 3, 4, 5]
    assert y.flatten().tolist() == [1, 3, 6, 10, 15]


def test_same_bits_on_any_number_of_threads(torch_threads, monkeypatch):
    monkeypatch.setattr(threads, "SMALL", 0)
    leaves, runs = problem(batch=5), []
    for count in (1, 3):
        torch_threads(count)
        runs.append(results(ops.pair_scan(*leaves, "fused"), leaves))
    assert all(torch.equal(one, other) for one, other in zip(*runs, strict=True))


def test_registration():
    torch.library.opcheck(operator.operator, tuple(problem()), test_utils=CHECKS)


def test_bad_input_is_named():
    matrices, gains, drive, initial = problem()
    with pytest.raises(ValueError, match=r"matrices of shape \(3, 2, 5\)"):
        ops.pair_scan(noise(3, 2, 5), gains, drive)
    with pytest.raises(ValueError, match=r"got gains of shape \(2, 4\)"):
        ops.pair_scan(matrices, gains[:, :4], drive)
    with pytest.raises(ValueError, match=r"got initial of shape \(1, 2, 5\), expected .*\(3, 2, 5"):
        ops.pair_scan(matrices, gains, drive, initial[:1])
    with pytest.raises(TypeError, match=r"got drive with dtype torch\.complex128"):
        ops.pair_scan(matrices, gains, drive + 0j)
    with pytest.raises(ops.BackendError, match="'cuda', which it does not have"):
        ops.pair_scan(matrices, gains, drive, backend="cuda")
