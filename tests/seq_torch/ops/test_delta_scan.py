"""The delta rule by chunks gives the values and gradients of the loop, and products of factors."""

import pytest
import torch
from torch.nn.functional import normalize

from seq_torch import ops
from seq_torch.ops.delta import fused, operator, problem
from seq_torch.ops.glue import chunks, obstacles, threads

CHECKS = ("test_schema", "test_autograd_registration", "test_faketensor")
LENGTHS = (1, 2, 7, 8, 9, 64)


def make(time, *, factors=1, decay=True, batch=2, heads=3, groups=None, key=5, value=4,
         dtype=torch.float64, seed=0):  # fmt: skip
    groups = heads if groups is None else groups
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(shape, dtype=torch.float64, generator=generator).to(dtype)

    inputs = {
        "q": normal(batch, groups, time, key),
        "k": normalize(normal(batch, groups, time, factors, key), dim=-1),
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
        for backend in ("chunked", "fused"):
            scans.assert_close(scans.everything(delta(backend), inputs), expected, 1e-12)


@pytest.mark.parametrize("factors", [1, 2])
def test_a_thousand_steps_agree_in_both_precisions(scans, factors):
    inputs = make(1000, factors=factors, batch=1, heads=2, key=8, value=8, dtype=torch.float32)
    double = scans.double(inputs)
    expected = scans.everything(delta("reference"), double)
    for backend in ("chunked", "fused"):
        scans.assert_close(scans.everything(delta(backend), double), expected, 1e-12)
        scans.assert_close(scans.everything(delta(backend), inputs), expected, 1e-5)


@pytest.mark.parametrize("time", LENGTHS)
def test_single_precision_is_within_1e5_of_the_double_loop(scans, time):
    inputs = make(time, factors=2, dtype=torch.float32)
    expected = scans.everything(delta("reference"), scans.double(inputs))
    for backend in ("chunked", "fused", "reference"):
        scans.assert_close(scans.everything(delta(backend), inputs), expected, 1e-5)


@pytest.mark.parametrize("backend", ["chunked", "fused", "reference"])
def test_gradcheck(backend):
    inputs = make(5, factors=2, batch=1, heads=1, key=3, value=2)
    names = list(inputs)
    tensors = [inputs[name].requires_grad_() for name in names]
    assert torch.autograd.gradcheck(
        lambda *values: delta(backend)(**dict(zip(names, values, strict=True))), tensors
    )


def test_several_chunks_with_a_short_last_one_agree(scans, monkeypatch):
    inputs = make(23, factors=2)
    expected = scans.everything(delta("reference"), inputs)
    for rows in (1, 2, 7, 10):
        for backend, module in (("chunked", chunks), ("fused", fused)):
            monkeypatch.setattr(module, "ROWS", rows)
            scans.assert_close(scans.everything(delta(backend), inputs), expected, 1e-12)


@pytest.mark.parametrize("backend", ["chunked", "fused", "reference"])
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


@pytest.mark.parametrize("backend", ["chunked", "fused", "reference"])
def test_reflections_keep_every_length_over_many_steps(backend):
    time = 300 if backend == "reference" else 10_000
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
    for backend in ("chunked", "fused"):
        scans.assert_close(scans.everything(delta(backend), inputs), expected, 1e-12)


@pytest.mark.parametrize("backend", ["chunked", "fused"])
@pytest.mark.parametrize(
    ("usual", "every_seventh"), [(0, 0), (-0.1, -0.1), (-3, -3), (-30, -30), (-3, -3e3), (0, -1e6)]
)
def test_single_precision_keeps_its_digits_at_every_decay(scans, backend, usual, every_seventh):
    inputs = make(200, key=16, value=8, dtype=torch.float32)
    inputs["log_decay"] = torch.full((2, 3, 200), float(usual))
    inputs["log_decay"][:, :, 3::7] = every_seventh
    expected = scans.everything(delta("reference"), scans.double(inputs))
    scans.assert_close(scans.everything(delta(backend), inputs), expected, 3e-6)


@pytest.mark.parametrize("backend", ["chunked", "fused"])
def test_decays_of_one_are_no_decays(scans, backend):
    inputs = make(40, factors=2, decay=False)
    expected = scans.everything(delta(backend), inputs)
    ones = inputs | {"log_decay": torch.zeros(2, 3, 40, dtype=torch.float64)}
    scans.assert_close(scans.everything(delta(backend), ones), expected, 1e-13)


@pytest.mark.parametrize(("key", "value"), [(1, 1), (3, 130), (67, 2), (32, 32)])
@pytest.mark.parametrize("name", ["v", "beta", "initial", "log_decay"])
def test_any_width_and_any_one_gradient(scans, key, value, name):
    inputs = make(37, batch=1, heads=2, key=key, value=value)
    found = {}
    for backend in ("fused", "reference"):
        leaf = inputs[name].clone().requires_grad_()
        output, state = delta(backend)(**inputs | {name: leaf})
        loss = output.square().sum() + state.sum()
        found[backend] = {name: torch.autograd.grad(loss, leaf)[0]}
    scans.assert_close(found["fused"], found["reference"], 1e-12)


def test_nothing_is_kept_where_there_is_no_gradient():
    p = problem.check(**{"log_decay": None} | make(40))
    _, _, residual, states = operator.operator(*(getattr(p, n) for n in operator.NAMES), False)
    assert residual.numel() == states.numel() == 0
    _, _, residual, states = operator.operator(*(getattr(p, n) for n in operator.NAMES), True)
    assert residual.shape == (6, 40, 4)
    assert states.shape == (6, 2, 5, 4)


def test_same_bits_on_any_number_of_threads(scans, torch_threads, monkeypatch):
    monkeypatch.setattr(threads, "SMALL", 0)
    inputs, runs = make(70, factors=2), []
    for count in (1, 4):
        torch_threads(count)
        runs.append(scans.everything(delta("fused"), inputs))
    assert all(torch.equal(value, runs[1][name]) for name, value in runs[0].items())


def test_views_of_other_layouts_are_read_as_they_are(scans):
    inputs = make(20, factors=2)
    expected = scans.everything(delta("fused"), inputs)
    turned = {name: t.transpose(1, 2).contiguous().transpose(1, 2) for name, t in inputs.items()}
    assert not turned["k"].is_contiguous()
    scans.assert_close(scans.everything(delta("fused"), turned), expected, 0)


@pytest.mark.parametrize("decay", [False, True])
def test_registration(decay):
    p = problem.check(**{"log_decay": None} | make(5, factors=2, decay=decay))
    tensors = [getattr(p, name) for name in operator.NAMES]
    arguments = [None if t is None else t.requires_grad_() for t in tensors]
    torch.library.opcheck(operator.operator, (*arguments, True), test_utils=CHECKS)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["auto", "chunked"])
