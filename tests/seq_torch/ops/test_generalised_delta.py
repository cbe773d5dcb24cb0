"""The generalised delta rule: every backend is the loop, and KDA and RWKV-7 are cases of it."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import normalize

from seq_torch import ops
from seq_torch.ops.generalised_delta import chunked, fused, operator
from seq_torch.ops.glue import threads

BACKENDS = ("reference", "chunked", "fused")
FAST = ("chunked", "fused")
EXACT = {"rtol": 1e-10, "atol": 1e-12}
DECAYS = {
    "mild": lambda g: -0.1 * g.abs(),
    "strong": lambda g: -30 * g.exp(),
    "none": torch.zeros_like,
    "zero at times": lambda g: torch.where(g > 1, -torch.inf, -g.abs()),
}


def make(time, *, decay="mild", batch=2, heads=3, groups=None, key=5, value=4,
         dtype=torch.float64, seed=0):  # fmt: skip
    generator = torch.Generator().manual_seed(seed)
    groups = heads if groups is None else groups

    def normal(*shape):
        return torch.randn(shape, dtype=torch.float64, generator=generator).to(dtype)

    towards = normalize(normal(batch, heads, time, key), dim=-1)
    return {
        "q": normal(batch, groups, time, key),
        "k": normalize(normal(batch, groups, time, key), dim=-1),
        "v": normal(batch, heads, time, value),
        "a": -towards,
        "b": towards * torch.sigmoid(normal(batch, heads, time, key)),
        "log_decay": DECAYS[decay](normal(batch, heads, time, key)),
        "initial": normal(batch, heads, key, value),
    }


def scan(backend):
    return lambda **inputs: ops.generalised_delta_scan(
        **inputs, return_last_state=True, backend=backend
    )


def by_matrices(q, k, v, a, b, initial, log_decay=None, decay=None):
    """Whole transitions, one step at a time."""
    decay = log_decay.exp() if decay is None else decay
    state, outputs = initial, []
    for t in range(v.shape[2]):
        transition = torch.diag_embed(decay[:, :, t])
        transition = transition + b[:, :, t, :, None] * a[:, :, t, None, :]
        state = transition @ state + k[:, :, t, :, None] * v[:, :, t, None, :]
        outputs.append((state.mT @ q[:, :, t, :, None])[..., 0])
    return torch.stack(outputs, 2), state


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("decay", DECAYS)
def test_every_backend_is_the_product_of_whole_matrices(scans, backend, decay):
    for time in (1, 2, 7, 16, 17, 64, 100):
        inputs = make(time, decay=decay, seed=time)
        expected = scans.everything(by_matrices, inputs)
        scans.assert_close(scans.everything(scan(backend), inputs), expected, 1e-11)


def signed(inputs, seed=1):
    """Decays between -1 and 1 in place of logarithms, one in ten of them zero."""
    g = inputs.pop("log_decay")
    drawn = torch.rand(g.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return inputs | {"decay": (2 * drawn - 1).to(g).masked_fill(drawn < 0.1, 0.0)}


@pytest.mark.parametrize("backend", BACKENDS)
def test_decays_of_either_sign_are_whole_matrices_too(scans, backend):
    for time in (1, 2, 16, 17, 50):
        inputs = signed(make(time, seed=time))
        expected = scans.everything(by_matrices, inputs)
        scans.assert_close(scans.everything(scan(backend), inputs), expected, 1e-11)


@pytest.mark.parametrize("backend", BACKENDS)
def test_decays_are_the_exponentials_of_their_logarithms(backend):
    inputs = make(30)
    expected = scan(backend)(**inputs)
    decay = inputs.pop("log_decay").exp()
    torch.testing.assert_close(scan(backend)(**inputs, decay=decay), expected, **EXACT)


def test_decays_are_given_once():
    inputs = make(6)
    with pytest.raises(ValueError, match="both log_decay and decay, expected one"):
        ops.generalised_delta_scan(**inputs, decay=inputs["log_decay"].exp())
    del inputs["log_decay"]
    with pytest.raises(ValueError, match="neither log_decay nor decay, expected one"):
        ops.generalised_delta_scan(**inputs)


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize(("batch", "time"), [(0, 4), (2, 0)])
def test_nothing_gives_nothing(scans, backend, batch, time):
    inputs = make(time, batch=batch)
    expected = scans.everything(scan("reference"), inputs)
    scans.assert_close(scans.everything(scan(backend), inputs), expected, 0)
    assert expected["output 0"].shape == (batch, 3, time, 4)
    if time == 0:
        assert torch.equal(expected["output 1"], inputs["initial"])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("decay", ["mild", "strong"])
def test_a_thousand_steps_in_single_are_within_1e5_of_the_double_loop(scans, backend, decay):
    inputs = make(1000, decay=decay, batch=1, heads=2, key=16, value=8, dtype=torch.float32)
    expected = scans.everything(scan("reference"), scans.double(inputs))
    scans.assert_close(scans.everything(scan(backend), inputs), expected, 1e-5)


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("given", [dict, signed])
def test_gradcheck(backend, given):
    inputs = given(make(5, batch=1, heads=1, key=3, value=2))
    names = list(inputs)
    assert torch.autograd.gradcheck(
        lambda *values: scan(backend)(**dict(zip(names, values, strict=True))),
        [value.requires_grad_() for value in inputs.values()],
    )


@pytest.mark.parametrize("backend", FAST)
def test_chunks_of_any_length_agree(scans, backend, monkeypatch):
    inputs = make(23)
    expected = scans.everything(scan("reference"), inputs)
    for rows in (1, 2, 7, 23, 40):
        monkeypatch.setattr(chunked, "ROWS", rows)
        monkeypatch.setattr(fused, "ROWS", rows)
        scans.assert_close(scans.everything(scan(backend), inputs), expected, 1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_state_left_out_is_zero(backend):
    inputs = make(9)
    expected = scan(backend)(**inputs | {"initial": torch.zeros_like(inputs["initial"])})
    del inputs["initial"]
    torch.testing.assert_close(scan(backend)(**inputs), expected, rtol=0, atol=0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_last_state_continues_the_sequence(backend):
    inputs = make(40)
    whole, last = scan(backend)(**inputs)
    varying = [name for name in inputs if name != "initial"]
    start, state = scan(backend)(**inputs | {name: inputs[name][:, :, :13] for name in varying})
    rest = inputs | {name: inputs[name][:, :, 13:] for name in varying} | {"initial": state}
    end, final = scan(backend)(**rest)
    torch.testing.assert_close(torch.cat((start, end), 2), whole, **EXACT)
    torch.testing.assert_close(final, last, **EXACT)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("groups", [1, 2])
def test_keys_of_a_group_serve_its_heads_in_a_row(scans, backend, groups):
    inputs = make(20, heads=4, groups=groups)

    def repeated(q, k, **rest):
        q, k = (value.repeat_interleave(4 // groups, 1) for value in (q, k))
        return by_matrices(q=q, k=k, **rest)

    expected = scans.everything(repeated, inputs)
    scans.assert_close(scans.everything(scan(backend), inputs), expected, 1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_decay_for_all_channels_is_the_gated_delta_rule(backend):
    inputs = make(50)
    k, v, g = inputs["k"], inputs["v"], inputs["log_decay"][..., :1]
    beta = torch.rand(2, 3, 50, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    expected = ops.delta_scan(
        inputs["q"], k[:, :, :, None], v[:, :, :, None], beta, g[..., 0], inputs["initial"]
    )
    corrected = {"a": g.exp() * k, "b": -beta * k, "v": beta * v, "log_decay": g.expand(k.shape)}
    found, _ = scan(backend)(**inputs | corrected)
    torch.testing.assert_close(found, expected, **EXACT)


@pytest.mark.parametrize("backend", BACKENDS)
def test_kimi_delta_attention_is_a_case(backend):
    """Decay every channel, then write what the key does not recall already."""
    inputs = make(30)
    q, k, v, g = (inputs[name] for name in ("q", "k", "v", "log_decay"))
    beta = torch.rand(2, 3, 30, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    state, expected = inputs["initial"], []
    for t in range(30):
        state = g[:, :, t, :, None].exp() * state
        missing = v[:, :, t, None] - k[:, :, t, None] @ state
        state = state + beta[:, :, t, None] * k[:, :, t, :, None] * missing
        expected.append((q[:, :, t, None] @ state)[:, :, 0])
    found, last = scan(backend)(**inputs | {"a": g.exp() * k, "b": -beta * k, "v": beta * v})
    torch.testing.assert_close(found, torch.stack(expected, 2), **EXACT)
    torch.testing.assert_close(last, state, **EXACT)


@pytest.mark.parametrize("backend", BACKENDS)
def test_rwkv_7_is_a_case(backend):
    """Its state has the values' channels as rows, and is multiplied from the right."""
    inputs = make(30)
    q, k, v, g = (inputs[name] for name in ("q", "k", "v", "log_decay"))
    removed, rate = -inputs["a"], torch.sigmoid(inputs["b"])
    state, expected = inputs["initial"].mT, []
    for t in range(30):
        outer = removed[:, :, t, :, None] * (rate * removed)[:, :, t, None, :]
        state = state @ (torch.diag_embed(g[:, :, t].exp()) - outer)
        state = state + v[:, :, t, :, None] * k[:, :, t, None, :]
        expected.append((state @ q[:, :, t, :, None])[..., 0])
    found, last = scan(backend)(**inputs | {"a": -removed, "b": rate * removed})
    torch.testing.assert_close(found, torch.stack(expected, 2), **EXACT)
    torch.testing.assert_close(last, state.mT, **EXACT)


