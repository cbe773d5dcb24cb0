"""Outer products by chunks give the values and gradients of the loop, and attention's sums."""

import pytest
import torch

from seq_torch import ops

LENGTHS = (1, 2, 7, 8, 9, 64)
DECAYS = {
    "unit": torch.sigmoid,
    "signed": torch.tanh,
    "with zeros": lambda g: torch.sigmoid(g) * (g < 1),
    "none": torch.ones_like,
}


def make(time, *, factors=1, decay="unit", heads=3, groups=3, batch=2, key=5, value=4,
         dtype=torch.float64, seed=0):  # fmt: skip
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(shape, dtype=torch.float64, generator=generator).to(dtype)

    return {
        "q": normal(batch, groups, time, key),
        "k": normal(batch, groups, time, factors, key),
        "v": normal(batch, heads, time, factors, value),
        "decay": DECAYS[decay](3 * normal(batch, heads, time)),
        "initial": normal(batch, heads, key, value),
    }


def outer(backend):
    return lambda **inputs: ops.outer_scan(**inputs, return_last_state=True, backend=backend)


@pytest.mark.parametrize("time", LENGTHS)
@pytest.mark.parametrize("decay", DECAYS)
def test_chunks_give_the_loop(scans, time, decay):
    for factors, groups in ((1, 3), (2, 1)):
        inputs = make(time, factors=factors, groups=groups, decay=decay, seed=time)
        if time % 2:
            inputs.pop("initial")
        expected = scans.everything(outer("reference"), inputs)
        scans.assert_close(scans.everything(outer("chunked"), inputs), expected, 1e-11)


@pytest.mark.parametrize("decay", ["unit", "signed"])
def test_a_thousand_steps_agree_in_both_precisions(scans, decay):
    inputs = make(1000, factors=2, groups=1, batch=1, decay=decay, dtype=torch.float32)
    double = scans.double(inputs)
    expected = scans.everything(outer("reference"), double)
    scans.assert_close(scans.everything(outer("chunked"), double), expected, 1e-11)
    scans.assert_close(scans.everything(outer("chunked"), inputs), expected, 1e-5)


@pytest.mark.parametrize("time", LENGTHS)
def test_single_precision_is_within_1e5_of_the_double_loop(scans, time):
    inputs = make(time, decay="signed", dtype=torch.float32)
    expected = scans.everything(outer("reference"), scans.double(inputs))
    for backend in ("chunked", "reference"):
        scans.assert_close(scans.everything(outer(backend), inputs), expected, 1e-5)


@pytest.mark.parametrize("backend", ["chunked", "reference"])
@pytest.mark.parametrize("decay", ["signed", "with zeros"])
def test_gradcheck(backend, decay):
    inputs = make(5, factors=2, batch=1, groups=1, key=2, value=2, decay=decay)
    names = list(inputs)
    tensors = [inputs[name].requires_grad_() for name in names]
    assert torch.autograd.gradcheck(
        lambda *values: outer(backend)(**dict(zip(names, values, strict=True))), tensors
    )


def test_several_chunks_with_a_short_last_one_agree(scans, monkeypatch):
    from seq_torch.ops.glue import chunks

    inputs = make(23, factors=2, decay="signed")
    expected = scans.everything(outer("reference"), inputs)
    for rows in (1, 2, 7, 10):
        monkeypatch.setattr(chunks, "ROWS", rows)
        scans.assert_close(scans.everything(outer("chunked"), inputs), expected, 1e-11)


@pytest.mark.parametrize("backend", ["chunked", "reference"])
def test_without_decay_it_is_linear_attention(backend):
    inputs = make(150, decay="none")
    inputs.pop("initial")
    q, k, v = inputs["q"], inputs["k"][:, :, :, 0], inputs["v"][:, :, :, 0]
    output, _ = outer(backend)(**inputs)
    torch.testing.assert_close(output, (q @ k.mT).tril() @ v)


