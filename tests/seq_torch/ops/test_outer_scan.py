"""Outer products by chunks and kernels give the values and gradients of the loop, and more."""

import pytest
import torch

from seq_torch import ops
from seq_torch.ops.glue import threads
from seq_torch.ops.outer import chunked as by_chunks
from seq_torch.ops.outer import fused, operator

BACKENDS = ("reference", "chunked", "fused")
FAST = ("chunked", "fused")
LENGTHS = (1, 2, 7, 8, 9, 64)
DECAYS = {
    "unit": torch.sigmoid,
    "signed": torch.tanh,
    "with zeros": lambda g: torch.sigmoid(g) * (g < 1),
    "none": torch.ones_like,
}


def make(time, *, factors=1, decay="unit", heads=3, groups=3, batch=2, key=5, value=4,
         channels=False, dtype=torch.float64, seed=0):  # fmt: skip
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(shape, dtype=torch.float64, generator=generator).to(dtype)

    return {
        "q": normal(batch, groups, time, key),
        "k": normal(batch, groups, time, factors, key),
        "v": normal(batch, heads, time, factors, value),
        "decay": DECAYS[decay](3 * normal(batch, heads, time, *[key] * channels)),
        "initial": normal(batch, heads, key, value),
    }


def outer(backend):
    return lambda **inputs: ops.outer_scan(**inputs, return_last_state=True, backend=backend)


def by_matrices(q, k, v, decay, initial=None):
    """Whole transitions, one step at a time."""
    key, groups = q.shape[-1], v.shape[1] // q.shape[1]
    q, k = (value.repeat_interleave(groups, 1) for value in (q, k))
    decay = decay if decay.ndim == 4 else decay[..., None].expand(*decay.shape, key)
    state = v.new_zeros(*v.shape[:2], key, v.shape[-1]) if initial is None else initial
    outputs = []
    for t in range(v.shape[2]):
        state = torch.diag_embed(decay[:, :, t]) @ state + k[:, :, t].mT @ v[:, :, t]
        outputs.append((state.mT @ q[:, :, t, :, None])[..., 0])
    return torch.stack(outputs, 2), state