@pytest.mark.parametrize("backend", BACKENDS)
def test_heads_do_not_meet(backend):
    inputs = make(30)
    inputs["v"][0, 1, 17, 0] = torch.nan
    spoilt = scan(backend)(**inputs)[0].isnan().any(-1).any(-1)
    assert spoilt.nonzero().tolist() == [[0, 1]]


@pytest.mark.parametrize("backend", BACKENDS)
def test_short_types_are_computed_in_single(backend):
    inputs = {name: value.bfloat16() for name, value in make(9).items()}
    output, state = scan(backend)(**inputs)
    expected, last = scan(backend)(**{name: value.float() for name, value in inputs.items()})
    assert torch.equal(output, expected.bfloat16())
    assert torch.equal(state, last)


def test_same_bits_on_any_number_of_threads(scans, torch_threads, monkeypatch):
    monkeypatch.setattr(threads, "SMALL", 0)
    runs = []
    for count in (1, 2, 3):
        torch_threads(count)
        runs.append(scans.everything(scan("fused"), make(40, dtype=torch.float32)))
    for other in runs[1:]:
        assert all(torch.equal(runs[0][name], other[name]) for name in runs[0])


def test_registration():
    given = {name: value.requires_grad_() for name, value in make(20).items()}
    inputs = [given.get(name) for name in operator.NAMES]
    checks = ("test_schema", "test_autograd_registration", "test_faketensor")
    torch.library.opcheck(operator.operator, (*inputs, True), test_utils=checks)