def test_compiles_without_a_break(scans, backend):
    inputs = make(9)
    compiled = torch.compile(delta(backend), fullgraph=True, backend="aot_eager")
    expected = scans.everything(delta("reference"), inputs)
    scans.assert_close(scans.everything(compiled, inputs), expected, 1e-12)
    with torch.no_grad():
        torch.testing.assert_close(compiled(**inputs), delta(backend)(**inputs))


def test_vmap_maps_every_input():
    many = [make(6, seed=seed) for seed in range(3)]
    stacked = {name: torch.stack([inputs[name] for inputs in many]) for name in many[0]}
    names = list(stacked)
    got = torch.func.vmap(lambda *t: delta("fused")(**dict(zip(names, t, strict=True))))(
        *stacked.values()
    )
    for i, inputs in enumerate(many):
        torch.testing.assert_close((got[0][i], got[1][i]), delta("reference")(**inputs))


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # torch's own
def test_other_derivatives_are_refused_by_fused_and_given_by_chunked():
    inputs = make(6)
    v = inputs.pop("v")

    def loss(backend):
        return lambda v: ops.delta_scan(v=v, **inputs, backend=backend).square().sum()

    def second(backend):
        leaf = v.clone().requires_grad_()
        first = torch.autograd.grad(loss(backend)(leaf), leaf, create_graph=True)[0]
        return torch.autograd.grad(first.square().sum(), leaf)[0]

    with pytest.raises(RuntimeError, match="autograd"):
        second("fused")
    torch.testing.assert_close(second("chunked"), second("reference"))
    with pytest.raises(ops.BackendError, match=r"delta_scan: .*no forward-mode derivative"):
        torch.func.jvp(loss("fused"), (v,), (v,))
    torch.testing.assert_close(
        torch.func.jvp(loss("chunked"), (v,), (v,)),
        torch.func.jvp(loss("reference"), (v,), (v,)),
    )


