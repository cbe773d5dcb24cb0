"""The fused matrix-to-matrix recurrence gives the values and gradients of the loop."""

from __future__ import annotations

import pytest
import torch
from nonlinear_scans import m2rnn_inputs as make

from seq_torch import ops
from seq_torch.ops import BackendError
from seq_torch.ops.glue import threads
from seq_torch.ops.m2rnn import fused, operator

CHECKS = ("test_schema", "test_autograd_registration", "test_faketensor")


def scan(backend, clip=None):
    return lambda **inputs: ops.m2rnn_scan(
        **inputs, clip=clip, return_last_state=True, backend=backend
    )


@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize("groups", [1, 3])
def test_fused_is_the_loop(scans, groups, clip):
    for time in (1, 2, 16, 17, 40):
        inputs = make(time, groups=groups)
        expected = scans.everything(scan("reference", clip), inputs)
        scans.assert_close(scans.everything(scan("fused", clip), inputs), expected, 1e-11)


@pytest.mark.parametrize("backend", ["fused", "reference"])
def test_no_gradient_of_a_state_is_beyond_the_bound(backend):
    inputs = make(6) | {"initial": torch.zeros(2, 3, 5, 4, dtype=torch.float64)}
    start = inputs["initial"].requires_grad_()
    (free,) = torch.autograd.grad(100 * scan(backend)(**inputs)[0].sum(), start)
    inputs["decay"] = torch.ones_like(inputs["decay"])  # the gradient goes through unchanged
    (bound,) = torch.autograd.grad(100 * scan(backend, 0.25)(**inputs)[0].sum(), start)
    assert free.abs().max() > 1
    assert torch.equal(bound.abs(), torch.full_like(bound, 0.25))


def test_same_bits_on_any_number_of_threads(scans, torch_threads, monkeypatch):
    monkeypatch.setattr(threads, "SMALL", 0)
    inputs, runs = make(9, batch=3), []
    for count in (1, 2, 3):
        torch_threads(count)
        runs.append(scans.everything(scan("fused", 1.0), inputs))
    for other in runs[1:]:
        assert all(torch.equal(value, other[name]) for name, value in runs[0].items())
    monkeypatch.setattr(fused, "ROWS", 4)
    scans.assert_close(scans.everything(scan("fused", 1.0), inputs), runs[0], 1e-13)


def test_nan_stays_in_its_own_row_and_flows_downstream_only():
    inputs = make(8, groups=3)
    inputs["v"][1, 2, 3, 0] = float("nan")
    found = scan("fused")(**inputs)[0].isnan()
    assert found[1, 2, 4:].all()
    found[1, 2, 3:] = False
    assert not found.any()


def test_registration():
    inputs = make(4, groups=3)
    initial, clip = inputs.pop("initial"), torch.tensor(1.0, dtype=torch.float64)
    tensors = tuple(value.requires_grad_() for value in (*inputs.values(), initial))
    given = (*tensors[:-1], clip, tensors[-1], True)
    torch.library.opcheck(operator.operator, given, test_utils=CHECKS)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"v": torch.zeros(2, 3, 4)}, ValueError, r"v of shape \(2, 3, 4\), expected"),
        ({"weight": torch.zeros(3, 4, 3)}, ValueError, r"weight of shape \(3, 4, 3\)"),
        ({"weight": torch.zeros(1, 4, 4)}, ValueError, r"weight of shape \(1, 4, 4\)"),
        ({"decay": torch.zeros(2, 3, 4, 5)}, ValueError, r"decay of shape \(2, 3, 4, 5\)"),
        ({"k": torch.zeros(2, 2, 4, 5)}, ValueError, r"k of shape \(2, 2, 4, 5\)"),
        ({"v": 0.5}, TypeError, "v of type float"),
        ({"clip": 0.0}, ValueError, "clip=0.0: expected a positive number"),
        ({"backend": "chunked"}, BackendError, "which it does not have"),
    ],
)
def test_what_does_not_fit_is_named(changes, error, said):
    with pytest.raises(error, match=said):
        ops.m2rnn_scan(**(make(4) | changes))
