"""The CUDA backends beside the reference, on a machine with a device and built kernels."""

import importlib.util
import time

import pytest
import torch

from seq_torch import ops
from seq_torch.ops.glue.backend import BackendError

KERNELS = ("mamba_ssm", "causal_conv1d")
missing = [name for name in KERNELS if importlib.util.find_spec(name) is None]

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
]
built = pytest.mark.skipif(
    bool(missing), reason=f"{' and '.join(missing)} not installed: extra seq-torch[cuda]"
)


def on_device(inputs):
    return {name: value.cuda() for name, value in inputs.items()}


def output_of(backend):
    return lambda **inputs: ops.selective_scan(**inputs, delta_softplus=True, backend=backend)


def seconds(function, repeats=10):
    """Time of one call in steady state."""
    function()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / repeats


@built
@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("length", [1, 8, 64, 1000])
def test_kernel_has_values_and_gradients_of_the_double_reference(scans, is_complex, length):
    inputs = scans.make(length, state=16, dtype=torch.float32, is_complex=is_complex)
    inputs.pop("initial_state")
    expected = scans.everything(output_of("reference"), scans.double(inputs))
    got = scans.everything(output_of("cuda"), on_device(inputs))
    # Gradients of A are sums over all steps, whose rounding grows with their number.
    tolerance = 1e-4 if length < 1000 else 3e-4
    scans.assert_close({k: v.cpu() for k, v in got.items()}, expected, tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["single", "double"])
@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
def test_parallel_has_values_and_gradients_of_the_double_reference(scans, is_complex, dtype):
    inputs = scans.make(64, dtype=dtype, is_complex=is_complex)
    options = {"delta_softplus": True}  # without it a negative step lets the state explode
    expected = scans.everything(scans.selective("reference", **options), scans.double(inputs))
    got = scans.everything(scans.selective("parallel", **options), on_device(inputs))
    tolerance = 3e-5 if dtype == torch.float32 else 1e-11
    scans.assert_close({k: v.cpu() for k, v in got.items()}, expected, tolerance)


def test_double_and_initial_states_fall_to_parallel(scans):
    for dtype in (torch.float32, torch.float64):
        inputs = on_device(scans.make(16, dtype=dtype))  # with an initial state
        got = ops.selective_scan(**inputs)
        assert torch.equal(got, ops.selective_scan(**inputs, backend="parallel"))


@built
def test_automatic_choice_is_the_kernel_where_it_covers_the_call(scans):
    inputs = on_device(scans.make(64, dtype=torch.float32, options=False))
    assert torch.equal(ops.selective_scan(**inputs), ops.selective_scan(**inputs, backend="cuda"))


@built
def test_gradient_of_the_last_state_is_refused_not_zero(scans):
    inputs = on_device(scans.make(8, dtype=torch.float32))
    inputs.pop("initial_state")
    with pytest.raises(BackendError, match="last state"):
        scans.everything(scans.selective("cuda"), inputs)


@built
def test_convolution_agrees_with_causal_conv1d():
    from causal_conv1d import causal_conv1d_fn

    u = torch.randn(2, 100, 8, device="cuda")
    kernel = torch.randn(8, 4, device="cuda")
    expected = causal_conv1d_fn(u.mT, kernel.flip(-1)).mT
    torch.testing.assert_close(ops.causal_convolution(u, kernel), expected, rtol=1e-4, atol=1e-4)


@built
@pytest.mark.slow
def test_kernels_and_twins_are_timed_side_by_side(scans, record_property):
    """Times are recorded, for `--junitxml` or `-s`; how fast a device is, is not asserted."""
    from causal_conv1d import causal_conv1d_fn
    from mamba_ssm.ops.selective_scan_interface import selective_scan_fn

    inputs = on_device(
        scans.make(1024, batch=8, dim=64, state=16, dtype=torch.float32, options=False)
    )
    u, weights = torch.randn(8, 1024, 64, device="cuda"), torch.randn(64, 4, device="cuda")
    calls = {
        "selective_scan, cuda": lambda: ops.selective_scan(**inputs, backend="cuda"),
        "selective_scan, parallel": lambda: ops.selective_scan(**inputs, backend="parallel"),
        "mamba-ssm": lambda: selective_scan_fn(**inputs),
        "causal_convolution": lambda: ops.causal_convolution(u, weights),
        "causal-conv1d": lambda: causal_conv1d_fn(u.mT, weights),
    }
    for name, call in calls.items():
        assert call().isfinite().all()
        took = seconds(call)
        record_property(name, took)
        print(f"{name}: {took * 1e6:.0f} us")
