"""What scans of nonlinear recurrences promise alike; their compiled kernels stand beside loops."""

from __future__ import annotations

import pytest
import torch
from nonlinear_scans import SCANS, NonlinearScan


@pytest.fixture(params=SCANS)
def of(request) -> NonlinearScan:
    return SCANS[request.param]


def test_single_precision_is_within_1e5_of_the_double_loop(of, scans):
    inputs = of.inputs(**of.long, dtype=torch.float32)
    expected = scans.everything(of.on("reference"), scans.double(inputs))
    got = scans.everything(of.on("fused"), inputs)
    assert got["output 0"].dtype == torch.float32
    scans.assert_close(got, expected, 1e-5)


@pytest.mark.parametrize("started", [True, False])
def test_gradcheck(of, started):
    inputs = of.inputs(4, **of.small)
    names = list(inputs) if started else [name for name in inputs if name != "initial"]
    assert torch.autograd.gradcheck(
        lambda *values: of.on("fused")(**dict(zip(names, values, strict=True))),
        [inputs[name].requires_grad_() for name in names],
    )


def test_parts_of_a_sequence_go_on_from_the_state(of):
    inputs = of.inputs(20)
    whole, last = of.on("fused")(**inputs)
    cuts = (slice(7), slice(7, 20))
    parts = [inputs | {name: inputs[name][:, :, cut] for name in of.steps} for cut in cuts]
    first, state = of.on("fused")(**parts[0])
    second, state = of.on("fused")(**(parts[1] | {"initial": state}))
    assert torch.equal(torch.cat((first, second), 2), whole)
    assert torch.equal(state, last)


@pytest.mark.parametrize("backend", ["reference", "fused"])
@pytest.mark.parametrize(("batch", "time"), [(0, 4), (2, 0)])
def test_empty_batch_and_empty_time(of, scans, backend, batch, time):
    inputs = of.inputs(time, batch=batch)
    found = scans.everything(of.on(backend), inputs)
    heads, channels = inputs["initial"].shape[1], inputs["initial"].shape[-1]
    assert found["output 0"].shape == (batch, heads, time, channels)
    assert torch.equal(found["output 1"], inputs["initial"]) or time


def test_half_precision_comes_back_as_it_came(of):
    inputs = {name: value.bfloat16() for name, value in of.inputs(6).items()}
    output, state = of.on("auto")(**inputs)
    assert (output.dtype, state.dtype) == (torch.bfloat16, torch.float32)
