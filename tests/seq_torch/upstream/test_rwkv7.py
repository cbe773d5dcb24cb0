"""RWKV-7 is flash-linear-attention's: the recurrence, and the whole layer."""

from __future__ import annotations

import pytest
import torch
from torch.func import functional_call
from torch.nn.functional import normalize

import seq_torch as st
from seq_torch import ops
from seq_torch.mixers.recurrent import Shared

PAIRS = {"decay": "w", "rate": "a", "residual": "v", "gate": "g"}
MAPS = {"receptance": "r", "key": "k", "value": "v", "out": "o"}


@pytest.mark.parametrize("backend", ["fused", "chunked", "reference"])
@pytest.mark.parametrize("title", ["scan", "scan with a state"])
def test_the_recurrence_is_upstream_s(golden, title, backend):
    case = golden("rwkv7")[title]
    r, k, v, kappa, a, log_w, *initial = case.inputs.values()
    kappa = normalize(kappa, dim=-1)
    o, S = ops.generalised_delta_scan(
        r, k, v, -kappa, a * kappa, log_w, *initial, return_last_state=True, backend=backend
    )
    case.agrees({"o": o, "S": S})


def renamed(inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Upstream's parameters under our names."""
    found = {
        "mixes": torch.stack([inputs[f"x_{m}"].flatten() for m in "rwkvag"]),
        "removal": inputs["k_k"],
        "replacement": inputs["k_a"],
        "bonus": inputs["r_k"],
        "norm.weight": inputs["g_norm.weight"],
        "norm.bias": inputs["g_norm.bias"],
    }
    found |= {f"{ours}.weight": inputs[f"{name}_proj.weight"] for ours, name in MAPS.items()}
    parts = {"down.weight": "0.weight", "up.weight": "2.weight", "up.bias": "2.bias"}
    for ours, name in PAIRS.items():
        for part, theirs in parts.items():
            if (full := f"{name}_lora.lora.{theirs}") in inputs:
                found[f"{ours}.{part}"] = inputs[full]
    return found


@pytest.mark.parametrize("title", ["first layer", "second layer"])
def test_the_layer_is_upstream_s(golden, title):
    case = golden("rwkv7")[title]
    config = st.RWKV7Config(
        key_dim=4, value_dim=4, decay_rank=3, rate_rank=3, value_rank=2, gate_rank=2, **case.options
    )
    module, weights, shared = config.build(8).double(), renamed(case.inputs), Shared()
    assert set(weights) == set(dict(module.named_parameters()))
    shared.values = case.inputs.get("v_first")
    y = functional_call(module, weights, (case.inputs["x"], shared))
    first = {} if "v_first" in case.inputs else {"v_first": shared.values}
    case.agrees({"y": y} | first)
