"""GLA, RetNet and HGRN2 are flash-linear-attention's: the recurrences, and the whole layers."""

from __future__ import annotations

import pytest
import torch
from torch.func import functional_call

import seq_torch as st
from seq_torch import ops

BACKENDS = ("fused", "chunked", "reference")
PARTS = {"gate.weight": "g_proj.weight", "out.weight": "o_proj.weight"}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("title", ["scan", "scan with a state"])
def test_the_recurrence_of_gla_is_upstream_s(golden, title, backend):
    case = golden("gla")[title]
    q, k, v, g, *initial = (
        x.transpose(1, 2) if x.shape[1] == 6 else x for x in case.inputs.values()
    )
    o, S = ops.outer_scan(
        q * 3**-0.5,
        k[:, :, :, None],
        v[:, :, :, None],
        g.exp(),
        *initial,
        return_last_state=True,
        backend=backend,
    )
    case.agrees({"o": o.transpose(1, 2), "S": S})


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_recurrence_of_retention_is_upstream_s(golden, backend):
    case = golden("ret_net")["scan"]
    q, k, v = case.inputs.values()
    decay = 1 - torch.exp2(-5 - torch.arange(3.0, dtype=torch.float64))
    o = ops.outer_scan(
        q / 2, k[:, :, :, None], v[:, :, :, None], decay.expand(2, 6, 3).mT, backend=backend
    )
    case.agrees({"o": o})


@pytest.mark.parametrize("backend", ["fused", "parallel", "reference"])
@pytest.mark.parametrize("title", ["scan", "scan with a state"])
def test_the_recurrence_of_hgrn_is_upstream_s(golden, title, backend):
    case = golden("hgrn2")[title]
    x, g, *initial = case.inputs.values()
    h = ops.linear_scan(g.exp(), x, *initial, backend=backend)
    case.agrees({"o": h, "S": h[:, -1]})


def gla(inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    decay = {f"decay.{name}": inputs[f"gk_proj.{name}"] for name in ("0.weight", "1.weight")}
    decay["decay.1.bias"] = inputs["gk_proj.1.bias"]
    return retention(inputs) | decay


def retention(inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    into = torch.cat([inputs[f"{name}_proj.weight"] for name in "qkv"])
    same = {ours: inputs[theirs] for ours, theirs in PARTS.items()}
    return same | {"into.weight": into, "norm.weight": inputs["g_norm_swish_gate.weight"]}


def hgrn2(inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    into = torch.cat([inputs[f"{name}_proj.weight"] for name in "qfi"])
    found = {"into.weight": into, "norm.weight": inputs["g_norm.weight"]}
    found["out.weight"] = inputs["o_proj.weight"]
    bound = inputs.get("lower_bound")
    return found if bound is None else found | {"bound": bound.logit()}


LAYERS = [
    ("gla", "layer", st.GLAConfig, gla),
    ("ret_net", "layer", st.RetNetConfig, retention),
    ("hgrn2", "first layer", st.HGRN2Config, hgrn2),
    ("hgrn2", "second layer", st.HGRN2Config, hgrn2),
]


@pytest.mark.parametrize(("file", "title", "kind", "renamed"), LAYERS)
def test_the_layer_is_upstream_s(golden, file, title, kind, renamed):
    case = golden(file)[title]
    module, weights = kind(**case.options).build(8).double(), renamed(case.inputs)
    assert set(weights) == set(dict(module.named_parameters()))
    case.agrees({"y": functional_call(module, weights, (case.inputs["x"],))})
