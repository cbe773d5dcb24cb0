"""The mLSTM is xlstm's: its parallel and its recurrent form, and the whole layer."""

from __future__ import annotations

import pytest
import torch
from torch.func import functional_call

import seq_torch as st
from seq_torch import ops
from seq_torch.mixers.parts.exponential_gates import recall

FORMS = ["parallel", "recurrent", "recurrent with a state", "parallel, strong gates"]


@pytest.mark.parametrize("backend", ["chunked", "fused", "reference"])
@pytest.mark.parametrize("title", FORMS)
def test_the_recurrence_is_upstream_s(golden, title, backend):
    case = golden("mlstm")[title]
    q, k, v, i, f, *parts = case.inputs.values()
    batch, heads, _, channels = q.shape
    shape = (batch, heads, channels)
    C, n, m = parts or (q.new_zeros(*shape, channels), q.new_zeros(shape), q.new_zeros(shape[:2]))
    with ops.use_backend(backend):
        h, (memory, m) = recall(
            q, k * channels**-0.5, v, i, f, (torch.cat((C, n[..., None]), -1), m)
        )
    outputs = {"h": h, "C": memory[..., :-1], "n": memory[..., -1], "m": m}
    case.agrees({name: outputs[name] for name in case.outputs})


def renamed(inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Upstream's parameters under our names."""
    names = {
        "into.weight": "proj_up.weight",
        "block.queries.weight": "q_proj.weight",
        "block.keys.weight": "k_proj.weight",
        "block.values.weight": "v_proj.weight",
        "block.convolution.weight": "conv1d.conv.weight",
        "block.convolution.bias": "conv1d.conv.bias",
        "block.skip": "learnable_skip",
        "block.out.weight": "proj_down.weight",
    }
    found = {ours: inputs[theirs] for ours, theirs in names.items()}
    for part in ("weight", "bias"):
        gates = [inputs[f"mlstm_cell.{gate}gate.{part}"] for gate in "if"]
        found[f"gates.{part}"] = torch.cat(gates)
    return found | {"block.norm.weight": 1 + inputs["mlstm_cell.outnorm.weight"]}


@pytest.mark.parametrize("title", ["layer", "layer of four heads"])
def test_the_layer_is_upstream_s(golden, title):
    case = golden("mlstm")[title]
    module, weights = st.MLSTMConfig(**case.options).build(6).double(), renamed(case.inputs)
    assert set(weights) == set(dict(module.named_parameters()))
    case.agrees({"y": functional_call(module, weights, (case.inputs["x"],))})