def test_factors_that_change_sign_are_followed_over_ten_thousand_steps():
    signs = 1.0 - 2 * torch.randint(2, (1, 1, 10_000), generator=torch.Generator().manual_seed(0))
    one = torch.ones(1, 1, 10_000, 1)
    nothing = torch.zeros(1, 1, 10_000, 1, 1)
    output = ops.outer_scan(one, nothing, nothing, signs, torch.ones(1, 1, 1, 1))
    assert torch.equal(output[..., 0], signs.cumprod(-1))


def test_the_last_state_continues_the_sequence():
    inputs = make(90, factors=2, decay="signed")
    whole = ops.outer_scan(**inputs)
    varying = ("q", "k", "v", "decay")
    first = inputs | {name: inputs[name][:, :, :33] for name in varying}
    rest = inputs | {name: inputs[name][:, :, 33:] for name in varying}
    start, state = ops.outer_scan(**first, return_last_state=True)
    end = ops.outer_scan(**rest | {"initial": state})
    torch.testing.assert_close(torch.cat((start, end), 2), whole)


@pytest.mark.parametrize("backend", ["chunked", "reference"])
@pytest.mark.parametrize(("batch", "time"), [(0, 4), (2, 0)])
def test_empty_batch_and_empty_time(scans, backend, batch, time):
    inputs = make(time, batch=batch)
    got = scans.everything(outer(backend), inputs)
    assert got["output 0"].shape == (batch, 3, time, 4)
    if time == 0:
        assert torch.equal(got["output 1"], inputs["initial"])


@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("backend", ["chunked", "reference"])
def test_keys_of_a_group_serve_its_heads_in_a_row(scans, backend, groups):
    inputs = make(70, factors=2, heads=6, groups=groups, decay="signed")

    def repeated(q, k, **rest):
        q, k = (value.repeat_interleave(6 // groups, 1) for value in (q, k))
        return outer("reference")(q=q, k=k, **rest)

    expected = scans.everything(repeated, inputs)
    scans.assert_close(scans.everything(outer(backend), inputs), expected, 1e-11)


def test_short_types_are_computed_in_single():
    inputs = make(9, dtype=torch.float32)
    output = ops.outer_scan(**inputs | {"v": inputs["v"].bfloat16()})
    assert output.dtype == torch.bfloat16
    expected = ops.outer_scan(**inputs | {"v": inputs["v"].bfloat16().float()})
    assert torch.equal(output, expected.bfloat16())


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("v", torch.zeros(2, 3, 6, 4), ValueError, r"v of shape .*\(batch, head, time, factor, v"),
        ("k", torch.zeros(2, 2, 6, 1, 5), ValueError, r"k of shape .*= \(2, a divisor of 3, 6, 1"),
        ("q", torch.zeros(2, 3, 6, 4), ValueError, r"q of shape .*= \(2, 3, 6, 5\)"),
        ("q", torch.zeros(2, 1, 6, 5), ValueError, r"q of shape .*group, .*= \(2, 3, 6, 5\)"),
        ("decay", torch.zeros(2, 1, 6), ValueError, "decay of shape"),
        ("initial", torch.zeros(2, 3, 4, 5), ValueError, r"initial of shape .*= \(2, 3, 5, 4\)"),
        ("decay", torch.zeros(2, 3, 6).long(), TypeError, "decay with dtype torch.int64"),
    ],
)
def test_what_does_not_fit_is_named(name, value, error, message):
    with pytest.raises(error, match=message):
        ops.outer_scan(**make(6, dtype=torch.float32) | {name: value})


@pytest.mark.parametrize("axis", ["factor", "key", "value"])
def test_an_empty_axis_is_named(axis):
    sizes = {"factors" if axis == "factor" else axis: 0}
    with pytest.raises(ValueError, match=f"expected a {axis} of at least 1"):
        ops.outer_scan(**make(6, **sizes))


@pytest.mark.parametrize("backend", ["fused", "parallel"])
def test_a_backend_that_it_lacks_is_refused(backend):
    with pytest.raises(ops.BackendError, match=f"outer_scan: got backend='{backend}'"):
        ops.outer_scan(**make(6), backend=backend)