@pytest.mark.parametrize("time", LENGTHS)
@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("channels", [False, True], ids=["heads", "channels"])
def test_every_backend_is_the_product_of_whole_matrices(scans, time, decay, channels):
    for factors, groups in ((1, 3), (2, 1), (3, 3)):
        inputs = make(
            time, factors=factors, groups=groups, decay=decay, channels=channels, seed=time
        )
        if time % 2:
            inputs.pop("initial")
        expected = scans.everything(by_matrices, inputs)
        for backend in BACKENDS:
            scans.assert_close(scans.everything(outer(backend), inputs), expected, 1e-11)


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_factor_for_all_channels_is_that_of_the_head(scans, backend):
    inputs = make(40, decay="signed")
    expected = outer(backend)(**inputs)
    inputs["decay"] = inputs["decay"][..., None].expand(2, 3, 40, 5)
    for one, other in zip(outer(backend)(**inputs), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("sizes", [{"key": 1, "value": 1}, {"key": 8, "value": 3}, {"key": 11}])
def test_kernels_take_channels_of_any_number(scans, sizes):
    inputs = make(20, channels=True, decay="signed", factors=2, **sizes)
    expected = scans.everything(outer("reference"), inputs)
    scans.assert_close(scans.everything(outer("fused"), inputs), expected, 1e-11)


@pytest.mark.parametrize(("channels", "chosen"), [(False, "chunked"), (True, "fused")])
def test_kernels_are_taken_where_every_channel_has_its_factor(channels, chosen):
    inputs = make(70, channels=channels, dtype=torch.float32)
    taken, other = ops.outer_scan(**inputs), ops.outer_scan(**inputs, backend=chosen)
    assert torch.equal(taken, other)


@pytest.mark.parametrize("decay", ["unit", "signed"])
def test_a_thousand_steps_agree_in_both_precisions(scans, decay):
    for channels in (False, True):
        inputs = make(
            1000, factors=2, groups=1, batch=1, decay=decay, dtype=torch.float32, channels=channels
        )
        double = scans.double(inputs)
        expected = scans.everything(outer("reference"), double)
        for backend in FAST:
            scans.assert_close(scans.everything(outer(backend), double), expected, 1e-11)
            scans.assert_close(scans.everything(outer(backend), inputs), expected, 1e-5)


@pytest.mark.parametrize("time", LENGTHS)
def test_single_precision_is_within_1e5_of_the_double_loop(scans, time):
    inputs = make(time, decay="signed", dtype=torch.float32)
    expected = scans.everything(outer("reference"), scans.double(inputs))
    for backend in BACKENDS:
        scans.assert_close(scans.everything(outer(backend), inputs), expected, 1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("decay", ["signed", "with zeros"])
@pytest.mark.parametrize("channels", [False, True], ids=["heads", "channels"])
def test_gradcheck(backend, decay, channels):
    inputs = make(5, factors=2, batch=1, groups=1, key=2, value=2, decay=decay, channels=channels)
    names = list(inputs)
    tensors = [inputs[name].requires_grad_() for name in names]
    assert torch.autograd.gradcheck(
        lambda *values: outer(backend)(**dict(zip(names, values, strict=True))), tensors
    )


def test_several_chunks_with_a_short_last_one_agree(scans, monkeypatch):
    from seq_torch.ops.glue import chunks

    for channels in (False, True):
        inputs = make(23, factors=2, decay="signed", channels=channels)
        expected = scans.everything(outer("reference"), inputs)
        for rows in (1, 2, 7, 10):
            for module in (chunks, by_chunks, fused):
                monkeypatch.setattr(module, "ROWS", rows)
            for backend in FAST:
                scans.assert_close(scans.everything(outer(backend), inputs), expected, 1e-11)


@pytest.mark.parametrize("backend", BACKENDS)
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


@pytest.mark.parametrize("channels", [False, True], ids=["heads", "channels"])
def test_the_last_state_continues_the_sequence(channels):
    inputs = make(90, factors=2, decay="signed", channels=channels)
    whole = ops.outer_scan(**inputs)
    varying = ("q", "k", "v", "decay")
    first = inputs | {name: inputs[name][:, :, :33] for name in varying}
    rest = inputs | {name: inputs[name][:, :, 33:] for name in varying}
    start, state = ops.outer_scan(**first, return_last_state=True)
    end = ops.outer_scan(**rest | {"initial": state})
    torch.testing.assert_close(torch.cat((start, end), 2), whole)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("batch", "time"), [(0, 4), (2, 0)])
def test_empty_batch_and_empty_time(scans, backend, batch, time):
    for channels in (False, True):
        inputs = make(time, batch=batch, channels=channels)
        got = scans.everything(outer(backend), inputs)
        assert got["output 0"].shape == (batch, 3, time, 4)
        if time == 0:
            assert torch.equal(got["output 1"], inputs["initial"])


@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("backend", BACKENDS)
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
        ("decay", torch.zeros(2, 1, 6), ValueError, r"decay of shape .*= \(2, 3, 6\)"),
        ("decay", torch.zeros(2, 3, 6, 4), ValueError, r"decay of shape .*= \(2, 3, 6, 5\)"),
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


@pytest.mark.parametrize("backend", ["cuda", "parallel"])
@pytest.mark.parametrize("channels", [False, True], ids=["heads", "channels"])
def test_a_backend_that_it_lacks_is_refused(backend, channels):
    with pytest.raises(ops.BackendError, match=f"outer_scan: got backend='{backend}'"):
        ops.outer_scan(**make(6, channels=channels), backend=backend)


def test_same_bits_on_any_number_of_threads(scans, torch_threads, monkeypatch):
    monkeypatch.setattr(threads, "SMALL", 0)
    runs = []
    for count in (1, 2, 3):
        torch_threads(count)
        runs.append(scans.everything(outer("fused"), make(40, channels=True, dtype=torch.float32)))
    for other in runs[1:]:
        assert all(torch.equal(runs[0][name], other[name]) for name in runs[0])


def test_registration():
    inputs = {name: value.requires_grad_() for name, value in make(20, channels=True).items()}
    checks = ("test_schema", "test_autograd_registration", "test_faketensor")
    arguments = [inputs.get(name) for name in operator.NAMES]
    torch.library.opcheck(operator.operator, (*arguments, True), test_utils=checks)


def test_vmap_maps_the_values():
    inputs = make(7, channels=True)
    v = torch.stack((inputs.pop("v"), torch.ones(2, 3, 7, 1, 4, dtype=torch.float64)))
    got = torch.func.vmap(lambda v: ops.outer_scan(v=v, **inputs))(v)
    torch.testing.assert_close(got, torch.stack([ops.outer_scan(v=one, **inputs) for one in v]))


def test_a_second_derivative_is_given_by_the_loop_and_by_chunks_and_refused_by_fused():
    def second(backend):
        inputs = make(6, channels=True)
        v = inputs["v"].requires_grad_()
        loss = ops.outer_scan(**inputs, backend=backend).square().sum()
        (first,) = torch.autograd.grad(loss, v, create_graph=True)
        return torch.autograd.grad(first.square().sum(), v)[0]

    torch.testing.assert_close(second("chunked"), second("reference"))
    with pytest.raises(RuntimeError):
        second("fused")


def test_heads_do_not_meet():
    for backend in BACKENDS:
        inputs = make(30, channels=True)
        inputs["v"][0, 1, 17, 0, 0] = torch.nan
        spoilt = outer(backend)(**inputs)[0].isnan().any(-1).any(-1)
        assert spoilt.nonzero().tolist() == [[0, 1]]
