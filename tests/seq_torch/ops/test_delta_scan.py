"""The delta rule by chunks gives the values and gradients of the loop, and products of factors."""

import pytest
import torch
from torch.nn.functional import normalize

from seq_torch import ops

LENGTHS = (1, 2, 7, 8, 9, 64)


def make(time, *, factors=1, decay=True, batch=2, heads=3, key=5, value=4, dtype=torch.float64,
         seed=0):  # fmt: skip
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(shape, dtype=torch.float64, generator=generator).to(dtype)

    inputs = {
        "q": normal(batch, heads, time, key),
        "k": normalize(normal(batch, heads, time, factors, key), dim=-1),
        "v": normal(batch, heads, time, factors, value),
        "beta": 2 * torch.sigmoid(3 * normal(batch, heads, time, factors)),
        "initial": normal(batch, heads, key, value),
    }
    if decay:
        inputs["log_decay"] = -normal(batch, heads, time).exp()
    return inputs


def delta(backend):
    return lambda **inputs: ops.delta_scan(**inputs, return_last_state=True, backend=backend)


@pytest.mark.parametrize("time", LENGTHS)
@pytest.mark.parametrize("factors", [1, 2, 3])
def test_chunks_give_the_loop(scans, time, factors):
    for decay in (False, True):
        inputs = make(time, factors=factors, decay=decay, seed=time)
        if time % 2:
            inputs.pop("initial")
        expected = scans.everything(delta("reference"), inputs)
        scans.assert_close(scans.everything(delta("chunked"), inputs), expected, 1e-12)


@pytest.mark.parametrize("factors", [1, 2])
def test_a_thousand_steps_agree_in_both_precisions(scans, factors):
    inputs = make(1000, factors=factors, batch=1, heads=2, key=8, value=8, dtype=torch.float32)
    double = scans.double(inputs)
    expected = scans.everything(delta("reference"), double)
    scans.assert_close(scans.everything(delta("chunked"), double), expected, 1e-12)
    scans.assert_close(scans.everything(delta("chunked"), inputs), expected, 1e-5)


@pytest.mark.parametrize("time", LENGTHS)
def test_single_precision_is_within_1e5_of_the_double_loop(scans, time):
    inputs = make(time, factors=2, dtype=torch.float32)
    expected = scans.everything(delta("reference"), scans.double(inputs))
    for backend in ("chunked", "reference"):
        scans.assert_close(scans.everything(delta(backend), inputs), expected, 1e-5)


@pytest.mark.parametrize("backend", ["chunked", "reference"])
def test_gradcheck(backend):
    inputs = make(5, factors=2, batch=1, heads=1, key=3, value=2)
    names = list(inputs)
    tensors = [inputs[name].requires_grad_() for name in names]
    assert torch.autograd.gradcheck(
        lambda *values: delta(backend)(**dict(zip(names, values, strict=True))), tensors
    )


def test_several_chunks_with_a_short_last_one_agree(scans, monkeypatch):
    from seq_torch.ops import chunks

    inputs = make(23, factors=2)
    expected = scans.everything(delta("reference"), inputs)
    for rows in (1, 2, 7, 10):
        monkeypatch.setattr(chunks, "ROWS", rows)
        scans.assert_close(scans.everything(delta("chunked"), inputs), expected, 1e-12)


