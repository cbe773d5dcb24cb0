"""Matrices that positions take from a table are those of the positions, in every backend."""

from __future__ import annotations

import pytest
import torch

import seq_torch as st
from seq_torch import ops
from seq_torch.ops.glue import threads
from seq_torch.ops.structured import (
    Blocks,
    DiagonalLowRank,
    Elementwise,
    Hadamard,
    Routed,
    SparseRows,
    problem,
    tokens,
)

BACKENDS = ("fused", "reference", "chunked")
COUNT = 6  # matrices of a table, the last of which no position takes
TABLES = {
    "dense": lambda normal: Blocks(0.2 * normal(COUNT, 1, 12, 12)),
    "blocks": lambda normal: Blocks(0.3 * normal(COUNT, 2, 9, 9)),
    "small blocks": lambda normal: Blocks(0.5 * normal(COUNT, 2, 3, 3)),
    "diagonal": lambda normal: Elementwise(normal(COUNT, 5)),
    "low rank": lambda normal: DiagonalLowRank(
        normal(COUNT, 5), 0.3 * normal(COUNT, 5, 2), normal(COUNT, 5, 2)
    ),
    "sparse": lambda normal: SparseRows(
        normal(COUNT, 4, 2), torch.tensor([[0, 1], [2, 3], [1, 3], [0, 2]]), True
    ),
    "Hadamard": lambda normal: Hadamard(normal(COUNT, 4), False),
    "routed": lambda normal: Routed(torch.arange(4).repeat(COUNT, 1).flip(1), normal(COUNT, 4)),
}


def made(name, dtype=torch.float64, batch=3, time=11):
    generator = torch.Generator().manual_seed(time)
    normal = lambda *shape: torch.randn(shape, dtype=dtype, generator=generator)  # noqa: E731
    table = TABLES[name](normal)
    leaves = [t.requires_grad_() for t in table.tensors().values() if t.dtype == dtype]
    chosen = torch.randint(COUNT - 1, (batch, time), generator=generator)
    initial = normal(batch, table.width).requires_grad_()
    drive = normal(batch, time, table.width).requires_grad_()
    return table, chosen, initial, drive, leaves


def results(states, leaves):
    generator = torch.Generator().manual_seed(1)
    double = torch.complex128 if states.is_complex() else torch.float64
    weights = torch.randn(states.shape, generator=generator, dtype=double).to(states.dtype)
    return [states.detach(), *torch.autograd.grad((states * weights.conj()).real.sum(), leaves)]


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=["real", "complex"])
@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("driven", [False, True])
def test_a_table_gives_what_a_matrix_per_position_gives(name, dtype, driven):
    table, chosen, initial, drive, leaves = made(name, dtype)
    leaves, added = [*leaves, initial, *([drive] if driven else [])], drive if driven else None
    positions = table.map(lambda t: t[chosen])
    expected = results(ops.structured_scan(positions, initial, "reference", drive=added), leaves)
    for backend in (*BACKENDS, *(["parallel"] if table.closed else [])):
        states = ops.structured_scan(table, initial, backend, drive=added, tokens=chosen)
        for one, other in zip(results(states, leaves), expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-12)


def test_single_precision_is_within_1e5_of_the_double_loop():
    table, chosen, initial, _, leaves = made("dense", batch=4, time=300)
    leaves = [*leaves, initial]
    longer = 1.4  # so that states neither vanish nor grow
    double = Blocks(longer * table.blocks)
    expected = results(ops.structured_scan(double, initial, "reference", tokens=chosen), leaves)
    single = Blocks(longer * table.blocks.float())
    single = ops.structured_scan(single, initial.float(), "fused", tokens=chosen)
    for one, other in zip(results(single, leaves), expected, strict=True):
        assert (one - other).abs().max() <= 1e-5 * other.abs().max()


def test_a_matrix_that_nobody_takes_has_a_gradient_of_zero():
    table, chosen, initial, _, leaves = made("dense")
    (gradient,) = torch.autograd.grad(
        ops.structured_scan(table, initial, tokens=chosen).sum(), leaves
    )
    assert not gradient[-1].any()
    assert all(gradient[token].any() for token in chosen.unique())


@pytest.mark.parametrize("name", ["dense", "blocks"])
def test_same_bits_on_any_number_of_threads(name, torch_threads, monkeypatch):
    monkeypatch.setattr(threads, "SMALL", 0)
    table, chosen, initial, drive, leaves = made(name)
    runs = []
    for count in (1, 2, 5):
        torch_threads(count)
        states = ops.structured_scan(table, initial, "fused", drive=drive, tokens=chosen)
        runs.append(results(states, [*leaves, initial, drive]))
    for run in runs[1:]:
        assert all(torch.equal(one, other) for one, other in zip(runs[0], run, strict=True))


