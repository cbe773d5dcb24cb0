"""Chunks by flash-linear-attention: layout, obstacles and choice, with its equations as loops."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import normalize

from seq_torch import ops
from seq_torch.doctor import doctor
from seq_torch.ops.delta import cuda as delta_cuda
from seq_torch.ops.generalised_delta import cuda as general_cuda
from seq_torch.ops.glue import fla, obstacles
from seq_torch.ops.outer import cuda as outer_cuda

DELTA, GATED = "fla.ops.delta_rule", "fla.ops.gated_delta_rule"
OUTER, CHANNELS = "fla.ops.simple_gla", "fla.ops.gla"
GENERAL = "fla.ops.generalized_delta_rule"


def chunk_delta_rule(q, k, v, beta, **options):
    return chunk_gated_delta_rule(q, k, v, 0 * beta, beta, **options)


def chunk_gated_delta_rule(q, k, v, g, beta, **options):
    """The delta rule, row by row, in the layout (batch, row, head, channel)."""

    def added(state, k, v, beta):
        return k[..., None] * (beta[..., None] * (v - (k[..., None] * state).sum(-2)))[..., None, :]

    return packed_rows_of(added, q, k, v, g, beta, **options)


def chunk_simple_gla(q, k, v, g, **options):
    def added(state, k, v, beta):
        return k[..., None] * v[..., None, :]

    return packed_rows_of(added, q, k, v, g, g, **options)


def packed_rows_of(
    added, q, k, v, g, beta, scale=None, initial_state=None, output_final_state=False,
    cu_seqlens=None,
):  # fmt: skip
    """Take packed sequences one after the other."""
    if cu_seqlens is None:
        return rows_of(added, q, k, v, g, beta, scale, initial_state, output_final_state)
    assert cu_seqlens.dtype == torch.int64
    assert len(q) == 1
    sizes = cu_seqlens.diff().tolist()
    first = initial_state[:, None]
    parts = zip(*(x.split(sizes, 1) for x in (q, k, v, g, beta)), first, strict=True)
    found = [rows_of(added, *part[:5], scale, part[5], output_final_state) for part in parts]
    outputs, states = zip(*found, strict=True)
    return torch.cat(outputs, 1), torch.cat(states)


def chunk_gla(q, k, v, g, **options):
    assert g.ndim == 4
    return chunk_simple_gla(q, k, v, g, **options)


def chunk_dplr_delta_rule(
    q, k, v, a, b, gk, scale=None, initial_state=None, output_final_state=False, cu_seqlens=None
):
    """A diagonal plus a rank of one: what a recalls is added along b."""
    if cu_seqlens is not None:
        sizes = cu_seqlens.diff().tolist()
        parts = zip(*(x.split(sizes, 1) for x in (q, k, v, a, b, gk)), initial_state, strict=True)
        found = [chunk_dplr_delta_rule(*p[:6], scale, p[6][None], True) for p in parts]
        outputs, states = zip(*found, strict=True)
        return torch.cat(outputs, 1), torch.cat(states)
    assert q.dtype == k.dtype == v.dtype == a.dtype == b.dtype != torch.float32
    assert gk.dtype == initial_state.dtype == torch.float32
    assert q.shape == k.shape == a.shape == b.shape == gk.shape
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    state, outputs = initial_state.double(), []
    for t in range(q.shape[1]):
        q_t, k_t, v_t, a_t, b_t, g_t = (x[:, t].double() for x in (q, k, v, a, b, gk))
        recalled = (a_t[..., None] * state).sum(-2, keepdim=True)
        state = g_t.exp()[..., None] * state + b_t[..., None] * recalled
        state = state + k_t[..., None] * v_t[..., None, :]
        outputs.append(scale * (q_t[..., None] * state).sum(-2))
    return torch.stack(outputs, 1).to(q.dtype), state.float() if output_final_state else None


def rows_of(added, q, k, v, g, beta, scale, initial, wants_state):
    """Loop in double precision; the output has the type of q, the state that of single."""
    assert q.dtype == k.dtype == v.dtype != torch.float32
    assert g.dtype == beta.dtype == initial.dtype == torch.float32
    batch, time, heads, key = q.shape
    assert k.shape == q.shape
    assert v.shape[:3] == (batch, time, heads)
    by_channels = (batch, time, heads, key)
    assert g.shape in ((batch, time, heads), by_channels)
    assert beta.shape == g.shape
    g = g if g.shape == by_channels else g[..., None]
    assert initial.shape == (batch, heads, key, v.shape[-1])
    scale = key**-0.5 if scale is None else scale
    state, outputs = initial.double(), []
    for t in range(time):
        state = g[:, t, :, :, None].double().exp() * state
        state = state + added(state, *(x[:, t].double() for x in (k, v, beta)))
        outputs.append(scale * (q[:, t].double()[..., None] * state).sum(-2))
    return torch.stack(outputs, 1).to(q.dtype), state.float() if wants_state else None


@pytest.fixture
def slow(monkeypatch):
    """Loops where the kernels are imported from, on a device that passes for one with CUDA."""
    functions = SimpleNamespace(
        chunk_delta_rule=chunk_delta_rule,
        chunk_gated_delta_rule=chunk_gated_delta_rule,
        chunk_simple_gla=chunk_simple_gla,
        chunk_gla=chunk_gla,
        chunk_dplr_delta_rule=chunk_dplr_delta_rule,
    )
    modules = dict.fromkeys((DELTA, GATED, OUTER, CHANNELS, GENERAL), functions)
    monkeypatch.setattr(fla, "import_module", modules.get)
    for module in (delta_cuda, general_cuda, outer_cuda):
        monkeypatch.setattr(module, "of_device", lambda like: [])
        monkeypatch.setattr(module, "of_import", lambda module, install: [])
    monkeypatch.setattr(fla, "UNEQUAL_FROM", 4)  # axes of unlike sizes cannot be mistaken


def delta_inputs(time=5, *, factors=1, decay=True, key=6, value=4, dtype=torch.float16):
    generator = torch.Generator().manual_seed(time)

    def normal(*shape):
        return torch.randn(shape, generator=generator)

    inputs = {
        "q": normal(2, 3, time, key).to(dtype),
        "k": normalize(normal(2, 3, time, factors, key), dim=-1).to(dtype),
        "v": normal(2, 3, time, factors, value).to(dtype),
        "beta": 2 * torch.sigmoid(normal(2, 3, time, factors)),
        "initial": normal(2, 3, key, value),
    }
    return inputs | ({"log_decay": -normal(2, 3, time).exp()} if decay else {})


def outer_inputs(time=5, *, factors=1, groups=3, channels=False, dtype=torch.float16):
    inputs = delta_inputs(time, factors=factors, dtype=dtype)
    if channels:
        inputs["log_decay"] = -inputs["q"].float().abs()
    return {
        "q": inputs["q"][:, :groups],
        "k": inputs["k"][:, :groups],
        "v": inputs["v"],
        "decay": inputs["log_decay"].exp(),
        "initial": inputs["initial"],
    }


def general_inputs(time=5, *, groups=3, dtype=torch.float16):
    inputs = delta_inputs(time, dtype=dtype)
    keys = inputs["k"][:, :, :, 0]
    return {
        "q": inputs["q"][:, :groups],
        "k": keys[:, :groups],
        "v": inputs["v"][:, :, :, 0],
        "a": -keys.flip(-1),
        "b": inputs["beta"].to(dtype) * keys.flip(-1),
        "log_decay": -inputs["q"].float().abs(),
        "initial": inputs["initial"],
    }


def general(backend):
    return lambda **inputs: ops.generalised_delta_scan(
        **inputs, return_last_state=True, backend=backend
    )


def delta(backend):
    return lambda **inputs: ops.delta_scan(**inputs, return_last_state=True, backend=backend)


def outer(backend):
    return lambda **inputs: ops.outer_scan(**inputs, return_last_state=True, backend=backend)


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("factors", [1, 2, 3])
@pytest.mark.parametrize("decay", [False, True], ids=["no decay", "decay"])
@pytest.mark.parametrize("start", [False, True], ids=["from zero", "initial"])
def test_rows_of_a_delta_scan_give_its_values_and_gradients(scans, factors, decay, start):
    for time in (1, 5):
        inputs = delta_inputs(time, factors=factors, decay=decay)
        if not start:
            inputs.pop("initial")
        expected = scans.everything(delta("chunked"), scans.double(inputs))
        scans.assert_close(scans.everything(delta("cuda"), inputs), expected, 2e-3)


def packed(inputs, lengths):
    """The first row of the batch, and as many initial states as sequences."""
    first = {name: value[:1] for name, value in inputs.items()}
    first["initial"] = inputs["initial"][[0, 1, 1][: len(lengths)]]
    return first, torch.tensor([0, *lengths]).cumsum(0).int()


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("factors", [1, 2])
@pytest.mark.parametrize("decay", [False, True], ids=["no decay", "decay"])
def test_packed_rows_of_a_delta_scan_give_its_values_and_gradients(scans, factors, decay):
    inputs, ends = packed(delta_inputs(9, factors=factors, decay=decay), (2, 6, 1))
    expected = scans.everything(
        lambda **given: delta("chunked")(**given, cu_seqlens=ends), scans.double(inputs)
    )
    got = scans.everything(lambda **given: delta("cuda")(**given, cu_seqlens=ends), inputs)
    scans.assert_close(got, expected, 2e-3)


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("factors", [1, 2])
@pytest.mark.parametrize("channels", [False, True], ids=["heads", "channels"])
@pytest.mark.parametrize("groups", [1, 3])
def test_packed_rows_of_an_outer_scan_give_its_values_and_gradients(
    scans, factors, channels, groups
):
    inputs, ends = packed(
        outer_inputs(9, factors=factors, channels=channels, groups=groups), (2, 6, 1)
    )
    expected = scans.everything(
        lambda **given: outer("chunked")(**given, cu_seqlens=ends), scans.double(inputs)
    )
    got = scans.everything(lambda **given: outer("cuda")(**given, cu_seqlens=ends), inputs)
    scans.assert_close(got, expected, 2e-3)


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("logarithms", [False, True], ids=["decays", "logarithms"])
def test_rows_of_a_generalised_delta_scan_give_its_values_and_gradients(scans, groups, logarithms):
    for time in (1, 5):
        inputs = general_inputs(time, groups=groups)
        if not logarithms:
            inputs["decay"] = inputs.pop("log_decay").exp()
        expected = scans.everything(general("chunked"), scans.double(inputs))
        scans.assert_close(scans.everything(general("cuda"), inputs), expected, 2e-3)


@pytest.mark.usefixtures("slow")
def test_packed_rows_of_a_generalised_delta_scan_give_its_values_and_gradients(scans):
    inputs, ends = packed(general_inputs(9), (2, 6, 1))
    expected = scans.everything(
        lambda **given: general("chunked")(**given, cu_seqlens=ends), scans.double(inputs)
    )
    got = scans.everything(lambda **given: general("cuda")(**given, cu_seqlens=ends), inputs)
    scans.assert_close(got, expected, 2e-3)


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("factor", [0.0, -0.5, float("nan")])
def test_a_generalised_delta_scan_needs_positive_decays(factor):
    inputs = general_inputs()
    inputs["decay"] = inputs.pop("log_decay").exp()
    inputs["decay"][1, 2, 3, 0] = factor
    with pytest.raises(ops.BackendError, match=r"generalised_delta_scan: .*zero, negative or no"):
        general("cuda")(**inputs)


@pytest.mark.usefixtures("slow")
def test_an_empty_packed_sequence_is_not_for_the_kernels():
    inputs, ends = packed(delta_inputs(9), (9, 0))
    with pytest.raises(ops.BackendError, match="an empty batch or sequence"):
        delta("cuda")(**inputs, cu_seqlens=ends)


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("factors", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("start", [False, True], ids=["from zero", "initial"])
@pytest.mark.parametrize("channels", [False, True], ids=["heads", "channels"])
def test_rows_of_an_outer_scan_give_its_values_and_gradients(
    scans, factors, groups, start, channels
):
    for time in (1, 5):
        inputs = outer_inputs(time, factors=factors, groups=groups, channels=channels)
        if not start:
            inputs.pop("initial")
        expected = scans.everything(outer("chunked"), scans.double(inputs))
        scans.assert_close(scans.everything(outer("cuda"), inputs), expected, 2e-3)


@pytest.mark.usefixtures("slow")
def test_outputs_have_the_type_of_the_values_and_states_are_single():
    for scan, inputs in ((delta, delta_inputs), (outer, outer_inputs)):
        output, state = scan("cuda")(**inputs(dtype=torch.bfloat16))
        assert output.dtype == torch.bfloat16
        assert state.dtype == torch.float32


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"dtype": torch.float32}, r"q, k and v of torch.float32 \(expected one of bfloat16 or"),
        ({"key": 5}, r"5 key channels \(expected an even number up to 256"),
        ({"key": 258}, r"258 key channels"),
        ({"value": 3}, r"3 value channels \(expected an even number"),
        (
            {"key": 4, "value": 2},
            r"4 key beside 2 value channels \(expected as many, or at least 4",
        ),
        ({"time": 0}, "an empty batch or sequence"),
    ],
)
def test_what_the_kernels_do_not_cover_is_named(changed, message):
    match = (
        rf"delta_scan: got backend='cuda' with {message}.*one of 'fused', 'chunked', 'reference'"
    )
    with pytest.raises(ops.BackendError, match=match):
        delta("cuda")(**delta_inputs(**changed))


@pytest.mark.usefixtures("slow")
def test_mixed_types_and_doubles_are_named():
    inputs = delta_inputs()
    mixed = "q, k and v of torch.float32 and torch.float16"
    with pytest.raises(ops.BackendError, match=mixed):
        delta("cuda")(**inputs | {"q": inputs["q"].float()})
    with pytest.raises(ops.BackendError, match="an input of float64"):
        delta("cuda")(**inputs | {"beta": inputs["beta"].double()})


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("factor", [0.0, -0.5, float("nan")])
def test_an_outer_scan_needs_positive_factors(factor):
    inputs = outer_inputs()
    inputs["decay"][1, 2, 3] = factor
    with pytest.raises(ops.BackendError, match=r"outer_scan: .*zero, negative or no number"):
        outer("cuda")(**inputs)


@pytest.mark.usefixtures("slow")
def test_gradients_that_the_compiler_gets_wrong_are_refused(monkeypatch):
    monkeypatch.setattr(fla, "wrong_on", lambda device: True)
    inputs = delta_inputs()
    inputs["v"].requires_grad_()
    with pytest.raises(ops.BackendError, match=r"through a decay \(expected triton>=3\.7\.1"):
        delta("cuda")(**inputs)
    with torch.no_grad():
        delta("cuda")(**inputs)
    delta("cuda")(**{name: value for name, value in inputs.items() if name != "log_decay"})


@pytest.mark.parametrize(
    ("version", "wrong"),
    [("3.3.1", False), ("3.4.0", True), ("3.6.0", True), ("3.7.0", True), ("3.7.1", False)],
)
def test_which_compilers_get_gradients_wrong(monkeypatch, version, wrong):
    monkeypatch.setattr(fla.util, "find_spec", lambda name: name == "triton")
    monkeypatch.setattr(fla.metadata, "version", lambda name: version)
    assert fla._triton_is_wrong.__wrapped__() is wrong
    assert not fla.wrong_on(torch.device("cpu"))


def test_on_the_cpu_the_kernels_are_refused_with_the_command():
    for scan, inputs in ((delta, delta_inputs()), (outer, outer_inputs())):
        with pytest.raises(ops.BackendError, match=r"tensors on cpu.*seq-torch\[cuda\]"):
            scan("cuda")(**inputs)


def test_a_missing_package_is_named_with_the_command(monkeypatch):
    def fails(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(fla, "import_module", fails)
    with pytest.raises(ops.BackendError, match=r"No module named 'fla\..*'fla-core>=0\.6'"):
        fla.kernel("delta_scan", DELTA, "chunk_delta_rule")


def test_the_doctor_looks_for_it():
    finding = next(found for found in doctor() if found.name == "fla-core")
    assert finding.ok or finding.command == obstacles.INSTALL_FLA