@pytest.mark.slow
def test_compiles_without_a_break():
    inputs = {name: value.requires_grad_() for name, value in make(20).items()}
    leaves = list(inputs.values())

    def loss():
        return ops.generalised_delta_scan(**inputs, backend="fused").square().sum()

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    found, expected = (torch.autograd.grad(f(), leaves) for f in (compiled, loss))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, **EXACT)


def test_vmap_maps_the_values():
    inputs = make(7)
    v = torch.stack((inputs.pop("v"), torch.ones(2, 3, 7, 4, dtype=torch.float64)))
    got = torch.func.vmap(lambda v: ops.generalised_delta_scan(v=v, **inputs))(v)
    expected = [ops.generalised_delta_scan(v=one, **inputs) for one in v]
    torch.testing.assert_close(got, torch.stack(expected))


def test_a_second_derivative_is_given_by_the_loop_and_by_chunks_and_refused_by_fused():
    def second(backend):
        inputs = make(6)
        v = inputs["v"].requires_grad_()
        loss = ops.generalised_delta_scan(**inputs, backend=backend).square().sum()
        (first,) = torch.autograd.grad(loss, v, create_graph=True)
        return torch.autograd.grad(first.square().sum(), v)[0]

    torch.testing.assert_close(second("chunked"), second("reference"), **EXACT)
    with pytest.raises(RuntimeError):
        second("fused")


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # torch's own
def test_a_forward_derivative_is_given_by_the_loop_and_by_chunks_and_refused_by_fused():
    def tangent(backend):
        inputs = make(6)
        v = inputs.pop("v")
        call = lambda v: ops.generalised_delta_scan(v=v, **inputs, backend=backend)  # noqa: E731
        return torch.func.jvp(call, (v,), (torch.ones_like(v),))[1]

    torch.testing.assert_close(tangent("chunked"), tangent("reference"), **EXACT)
    with pytest.raises(ops.BackendError, match="no forward-mode derivative"):
        tangent("fused")


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("v", torch.zeros(2, 3, 6, 1, 4), ValueError, r"v of shape .*\(batch, head, time, value\)"),
        ("k", torch.zeros(2, 2, 6, 5), ValueError, r"k of shape .*= \(2, a divisor of 3, 6, any\)"),
        ("q", torch.zeros(2, 1, 6, 5), ValueError, r"q of shape .*= \(2, 3, 6, 5\)"),
        ("a", torch.zeros(2, 3, 6, 4), ValueError, r"a of shape .*= \(2, 3, 6, 5\)"),
        ("b", torch.zeros(2, 3, 5, 5), ValueError, r"b of shape .*= \(2, 3, 6, 5\)"),
        ("log_decay", torch.zeros(2, 3, 6), ValueError, r"log_decay of shape .*= \(2, 3, 6, 5\)"),
        ("initial", torch.zeros(2, 3, 4, 5), ValueError, r"initial of shape .*= \(2, 3, 5, 4\)"),
        ("v", torch.zeros(2, 3, 6, 0), ValueError, "expected a value of at least 1"),
        ("q", torch.zeros(2, 3, 6, 5).long(), TypeError, "q with dtype torch.int64"),
    ],
)
def test_what_does_not_fit_is_named(name, value, error, message):
    inputs = make(6, dtype=torch.float32) | {name: value}
    if name == "v":
        del inputs["initial"]
    with pytest.raises(error, match=message):
        ops.generalised_delta_scan(**inputs)


@pytest.mark.parametrize("backend", ["parallel", "cuda"])
def test_a_backend_that_it_lacks_is_refused(backend):
    with pytest.raises(ops.BackendError, match=f"generalised_delta_scan: got backend='{backend}'"):
        ops.generalised_delta_scan(**make(6), backend=backend)
