"""Random inputs of a selective scan, and a run that collects values and gradients."""

from types import SimpleNamespace

import pytest
import torch

from seq_torch import ops

COMPLEX = {torch.float32: torch.complex64, torch.float64: torch.complex128}
SHAPES = {
    "constant": lambda b, d, t, n: (d, n),
    "varying": lambda b, d, t, n: (b, n, t),
    "grouped": lambda b, d, t, n: (b, 2, n, t),
}


def make(time, *, batch=2, dim=4, state=5, dtype=torch.float64, is_complex=False,
         B="varying", C="varying", options=True, seed=0):  # fmt: skip
    generator = torch.Generator().manual_seed(seed)
    kind = COMPLEX[dtype] if is_complex else dtype

    def normal(*shape, dtype=kind):
        double = torch.complex128 if dtype.is_complex else torch.float64
        return torch.randn(shape, dtype=double, generator=generator).to(dtype)

    sizes = (batch, dim, time, state)
    A = -normal(dim, state, dtype=dtype).abs()
    inputs = {
        "u": normal(batch, dim, time, dtype=dtype),
        "delta": 0.2 * normal(batch, dim, time, dtype=dtype).abs(),
        "A": torch.complex(A, 3 * normal(dim, state, dtype=dtype)) if is_complex else A,
        "B": normal(*SHAPES[B](*sizes)),
        "C": normal(*SHAPES[C](*sizes)),
    }
    if options:
        inputs |= {
            "D": normal(dim, dtype=dtype),
            "z": normal(batch, dim, time, dtype=dtype),
            "delta_bias": normal(dim, dtype=dtype),
            "initial_state": normal(batch, dim, state),
        }
    return inputs


def double(inputs):
    return {
        k: v.to(torch.complex128 if v.is_complex() else torch.float64) for k, v in inputs.items()
    }


def weighted(outputs):
    """Real number that depends on every output, with weights that do not depend on the type."""
    generator, total = torch.Generator().manual_seed(7), 0.0
    for value in outputs:
        parts = torch.view_as_real(value) if value.is_complex() else value
        weights = torch.randn(parts.shape, dtype=torch.float64, generator=generator)
        total = total + (parts * weights.to(parts)).sum()
    return total


def everything(function, inputs):
    """Outputs of a function and the gradients of all its inputs, by name."""
    leaves = {k: v.detach().clone().requires_grad_() for k, v in inputs.items()}
    outputs = function(**leaves)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    found = torch.autograd.grad(weighted(outputs), list(leaves.values()), materialize_grads=True)
    values = {f"output {i}": value.detach() for i, value in enumerate(outputs)}
    return values | {f"gradient of {k}": v for k, v in zip(leaves, found, strict=True)}


def assert_close(got, expected, tolerance):
    """Compare relative to the largest entry of each; where all are zero, to one."""
    for name, value in expected.items():
        scale = (value.abs().max() if value.numel() else 0) or 1.0
        error = (got[name] - value).abs().max() / scale if value.numel() else 0.0
        assert got[name].shape == value.shape, name
        assert error <= tolerance, f"{name}: {float(error):.2e} of the largest"


def selective(backend, **options):
    return lambda **inputs: ops.selective_scan(
        **inputs, return_last_state=True, backend=backend, **options
    )


@pytest.fixture(scope="session")
def scans():
    """The functions above, which test files cannot import from here."""
    return SimpleNamespace(
        make=make,
        double=double,
        everything=everything,
        assert_close=assert_close,
        selective=selective,
    )


@pytest.fixture
def torch_threads():
    """Set torch's number of threads for one test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)
