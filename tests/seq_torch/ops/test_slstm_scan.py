"""The fused sLSTM gives the values and gradients of the loop; stored sums need no stabiliser."""

from __future__ import annotations

import pytest
import torch
from nonlinear_scans import SCANS
from nonlinear_scans import slstm_inputs as make

from seq_torch import ops
from seq_torch.ops import BackendError
from seq_torch.ops.glue import threads
from seq_torch.ops.slstm import fused, operator

scan = SCANS["slstm"].on
CHECKS = ("test_schema", "test_autograd_registration", "test_faketensor")


def without_a_stabiliser(x, weight):
    """Sums of exponentials as the equation has them."""
    batch, heads, _, _, channels = x.shape
    h, c, n = x.new_zeros(3, batch, heads, channels)
    outputs = []
    for drive in x.unbind(2):
        i, f, z, o = (drive + torch.einsum("hgdc,bhc->bhgd", weight, h)).unbind(2)
        c = torch.sigmoid(f) * c + torch.exp(i) * torch.tanh(z)
        n = torch.sigmoid(f) * n + torch.exp(i)
        h = torch.sigmoid(o) * c / n
        outputs.append(h)
    return torch.stack(outputs, 2)


@pytest.mark.parametrize("backend", ["fused", "reference"])
def test_the_output_is_that_of_plain_sums(scans, backend):
    inputs = make(20, started=False)
    expected = scans.everything(without_a_stabiliser, inputs)
    got = scans.everything(lambda **given: scan(backend)(**given)[0], inputs)
    scans.assert_close(got, expected, 1e-12)


@pytest.mark.parametrize("started", [True, False])
@pytest.mark.parametrize("size", [2.0, 100.0])
def test_fused_is_the_loop(scans, size, started):
    for time in (1, 2, 33):
        inputs = make(time, size=size, started=started)
        expected = scans.everything(scan("reference"), inputs)
        scans.assert_close(scans.everything(scan("fused"), inputs), expected, 1e-11)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("backend", ["fused", "reference"])
def test_logarithms_of_gates_may_be_beyond_what_their_exponentials_can_be(dtype, backend):
    x = torch.zeros(1, 1, 3, 4, 2, dtype=dtype)
    x[:, :, :, 0] = 900.0  # e^900 is infinite
    x[:, :, :, 1, 0], x[:, :, :, 1, 1] = 1e4, -1e4  # keep all, keep nothing
    x[0, 0, :, 2] = torch.tensor([[1.0], [2.0], [3.0]])
    weight = torch.zeros(1, 4, 2, 2, dtype=dtype)
    h = scan(backend)(x=x, weight=weight)[0][0, 0]
    written = torch.tanh(torch.tensor([1.0, 2.0, 3.0], dtype=dtype)) / 2
    torch.testing.assert_close(h[:, 1], written)
    means = written.cumsum(0) / torch.arange(1, 4, dtype=dtype)
    torch.testing.assert_close(h[:, 0], means)


def test_same_bits_on_any_number_of_threads_and_rows(scans, torch_threads, monkeypatch):
    monkeypatch.setattr(threads, "SMALL", 0)
    inputs, runs = make(9, batch=5), []
    for count, rows in ((1, 8), (2, 8), (3, 1), (3, 2)):
        torch_threads(count)
        monkeypatch.setattr(fused, "ROWS", rows)
        runs.append(scans.everything(scan("fused"), inputs))
    for other in runs[1:]:
        scans.assert_close(other, runs[0], 1e-13)
    for name, value in runs[0].items():
        assert name == "gradient of weight" or torch.equal(value, runs[1][name])


def test_nan_stays_in_its_own_head_and_flows_downstream_only():
    inputs = make(8)
    inputs["x"][1, 0, 3, 1, 2] = float("nan")
    found = scan("fused")(**inputs)[0].isnan()
    assert found[1, 0, 3].tolist() == [False, False, True, False, False]
    assert found[1, 0, 4:].all()
    found[1, 0, 3:] = False
    assert not found.any()


@pytest.mark.parametrize("keep", [True, False])
def test_registration(keep):
    tensors = tuple(value.requires_grad_() for value in make(4).values())
    checks = CHECKS if keep else ("test_schema", "test_faketensor")
    torch.library.opcheck(operator.operator, (*tensors, keep), test_utils=checks)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"x": torch.zeros(3, 2, 4, 5)}, ValueError, r"x of shape \(3, 2, 4, 5\), expected"),
        ({"x": torch.zeros(3, 2, 4, 3, 5)}, ValueError, r"weight of shape"),
        ({"weight": torch.zeros(2, 4, 5, 4)}, ValueError, r"weight of shape \(2, 4, 5, 4\)"),
        ({"weight": torch.zeros(1, 4, 5, 5)}, ValueError, r"weight of shape \(1, 4, 5, 5\)"),
        ({"initial": torch.zeros(3, 2, 5)}, ValueError, r"initial of shape \(3, 2, 5\)"),
        (
            {"x": torch.zeros(3, 2, 4, 4, 5, dtype=torch.complex64)},
            TypeError,
            "x with dtype torch.complex64",
        ),
        ({"weight": 0.5}, TypeError, "weight of type float"),
        ({"backend": "chunked"}, BackendError, "which it does not have"),
    ],
)
def test_what_does_not_fit_is_named(changes, error, said):
    with pytest.raises(error, match=said):
        ops.slstm_scan(**(make(4) | changes))


def test_the_gates_are_four():
    with pytest.raises(ValueError, match=r"expected \(batch, head, time, 4, channel\)"):
        ops.slstm_scan(torch.zeros(1, 1, 2, 3, 2), torch.zeros(1, 3, 2, 2))
