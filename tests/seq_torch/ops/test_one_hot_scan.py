"""The scan of one-hot matrices: every backend is that of whole matrices, straight-through."""

from __future__ import annotations

import pytest
import torch

from seq_torch import ops
from seq_torch.ops.one_hot import choice

EXACT = {"rtol": 1e-9, "atol": 1e-11}
FAST = ("fused", "chunked", "parallel")
N, WORDS = 6, 3


def noise(*shape, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def problem(length=7, entries="complex"):
    """Leaves by name, and the inputs of the scan that are made from them."""
    leaves = {
        "mix": noise(2, length, WORDS, seed=1),
        "dictionary": noise(WORDS, N, N, seed=2),
        "factors": 0.5 * noise(2, length, N, 2, seed=3),
        "drive": noise(2, length, N, 2, seed=4),
        "initial": noise(2, N, 2, seed=5),
    }
    leaves = {name: value.requires_grad_() for name, value in leaves.items()}
    states = [leaves[name] for name in ("factors", "drive", "initial")]
    real = entries == "real"
    states = [s[..., 0] if real else torch.view_as_complex(s) for s in states]
    return list(leaves.values()), (leaves["mix"].softmax(-1), leaves["dictionary"], *states)


def results(length, one_per, entries, backend):
    leaves, inputs = problem(length, entries)
    h = ops.one_hot_scan(*inputs, one_per, backend)
    loss = (h * h.conj()).real.sum() + h.real.sum()
    return [h, *torch.autograd.grad(loss, leaves, materialize_grads=True)]


@pytest.mark.parametrize("entries", ["complex", "real"])
@pytest.mark.parametrize("one_per", ["column", "row"])
@pytest.mark.parametrize("length", [1, 2, 9])
def test_every_backend_is_that_of_whole_matrices(length, one_per, entries):
    expected = results(length, one_per, entries, "reference")
    for backend in FAST:
        for one, other in zip(results(length, one_per, entries, backend), expected, strict=True):
            torch.testing.assert_close(one, other, **EXACT)


@pytest.mark.parametrize("axis", [-2, -1])
def test_choices_are_the_largest_logits_in_any_number_of_parts(axis, monkeypatch):
    weights, dictionary = noise(2, 9, WORDS).softmax(-1), noise(WORDS, N, N)
    logits = torch.einsum("btk,kij->btij", weights, dictionary)
    assert torch.equal(choice.places(weights, dictionary, axis), logits.argmax(axis))
    monkeypatch.setattr(choice, "TOGETHER", 2 * N * N)
    monkeypatch.setattr(choice, "numba_obstacle", lambda: "none")
    assert torch.equal(choice.places(weights, dictionary, axis), logits.argmax(axis))
    expected = results(9, "column", "complex", "reference")
    for one, other in zip(results(9, "column", "complex", "fused"), expected, strict=True):
        torch.testing.assert_close(one, other, **EXACT)


def test_of_equal_logits_the_first_is_chosen():
    weights, dictionary = torch.ones(1, 1, 1), torch.zeros(1, 4, 4)
    for axis in (-2, -1):
        assert not choice.places(weights, dictionary, axis).any()


@pytest.mark.parametrize("one_per", ["column", "row"])
def test_permutations_are_followed_by_either(one_per):
    """A cycle of N places, one step per position: the first unit vector goes round."""
    cycle = torch.roll(torch.eye(N, dtype=torch.float64), 1, 0)[None]
    ones, start = torch.ones(1, 2 * N, N).double(), torch.eye(N)[:1].double()
    h = ops.one_hot_scan(torch.ones(1, 2 * N, 1), cycle, ones, 0 * ones, start, one_per)
    assert torch.equal(h[0].argmax(-1), torch.arange(1, 2 * N + 1) % N)


def test_a_reset_moves_a_state_by_columns_and_copies_it_by_rows():
    reset = torch.zeros(1, 3, 3).double()
    reset[0, 1] = 1.0  # every state goes to the second; in each row the first is the largest
    start, one = torch.tensor([[0.0, 0.0, 1.0]]).double(), torch.ones(1, 1, 3).double()
    word = torch.ones(1, 1, 1)
    by_column = ops.one_hot_scan(word, reset, one, 0 * one, start)
    by_row = ops.one_hot_scan(word, reset.mT, one, 0 * one, start, "row")
    assert by_column.tolist() == [[[0.0, 1.0, 0.0]]]
    assert by_row.tolist() == [[[0.0, 0.0, 0.0]]]  # each copies the second number, which is zero


CHECKS = ("test_schema", "test_autograd_registration", "test_faketensor")


def test_registration():
    weights, dictionary = noise(2, 3, WORDS).requires_grad_(), noise(WORDS, N, N).requires_grad_()
    arguments = (weights, dictionary, noise(2, 3, N, 2), -2)
    torch.library.opcheck(choice._nothing, arguments, test_utils=CHECKS)


def test_bad_input_is_named():
    _, (weights, dictionary, factors, drive, initial) = problem(3)
    with pytest.raises(ValueError, match=r"got dictionary of shape \(3, 6, 5\)"):
        ops.one_hot_scan(weights, dictionary[..., :5], factors, drive, initial)
    with pytest.raises(ValueError, match="one_per='both': expected one of"):
        ops.one_hot_scan(weights, dictionary, factors, drive, initial, "both")  # type: ignore
    with pytest.raises(TypeError, match=r"got weights with dtype torch\.complex128"):
        ops.one_hot_scan(weights + 0j, dictionary, factors, drive, initial)
    with pytest.raises(ops.BackendError, match="'cuda', which it does not have"):
        ops.one_hot_scan(weights, dictionary, factors, drive, initial, backend="cuda")
