"""Kimi Delta Attention and Gated DeltaNet 2: scan and layer give upstream's numbers."""

from __future__ import annotations

import pytest
import torch

import seq_torch as st
from seq_torch import ops

BACKENDS = ("fused", "chunked", "reference")
SIZES = {"heads": 2, "key_dim": 4, "value_dim": 6, "start": "own"}
LAYERS = {
    ("kda", "layer"): {},
    ("kda", "layer, negative eigenvalues"): {"eigenvalues": "signed"},
    ("kda", "layer, safe gate"): {"decay": "bounded", "lower_bound": -5.0},
    ("kda", "layer without convolution"): {"convolution": 0},
    ("gdn2", "layer"): {"gates": "channels"},
    ("gdn2", "layer, negative eigenvalues"): {"gates": "channels", "eigenvalues": "signed"},
}
ONE_TO_ONE = {
    "decay.log_rate": "A_log",
    "decay.bias": "dt_bias",
    "decay.map.0.weight": "f_proj.0.weight",
    "decay.map.1.weight": "f_proj.1.weight",
    "strength.weight": "b_proj.weight",
    "write.weight": "w_proj.weight",
    "gate.0.weight": "g_proj.0.weight",
    "gate.1.weight": "g_proj.1.weight",
    "gate.1.bias": "g_proj.1.bias",
    "norm.weight": "o_norm.weight",
    "out.weight": "o_proj.weight",
}
JOINED = {
    "into.weight": ("q_proj.weight", "k_proj.weight", "v_proj.weight"),
    "convolution.weight": ("q_conv1d.weight", "k_conv1d.weight", "v_conv1d.weight"),
}


def scanned(case, backend):
    """Call our scan as upstream's: axes (batch, time, head, ...), queries scaled."""
    given = {name: value.transpose(1, 2) for name, value in case.inputs.items()}
    state = given.pop("initial_state").transpose(1, 2)
    q, k, v, g = (given[name] for name in "qkvg")
    groups = v.shape[1] // k.shape[1]
    k_of_head = k.repeat_interleave(groups, 1)
    erase, write = (given["b"], given["w"]) if "b" in given else (given["beta"][..., None],) * 2
    o, S = ops.generalised_delta_scan(
        (case.options["scale"] or q.shape[-1] ** -0.5) * q,
        k,
        write * v,
        g.exp() * erase * k_of_head,
        -k_of_head,
        g,
        state,
        return_last_state=True,
        backend=backend,
    )
    return {"o": o.transpose(1, 2), "S": S}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("file", "title"),
    [("kda", "scan"), ("kda", "scan, two heads for each key"), ("gdn2", "scan")],
)
def test_the_scan_gives_upstreams_numbers(golden, file, title, backend):
    case = golden(file)[title]
    case.agrees(scanned(case, backend))


@pytest.mark.parametrize(("file", "title"), LAYERS)
def test_the_layer_gives_upstreams_numbers(golden, file, title):
    case = golden(file)[title]
    module = st.KDAConfig(**SIZES, **LAYERS[file, title]).build(6).double()
    weights = {ours: case.inputs[theirs] for ours, theirs in ONE_TO_ONE.items()
               if theirs in case.inputs}  # fmt: skip
    for ours, parts in JOINED.items():
        if parts[0] in case.inputs:
            weights[ours] = torch.cat([case.inputs[part] for part in parts])
    assert set(weights) == {name for name, _ in module.named_parameters()}
    y = torch.func.functional_call(module, weights, (case.inputs["x"],))
    case.agrees({"y": y})
