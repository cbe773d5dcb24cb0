"""The fused scans as operators of torch: checks, compile, vmap, autocast, double backward."""

import pytest
import torch

from seq_torch import ops
from seq_torch.ops.linear import operator as linear
from seq_torch.ops.selective import operator as selective


def selective_arguments(scans, **options):
    inputs = scans.make(5, **options)
    inputs["B"], inputs["C"] = (inputs[name].unsqueeze(1) for name in ("B", "C"))
    return tuple(inputs.get(name) for name in selective.NAMES)


CHECKS = ("test_schema", "test_autograd_registration", "test_faketensor")


@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
def test_registration_of_the_selective_scan(scans, is_complex):
    arguments = selective_arguments(scans, is_complex=is_complex)
    arguments = tuple(None if value is None else value.requires_grad_() for value in arguments)
    torch.library.opcheck(selective.operator, (*arguments, True, True), test_utils=CHECKS)


def test_registration_of_the_linear_scan():
    b = torch.randn(2, 5, 3, requires_grad=True)
    a = torch.rand(1, 1, 3, requires_grad=True)
    torch.library.opcheck(linear.operator, (a, b, None), test_utils=CHECKS)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["fused", "auto"])
def test_compiles_without_a_break(backend):
    def function(a, b):
        return (2 * ops.linear_scan(a, b, backend=backend)).sum()

    a, b = torch.rand(3, requires_grad=True), torch.randn(2, 5, 3)
    expected = torch.autograd.grad(function(a, b), a)[0]
    compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(torch.autograd.grad(compiled(a, b), a)[0], expected)


def test_vmap_maps_the_linear_scan():
    a, b = torch.rand(4, 3, dtype=torch.float64), torch.randn(4, 2, 5, 3, dtype=torch.float64)
    got = torch.func.vmap(ops.linear_scan)(a, b)
    torch.testing.assert_close(got, torch.stack([ops.linear_scan(a[i], b[i]) for i in range(4)]))


def test_functional_gradients_are_refused_by_fused_and_given_by_parallel():
    a, b = torch.rand(4, 3, dtype=torch.float64), torch.randn(2, 5, 3, dtype=torch.float64)

    def gradient(backend):
        return torch.func.grad(lambda a: ops.linear_scan(a, b, backend=backend).square().sum())

    with pytest.raises(RuntimeError, match="functorch"):
        gradient("fused")(a[0])
    got = torch.func.vmap(gradient("parallel"))(a)
    torch.testing.assert_close(got, torch.stack([gradient("reference")(row) for row in a]))


def test_vmap_maps_the_selective_scan_over_one_input(scans):
    inputs = scans.make(5)
    u = torch.stack((inputs.pop("u"), torch.ones(2, 4, 5, dtype=torch.float64)))
    got = torch.func.vmap(lambda u: ops.selective_scan(u, **inputs))(u)
    torch.testing.assert_close(got, torch.stack([ops.selective_scan(x, **inputs) for x in u]))


def test_a_second_derivative_is_refused_not_wrong():
    a = torch.rand(3, requires_grad=True)
    b = torch.randn(1, 4, 3)
    (first,) = torch.autograd.grad(ops.linear_scan(a, b).square().sum(), a, create_graph=True)
    with pytest.raises(RuntimeError, match="autograd"):
        torch.autograd.grad(first.sum(), a)


def test_autocast_computes_scans_in_single():
    a, b = torch.rand(1, 1, 3), torch.randn(1, 4, 3)
    with torch.autocast("cpu", torch.bfloat16):
        got = linear.operator(a.bfloat16(), b.bfloat16(), None)
    assert got.dtype == torch.float32
