"""The sLSTM is xlstm's: the recurrence by its plain backend, and the whole layer."""

from __future__ import annotations

import pytest
import torch
from torch.func import functional_call

import seq_torch as st
from seq_torch import ops


@pytest.mark.parametrize("backend", ["fused", "reference"])
@pytest.mark.parametrize("title", ["scan", "scan with a state", "strong gates"])
def test_the_recurrence_is_upstream_s(golden, title, backend):
    case = golden("slstm")[title]
    x, weight, *parts = case.inputs.values()
    initial = torch.stack(parts, 2) if parts else None
    h, state = ops.slstm_scan(x, weight, initial, return_last_state=True, backend=backend)
    case.agrees({"h": h, "state": state} if "state" in case.outputs else {"h": h})


def renamed(inputs: dict[str, torch.Tensor], heads: int) -> dict[str, torch.Tensor]:
    """Upstream's parameters under our names; what it calls fgate is the map of i."""
    maps = {name: inputs[f"{name}gate.weight"] for name in "fizo"}
    found = {
        "into.i_and_f.weight": torch.cat((maps["f"], maps["i"]), 1),
        "into.z_and_o.weight": torch.cat((maps["z"], maps["o"]), 1),
        "recurrent": inputs["slstm_cell._recurrent_kernel_"].unflatten(1, (4, -1)),
        "bias": inputs["slstm_cell._bias_"].unflatten(0, (4, heads, -1)).transpose(0, 1),
        "norm.weight": 1 + inputs["group_norm.weight"],
    }
    for part in ("weight", "bias"):
        if (name := f"conv1d.conv.{part}") in inputs:
            found[f"convolution.{part}"] = inputs[name]
    return found


@pytest.mark.parametrize("title", ["layer", "layer without a convolution"])
def test_the_layer_is_upstream_s(golden, title):
    case = golden("slstm")[title]
    module = st.SLSTMConfig(**case.options).build(6).double()
    weights = renamed(case.inputs, case.options["heads"])
    assert set(weights) == set(dict(module.named_parameters()))
    case.agrees({"y": functional_call(module, weights, (case.inputs["x"],))})
