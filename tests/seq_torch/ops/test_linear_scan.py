"""Every backend of the linear scan gives the values and gradients of the reference."""

import pytest
import torch

from seq_torch import ops

SHAPES = {
    "state": lambda b, t, n: (n,),
    "time": lambda b, t, n: (t, n),
    "batch": lambda b, t, n: (b, 1, n),
    "full": lambda b, t, n: (b, t, n),
    "one": lambda b, t, n: (1,),
    "shared": lambda b, t, n: (b, t, 1),
}


def make(time, shape, dtype, batch=3, state=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    kind = torch.complex128 if dtype.is_complex else torch.float64

    def normal(*size):
        return torch.randn(size, dtype=kind, generator=generator).to(dtype)

    a = normal(*SHAPES[shape](batch, time, state))
    return {
        "a": 0.95 * a / (a.abs() + 0.1),
        "b": normal(batch, time, state),
        "initial": normal(batch, state),
    }


def scan(backend):
    return lambda **inputs: ops.linear_scan(**inputs, backend=backend)


@pytest.mark.parametrize("backend", ["fused", "parallel"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=["real", "complex"])
@pytest.mark.parametrize("shape", SHAPES)
def test_agrees_with_reference_in_double(scans, backend, dtype, shape):
    for time in (1, 2, 7, 8, 9, 64):
        inputs = make(time, shape, dtype)
        if time % 2:
            inputs.pop("initial")
        expected = scans.everything(scan("reference"), inputs)
        scans.assert_close(scans.everything(scan(backend), inputs), expected, 1e-11)


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64], ids=["real", "complex"])
@pytest.mark.parametrize("shape", ["state", "full"])
def test_single_precision_is_within_1e5_of_the_double_reference(scans, dtype, shape):
    inputs = make(1000, shape, dtype, state=16)
    expected = scans.everything(scan("reference"), scans.double(inputs))
    scans.assert_close(scans.everything(scan("fused"), inputs), expected, 1e-5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=["real", "complex"])
def test_gradcheck(dtype):
    inputs = make(4, "state", dtype, batch=2, state=2)
    tensors = [value.requires_grad_() for value in inputs.values()]
    assert torch.autograd.gradcheck(ops.linear_scan, tensors)


def test_constant_factors_give_powers():
    a = torch.tensor([0.5, -0.9], dtype=torch.float64)
    b = torch.zeros(1, 6, 2, dtype=torch.float64)
    b[:, 0] = 1
    expected = a ** torch.arange(6)[:, None]
    torch.testing.assert_close(ops.linear_scan(a, b)[0], expected)


def test_same_bits_on_any_number_of_threads(scans, torch_threads, monkeypatch):
    from seq_torch.ops.glue import threads

    monkeypatch.setattr(threads, "SMALL", 0)
    for shape in ("state", "time", "full"):
        inputs, runs = make(40, shape, torch.complex64, state=150), []
        for count in (1, 2, 3):
            torch_threads(count)
            runs.append(scans.everything(scan("fused"), inputs))
        for other in runs[1:]:
            assert all(torch.equal(runs[0][name], other[name]) for name in runs[0])


def test_nan_stays_in_its_own_lane_and_flows_downstream_only():
    inputs = make(8, "state", torch.float64)
    inputs["b"][1, 3, 2] = float("nan")
    spoilt = torch.zeros(3, 8, 5, dtype=torch.bool)
    spoilt[1, 3:, 2] = True
    assert torch.equal(ops.linear_scan(**inputs).isnan(), spoilt)


@pytest.mark.parametrize("backend", ["reference", "fused", "parallel"])
@pytest.mark.parametrize(("batch", "time"), [(0, 4), (2, 0)])
def test_empty_batch_and_empty_time(scans, backend, batch, time):
    inputs = make(time, "state", torch.float64, batch=batch)
    assert scans.everything(scan(backend), inputs)["output 0"].shape == (batch, time, 5)


def test_real_factors_with_complex_inputs_have_real_gradients():
    a = torch.rand(3, dtype=torch.float64, requires_grad=True)
    b = torch.randn(2, 5, 3, dtype=torch.complex128)
    ops.linear_scan(a, b).abs().sum().backward()
    assert a.grad is not None
    assert a.grad.dtype == torch.float64