def test_registration():
    table, chosen, initial, drive, _ = made("blocks")
    for added in (None, drive):
        torch.library.opcheck(
            tokens.operator,
            (table.blocks, chosen, initial, added),
            test_utils=("test_schema", "test_autograd_registration", "test_faketensor"),
        )


@pytest.mark.slow
def test_compiles_without_a_break():
    table, chosen, initial, _, leaves = made("dense")

    def states():
        return ops.structured_scan(table, initial, tokens=chosen)

    compiled = torch.compile(states, fullgraph=True, backend="aot_eager")
    for one, other in zip(results(compiled(), leaves), results(states(), leaves), strict=True):
        torch.testing.assert_close(one, other)


def test_a_second_derivative_and_a_tangent_are_refused():
    table, chosen, initial, _, leaves = made("dense")
    loss = ops.structured_scan(table, initial, tokens=chosen).square().sum()
    (first,) = torch.autograd.grad(loss, leaves, create_graph=True)
    with pytest.raises(RuntimeError, match="autograd"):
        torch.autograd.grad(first.sum(), leaves)


@pytest.mark.parametrize(
    "settings",
    [
        {"structure": st.Dense()},
        {"structure": st.Dense(), "transition": "first_order"},
        {"structure": st.BlockDiagonal(block_size=10)},
        {"structure": st.OneHotDiagonal(), "transition": "direct"},
    ],
    ids=str,
)
def test_a_linear_cde_looks_up_its_matrices(settings, monkeypatch):
    """It forms as many matrices as there are tokens, and no more."""
    torch.manual_seed(0)
    mixer = st.LinearCDEConfig(state_dim=20, **settings).build(4).double()
    table = torch.randn(COUNT, 4, dtype=torch.float64, requires_grad=True)
    chosen = torch.randint(COUNT, (3, 9))
    leaves = [table, *mixer.parameters()]
    expected = results(mixer(table[chosen]), leaves)
    for one, other in zip(results(mixer.lookup(table, chosen), leaves), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)

    def gathered(self):
        raise AssertionError("a matrix per position")

    monkeypatch.setattr(problem.Problem, "gathered", gathered)
    mixer.lookup(table, chosen)


@pytest.mark.parametrize(
    ("chosen", "error", "message"),
    [
        (torch.tensor([[0, COUNT]]), IndexError, r"tokens 0..6 and matrices for 0..5"),
        (torch.tensor([[-1, 0]]), IndexError, r"tokens -1..0 and matrices"),
        (torch.tensor([[0.0, 1.0]]), ValueError, "tokens with dtype torch.float32, expected int"),
        (torch.tensor([[True]]), ValueError, "tokens with dtype torch.bool"),
        (torch.tensor([0, 1]), ValueError, r"tokens of shape \(2,\), expected \(batch, time\)"),
        (torch.zeros(1, 0).long(), ValueError, r"tokens of shape \(1, 0\)"),
        (torch.zeros(1, 2, device="meta").long(), ValueError, "tokens on meta, expected cpu"),
    ],
)
def test_tokens_that_do_not_fit_are_named(chosen, error, message):
    table, _, initial, _, _ = made("dense")
    for backend in BACKENDS:
        with pytest.raises(error, match=message):
            ops.structured_scan(table, initial[:1], backend, tokens=chosen)


def test_states_and_matrices_beside_tokens_that_do_not_fit_are_named():
    table, chosen, initial, drive, _ = made("dense")
    with pytest.raises(ValueError, match=r"initial of shape \(1, 12\).*\(3, 12\)"):
        ops.structured_scan(table, initial[:1], tokens=chosen)
    with pytest.raises(ValueError, match=r"drive of shape .*\(3, 11, 12\)"):
        ops.structured_scan(table, initial, drive=drive[:, 1:], tokens=chosen)
    with pytest.raises(ValueError, match=r"leading axes \(3, 11\) beside tokens, expected \(token"):
        ops.structured_scan(table.map(lambda t: t[chosen]), initial, tokens=chosen)
    with pytest.raises(IndexError, match=r"tokens 0..9 and matrices for 0..5"):
        tokens.operator(table.blocks, torch.tensor([[0, 9]]), initial[:1], None)