@pytest.mark.parametrize("backend", ["chunked", "reference"])
def test_the_state_is_the_product_of_its_factors(backend):
    inputs = make(70, factors=2, batch=1, heads=1) | {"v": torch.zeros(1, 1, 70, 2, 4).double()}
    product = inputs["initial"][0, 0]
    for t in range(70):
        product = inputs["log_decay"][0, 0, t].exp() * product
        for j in range(2):
            k, beta = inputs["k"][0, 0, t, j], inputs["beta"][0, 0, t, j]
            product = (torch.eye(5).double() - beta * torch.outer(k, k)) @ product
    _, state = delta(backend)(**inputs)
    torch.testing.assert_close(state[0, 0], product, rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize("backend", ["chunked", "reference"])
def test_reflections_keep_every_length_over_many_steps(backend):
    time = 10_000 if backend == "chunked" else 300
    inputs = make(time, decay=False, batch=1, heads=1, value=5)
    inputs |= {"beta": torch.full_like(inputs["beta"], 2.0), "v": torch.zeros_like(inputs["v"])}
    inputs["initial"] = torch.eye(5).double()[None, None]
    _, state = delta(backend)(**inputs)
    torch.testing.assert_close(state[0, 0].mT @ state[0, 0], torch.eye(5).double())


def test_a_value_written_at_full_strength_is_recalled():
    inputs = make(40, decay=False) | {"beta": torch.ones(2, 3, 40, 1).double()}
    inputs["q"] = inputs["k"][:, :, :, 0]
    torch.testing.assert_close(ops.delta_scan(**inputs), inputs["v"][:, :, :, 0])


def test_long_forgetting_neither_overflows_nor_loses_what_follows(scans):
    inputs = make(64)
    inputs["log_decay"][:, :, 20] = -1e6
    expected = scans.everything(delta("reference"), inputs)
    scans.assert_close(scans.everything(delta("chunked"), inputs), expected, 1e-12)


def test_the_last_state_continues_the_sequence():
    inputs = make(90, factors=2)
    whole = ops.delta_scan(**inputs)
    varying = ("q", "k", "v", "beta", "log_decay")
    first = inputs | {name: inputs[name][:, :, :33] for name in varying}
    rest = inputs | {name: inputs[name][:, :, 33:] for name in varying}
    start, state = ops.delta_scan(**first, return_last_state=True)
    end = ops.delta_scan(**rest | {"initial": state})
    torch.testing.assert_close(torch.cat((start, end), 2), whole)


@pytest.mark.parametrize("backend", ["chunked", "reference"])
@pytest.mark.parametrize(("batch", "time"), [(0, 4), (2, 0)])
def test_empty_batch_and_empty_time(scans, backend, batch, time):
    inputs = make(time, batch=batch)
    got = scans.everything(delta(backend), inputs)
    assert got["output 0"].shape == (batch, 3, time, 4)
    if time == 0:
        assert torch.equal(got["output 1"], inputs["initial"])


def test_rows_and_heads_do_not_meet():
    inputs = make(30)
    inputs["v"][0, 1, 17, 0, 0] = float("nan")
    spoilt = ops.delta_scan(**inputs).isnan().any(-1).any(-1)
    assert spoilt.nonzero().tolist() == [[0, 1]]


def test_short_types_are_computed_in_single():
    inputs = make(9, dtype=torch.float32)
    output = ops.delta_scan(**inputs | {"v": inputs["v"].bfloat16()})
    assert output.dtype == torch.bfloat16
    expected = ops.delta_scan(**inputs | {"v": inputs["v"].bfloat16().float()})
    assert torch.equal(output, expected.bfloat16())


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("k", torch.zeros(2, 3, 6, 5), ValueError, r"k of shape .*\(batch, head, time, factor, k"),
        ("q", torch.zeros(2, 3, 6, 4), ValueError, r"q of shape .*= \(2, 3, 6, 5\)"),
        ("v", torch.zeros(2, 3, 6, 2, 4), ValueError, r"v of shape .*= \(2, 3, 6, 1, any\)"),
        ("beta", torch.zeros(2, 3, 6), ValueError, "beta of shape"),
        ("log_decay", torch.zeros(2, 3, 5), ValueError, "log_decay of shape"),
        ("initial", torch.zeros(2, 3, 4, 5), ValueError, r"initial of shape .*= \(2, 3, 5, 4\)"),
        ("q", torch.zeros(2, 3, 6, 5).long(), TypeError, "q with dtype torch.int64"),
    ],
)
def test_what_does_not_fit_is_named(name, value, error, message):
    with pytest.raises(error, match=message):
        ops.delta_scan(**make(6, dtype=torch.float32) | {name: value})


@pytest.mark.parametrize("sizes", [{"factors": 0}, {"key": 0}, {"value": 0}])
def test_an_empty_axis_is_named(sizes):
    with pytest.raises(ValueError, match="at least one factor, one key channel and one value"):
        ops.delta_scan(**make(6, **sizes))


@pytest.mark.parametrize("backend", ["fused", "parallel"])
def test_a_backend_that_it_lacks_is_refused(backend):
    with pytest.raises(ops.BackendError, match=f"delta_scan: got backend='{backend}'"):
        ops.delta_scan(**make(6), backend=backend)


def test_vectors_do_not_run_by_chunks():
    x = torch.zeros(2, 4, 3)
    with pytest.raises(ops.BackendError, match="linear_scan: got backend='chunked'"):
        ops.linear_scan(torch.ones(3), x, backend="chunked")
