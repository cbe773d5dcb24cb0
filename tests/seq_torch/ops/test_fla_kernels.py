"""Flash-linear-attention's kernels beside the double chunks, on a machine with a device."""

import importlib.util
import logging

import pytest
import torch
from torch.nn.functional import normalize

import seq_torch as st
from seq_torch import ops
from seq_torch.ops.glue import backend, fla, obstacles

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
    pytest.mark.skipif(
        importlib.util.find_spec("fla") is None,
        reason=f"fla-core not installed: {obstacles.INSTALL_FLA}",
    ),
    # What Triton and torch warn of inside the kernels is not for a caller to change.
    pytest.mark.filterwarnings("default"),
]
decays_learn = pytest.mark.skipif(
    torch.cuda.is_available() and fla.wrong_on(torch.device("cuda")),
    reason="this Triton gives wrong gradients by a decay on Hopper: 3.7.1 or later is needed",
)
LENGTHS = (1, 63, 64, 200)
SIZES = ((16, 16), (32, 32), (64, 64), (64, 128), (128, 64))  # key, value
TOLERANCE = {torch.bfloat16: 4e-2, torch.float16: 5e-3}  # of the largest entry


def delta_inputs(time, factors, key, value, dtype=torch.bfloat16):
    generator = torch.Generator().manual_seed(time)

    def normal(*shape):
        return torch.randn(shape, generator=generator)

    return {
        "q": normal(2, 3, time, key).to(dtype),
        "k": normalize(normal(2, 3, time, factors, key), dim=-1).to(dtype),
        "v": normal(2, 3, time, factors, value).to(dtype),
        "beta": 2 * torch.sigmoid(normal(2, 3, time, factors)),
        "log_decay": -0.1 * normal(2, 3, time).exp(),
        "initial": normal(2, 3, key, value),
    }


def outer_inputs(time, factors, key, value, groups, channels=False):
    inputs = delta_inputs(time, factors, key, value)
    if channels:
        inputs["log_decay"] = -0.1 * inputs["q"].float().exp()
    return {
        "q": inputs["q"][:, :groups],
        "k": inputs["k"][:, :groups],
        "v": inputs["v"],
        "decay": inputs["log_decay"].exp(),
        "initial": inputs["initial"],
    }


def delta(backend):
    return lambda **inputs: ops.delta_scan(**inputs, return_last_state=True, backend=backend)


def outer(backend):
    return lambda **inputs: ops.outer_scan(**inputs, return_last_state=True, backend=backend)


def general(backend):
    return lambda **inputs: ops.generalised_delta_scan(
        **inputs, return_last_state=True, backend=backend
    )


def general_inputs(time, key, value):
    inputs = delta_inputs(time, 1, key, value)
    keys = inputs["k"][:, :, :, 0]
    return {
        "q": inputs["q"],
        "k": keys,
        "v": inputs["v"][:, :, :, 0],
        "a": -keys,
        "b": (inputs["beta"] * keys).to(keys.dtype),
        "log_decay": inputs["log_decay"][..., None].expand(keys.shape).contiguous(),
        "initial": inputs["initial"],
    }


def on_device(inputs):
    return {name: value.cuda() for name, value in inputs.items()}


def compare(scans, scan, inputs):
    expected = scans.everything(scan("chunked"), scans.double(inputs))
    got = scans.everything(scan("cuda"), on_device(inputs))
    got = {name: value.cpu().double() for name, value in got.items()}
    scans.assert_close(got, expected, TOLERANCE[inputs["v"].dtype])


@pytest.mark.parametrize("factors", [1, 2])
@pytest.mark.parametrize("time", LENGTHS)
@pytest.mark.parametrize(("key", "value"), SIZES)
def test_delta_rule_has_values_and_gradients_of_the_double_chunks(scans, factors, time, key, value):
    inputs = delta_inputs(time, factors, key, value)
    inputs.pop("log_decay")
    compare(scans, delta, inputs)


