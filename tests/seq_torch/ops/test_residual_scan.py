"""The fused residual scan gives the values and gradients of the loop that its equation reads as."""

import numpy as np
import pytest
import torch

from seq_torch.ops import BackendError
from seq_torch.ops.residual import operator, residual_scan

ACTIVATIONS = ["linear", "tanh", "hardtanh"]
FORMS = ["diagonal", "dense"]
CHECKS = ("test_schema", "test_autograd_registration", "test_faketensor")


def make(time, form, dtype=torch.float64, batch=3, state=5, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def normal(*size):
        return torch.randn(size, dtype=torch.float64, generator=generator).to(dtype)

    decay = -torch.rand(state, dtype=torch.float64, generator=generator).to(dtype)
    dense = torch.diag(decay) + 0.2 * normal(state, state) / state**0.5
    return {
        "x": 1.5 * normal(batch, time, state),
        "weight": decay if form == "diagonal" else dense,
        "initial": normal(batch, state),
    }


def scan(backend, activation, dt=0.7):
    return lambda **inputs: residual_scan(**inputs, dt=dt, activation=activation, backend=backend)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("form", FORMS)
def test_agrees_with_the_reference_in_double(scans, form, activation):
    for time in (1, 2, 33):
        inputs = make(time, form)
        if time % 2:
            inputs.pop("initial")
        expected = scans.everything(scan("reference", activation), inputs)
        scans.assert_close(scans.everything(scan("fused", activation), inputs), expected, 1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("form", FORMS)
def test_single_precision_is_within_1e5_of_the_double_reference(scans, form, activation):
    inputs = make(300, form, torch.float32)
    expected = scans.everything(scan("reference", activation), scans.double(inputs))
    got = scans.everything(scan("fused", activation), inputs)
    assert got["output 0"].dtype == torch.float32
    scans.assert_close(got, expected, 1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("form", FORMS)
def test_gradcheck(form, activation):
    tensors = [value.requires_grad_() for value in make(4, form, batch=2, state=3).values()]
    options = {"dt": 0.7, "activation": activation, "backend": "fused"}
    options |= {"backend": "auto"} if (form, activation) == ("diagonal", "linear") else {}
    assert torch.autograd.gradcheck(lambda *t: residual_scan(*t, **options), tensors)


@pytest.mark.parametrize("form", FORMS)
def test_small_signals_keep_their_digits(form):
    inputs = {name: value * 1e-9 for name, value in make(20, form).items() if name != "weight"}
    weight = make(20, form)["weight"]
    linear = scan("fused", "linear")(**inputs, weight=weight)
    tanh = scan("fused", "tanh")(**inputs, weight=weight)
    torch.testing.assert_close(tanh, linear, rtol=1e-13, atol=0)


def test_the_compiled_tangent_is_accurate_to_four_units_in_the_last_place():
    sizes = np.concatenate([np.geomspace(1e-30, 40, 4000), [0.25, np.nextafter(0.25, 0), 0.0]])
    for dtype in (np.float64, np.float32):
        x = np.concatenate([sizes, -sizes]).astype(dtype)
        z = torch.from_numpy(x)[:, None, None]
        found = residual_scan(z, z.new_zeros(1), activation="tanh", backend="fused")
        expected = np.tanh(x.astype(np.float64))
        error = np.abs(found[:, 0, 0].numpy() - expected)
        assert (error <= 4 * np.finfo(dtype).eps * np.abs(expected)).all()


def test_same_states_on_any_number_of_threads(scans, torch_threads, monkeypatch):
    from seq_torch.ops.glue import threads

    monkeypatch.setattr(threads, "SMALL", 0)
    for form in FORMS:
        inputs, runs = make(20, form, state=150), []
        for count in (1, 2, 3):
            torch_threads(count)
            runs.append(scans.everything(scan("fused", "tanh"), inputs))
        for other in runs[1:]:
            for name in ("output 0", "gradient of x", "gradient of initial"):
                assert torch.equal(runs[0][name], other[name])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_nan_stays_in_its_own_lane_and_flows_downstream_only(activation):
    inputs = make(8, "diagonal")
    inputs["x"][1, 3, 2] = float("nan")
    spoilt = torch.zeros(3, 8, 5, dtype=torch.bool)
    spoilt[1, 3:, 2] = True
    assert torch.equal(scan("fused", activation)(**inputs).isnan(), spoilt)


@pytest.mark.parametrize("backend", ["reference", "fused"])
@pytest.mark.parametrize(("batch", "time"), [(0, 4), (2, 0)])
def test_empty_batch_and_empty_time(scans, backend, batch, time):
    inputs = make(time, "dense", batch=batch)
    assert scans.everything(scan(backend, "tanh"), inputs)["output 0"].shape == (batch, time, 5)


@pytest.mark.parametrize("form", FORMS)
def test_registration(form):
    tensors = tuple(value.requires_grad_() for value in make(4, form).values())
    torch.library.opcheck(operator.operator, (*tensors, 0.7, "tanh"), test_utils=CHECKS)


def test_vmap_maps_the_weight():
    inputs = make(5, "diagonal")
    weights = torch.stack((inputs.pop("weight"), torch.zeros(5, dtype=torch.float64)))
    got = torch.func.vmap(lambda w: residual_scan(**inputs, weight=w))(weights)
    torch.testing.assert_close(
        got, torch.stack([residual_scan(**inputs, weight=w) for w in weights])
    )


def test_a_second_derivative_is_refused_by_fused_and_given_by_reference():
    inputs = make(4, "dense", batch=2, state=3)
    weight = inputs["weight"].requires_grad_()

    def first(backend):
        loss = scan(backend, "tanh")(**inputs).square().sum()
        return torch.autograd.grad(loss, weight, create_graph=True)[0].sum()

    with pytest.raises(RuntimeError, match="autograd"):
        torch.autograd.grad(first("fused"), weight)
    assert torch.autograd.grad(first("reference"), weight)[0].isfinite().all()


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"x": torch.zeros(4, 5)}, ValueError, r"x of shape \(4, 5\), expected \(batch, time"),
        ({"x": torch.zeros(2, 4, 5).long()}, TypeError, "x with dtype torch.int64"),
        ({"x": torch.zeros(2, 4, 5).cfloat()}, TypeError, "x with dtype torch.complex64"),
        ({"weight": torch.zeros(4)}, ValueError, r"weight of shape \(4,\), expected \(5, 5\)"),
        ({"weight": torch.zeros(4, 5)}, ValueError, r"weight of shape \(4, 5\)"),
        ({"weight": 0.5}, TypeError, "weight of type float"),
        ({"initial": torch.zeros(2, 5)}, ValueError, r"initial of shape \(2, 5\)"),
        ({"activation": "tan"}, ValueError, "did you mean 'tanh'"),
        ({"dt": 0.0}, ValueError, "dt=0.0: expected a positive number"),
        ({"backend": "fast"}, ValueError, "got backend='fast'"),
        ({"backend": "parallel"}, BackendError, "which it does not have"),
        ({"backend": "cuda"}, BackendError, "which it does not have"),
    ],
)
def test_what_does_not_fit_is_named(changes, error, said):
    with pytest.raises(error, match=said):
        residual_scan(**(make(4, "dense") | changes))