def test_the_last_state_continues_the_sequence():
    inputs = make(90, factors=2)
    whole = ops.delta_scan(**inputs)
    varying = ("q", "k", "v", "beta", "log_decay")
    first = inputs | {name: inputs[name][:, :, :33] for name in varying}
    rest = inputs | {name: inputs[name][:, :, 33:] for name in varying}
    start, state = ops.delta_scan(**first, return_last_state=True)
    end = ops.delta_scan(**rest | {"initial": state})
    torch.testing.assert_close(torch.cat((start, end), 2), whole)


@pytest.mark.parametrize("backend", ["chunked", "fused", "reference"])
@pytest.mark.parametrize(("batch", "time"), [(0, 4), (2, 0)])
def test_empty_batch_and_empty_time(scans, backend, batch, time):
    inputs = make(time, batch=batch)
    got = scans.everything(delta(backend), inputs)
    assert got["output 0"].shape == (batch, 3, time, 4)
    if time == 0:
        assert torch.equal(got["output 1"], inputs["initial"])


@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("backend", ["fused", "chunked", "reference"])
def test_keys_of_a_group_serve_its_heads_in_a_row(scans, backend, groups):
    inputs = make(70, factors=2, heads=6, groups=groups)

    def repeated(q, k, **rest):
        q, k = (value.repeat_interleave(6 // groups, 1) for value in (q, k))
        return delta("reference")(q=q, k=k, **rest)

    expected = scans.everything(repeated, inputs)
    scans.assert_close(scans.everything(delta(backend), inputs), expected, 1e-12)


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
        ("k", torch.zeros(2, 3, 6, 5), ValueError, r"k of shape .*\(batch, group, time, factor, k"),
        ("q", torch.zeros(2, 3, 6, 4), ValueError, r"q of shape .*= \(2, 3, 6, 5\)"),
        ("k", torch.zeros(2, 2, 6, 1, 5), ValueError, r"k of shape .*= \(2, a divisor of 3, 6, 1"),
        ("k", torch.zeros(2, 0, 6, 1, 5), ValueError, r"k of shape .*= \(2, a divisor of 3, 6, 1"),
        ("q", torch.zeros(2, 1, 6, 5), ValueError, r"q of shape .*group, .*= \(2, 3, 6, 5\)"),
        (
            "v",
            torch.zeros(2, 3, 6, 2, 4),
            ValueError,
            r"k of shape .*= \(2, a divisor of 3, 6, 2, any\)",
        ),
        ("beta", torch.zeros(2, 3, 6), ValueError, "beta of shape"),
        ("log_decay", torch.zeros(2, 3, 5), ValueError, "log_decay of shape"),
        ("initial", torch.zeros(2, 3, 4, 5), ValueError, r"initial of shape .*= \(2, 3, 5, 4\)"),
        ("q", torch.zeros(2, 3, 6, 5).long(), TypeError, "q with dtype torch.int64"),
    ],
)
def test_what_does_not_fit_is_named(name, value, error, message):
    with pytest.raises(error, match=message):
        ops.delta_scan(**make(6, dtype=torch.float32) | {name: value})


@pytest.mark.parametrize("axis", ["factor", "key", "value"])
def test_an_empty_axis_is_named(axis):
    sizes = {"factors" if axis == "factor" else axis: 0}
    with pytest.raises(ValueError, match=f"expected a {axis} of at least 1"):
        ops.delta_scan(**make(6, **sizes))


def test_a_backend_that_it_lacks_is_refused():
    with pytest.raises(ops.BackendError, match=r"delta_scan: got backend='parallel'.*'fused'"):
        ops.delta_scan(**make(6), backend="parallel")


def test_without_numba_chunks_run_and_fused_says_what_to_install(monkeypatch):
    inputs = make(6)
    monkeypatch.setattr(obstacles, "numba_obstacle", lambda: "it is not installed")
    chunked = ops.delta_scan(**inputs, backend="chunked")
    assert torch.equal(ops.delta_scan(**inputs), chunked)
    with pytest.raises(ops.BackendError, match=r"no working numba \(it is not installed"):
        ops.delta_scan(**inputs, backend="fused")


def test_vectors_do_not_run_by_chunks():
    x = torch.zeros(2, 4, 3)
    with pytest.raises(ops.BackendError, match="linear_scan: got backend='chunked'"):
        ops.linear_scan(torch.ones(3), x, backend="chunked")