@decays_learn
@pytest.mark.parametrize("factors", [1, 2])
@pytest.mark.parametrize("time", LENGTHS)
@pytest.mark.parametrize(("key", "value"), SIZES)
def test_gated_rule_has_values_and_gradients_of_the_double_chunks(scans, factors, time, key, value):
    compare(scans, delta, delta_inputs(time, factors, key, value))


@decays_learn
@pytest.mark.parametrize(("factors", "groups"), [(1, 3), (2, 1)])
@pytest.mark.parametrize("time", LENGTHS)
@pytest.mark.parametrize(("key", "value"), SIZES)
def test_outer_scan_has_values_and_gradients_of_the_double_chunks(
    scans, factors, groups, time, key, value
):
    compare(scans, outer, outer_inputs(time, factors, key, value, groups))


@decays_learn
@pytest.mark.parametrize(("factors", "groups"), [(1, 3), (2, 1)])
@pytest.mark.parametrize("time", LENGTHS)
@pytest.mark.parametrize(("key", "value"), SIZES)
def test_outer_scan_with_decays_of_the_channels_has_values_and_gradients_of_the_double_chunks(
    scans, factors, groups, time, key, value
):
    compare(scans, outer, outer_inputs(time, factors, key, value, groups, channels=True))


@decays_learn
@pytest.mark.parametrize("time", LENGTHS)
@pytest.mark.parametrize(("key", "value"), SIZES)
def test_generalised_rule_has_values_and_gradients_of_the_double_chunks(scans, time, key, value):
    compare(scans, general, general_inputs(time, key, value))


@torch.no_grad()
@pytest.mark.parametrize("factors", [1, 2])
@pytest.mark.parametrize("time", LENGTHS)
def test_values_with_decays_where_no_gradient_is_asked_for(scans, factors, time):
    for scan, inputs in (
        (delta, delta_inputs(time, factors, 32, 64)),
        (outer, outer_inputs(time, factors, 32, 64, groups=1)),
    ):
        expected = dict(enumerate(scan("chunked")(**scans.double(inputs))))
        got = enumerate(scan("cuda")(**on_device(inputs)))
        got = {i: value.cpu().double() for i, value in got}
        scans.assert_close(got, expected, TOLERANCE[torch.bfloat16])


def test_half_precision_is_nearer_than_bfloat16(scans):
    inputs = delta_inputs(64, 1, 32, 32, torch.float16)
    inputs.pop("log_decay")
    compare(scans, delta, inputs)


def test_gradients_by_decays_are_refused_where_the_compiler_gets_them_wrong():
    if not fla.wrong_on(torch.device("cuda")):
        pytest.skip("the compiler here gets them right")
    inputs = on_device(delta_inputs(8, 1, 16, 16))
    inputs["q"].requires_grad_()
    with pytest.raises(ops.BackendError, match="triton"):
        delta("cuda")(**inputs)
    assert torch.equal(ops.delta_scan(**inputs), ops.delta_scan(**inputs, backend="chunked"))


def test_auto_takes_the_kernels_for_short_types_alone(caplog):
    short = on_device(delta_inputs(64, 1, 32, 32))
    long = {name: value.float() for name, value in short.items()}
    backend._log_once.cache_clear()
    with caplog.at_level(logging.INFO, logger="seq_torch.ops.backend"):
        ops.delta_scan(**short)
        ops.delta_scan(**long)
    assert "delta_scan: backend cuda for torch.bfloat16 on cuda" in caplog.text
    assert "delta_scan: backend chunked for torch.float32 on cuda" in caplog.text


def test_a_model_under_autocast_runs_the_kernels_and_agrees_with_the_chunks(caplog):
    torch.manual_seed(0)
    mixer = st.DeltaProductConfig(factors=2).build(32).cuda()
    x = torch.randn(2, 100, 32, device="cuda")
    backend._log_once.cache_clear()
    with torch.autocast("cuda", torch.bfloat16):
        with caplog.at_level(logging.INFO, logger="seq_torch.ops.backend"):
            got = mixer(x)
        with ops.use_backend("chunked"):
            expected = mixer(x)
    assert "delta_scan: backend cuda" in caplog.text
    error = (got - expected).abs().max() / expected.abs().max()
    assert error < 5e-2
    got.float().square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in mixer.parameters())
