"""M2RNN is lm-engine's: the recurrence by its plain loop, with clipped gradients, and the layer."""

from __future__ import annotations

import pytest
from torch.func import functional_call

import seq_torch as st
from seq_torch import ops


@pytest.mark.parametrize("backend", ["fused", "reference"])
@pytest.mark.parametrize("title", ["scan", "clipped, with a state"])
def test_the_recurrence_is_upstream_s(golden, title, backend):
    case = golden("m2rnn")[title]
    o, S = ops.m2rnn_scan(
        *case.inputs.values(), **case.options, return_last_state=True, backend=backend
    )
    case.agrees({"o": o, "S": S})


NAMES = {
    "into.weight": "input_projection.weight",
    "recurrent": "state_weight",
    "step_bias": "decay_gate.dt_bias",
    "log_rate": "decay_gate.A_log",
    "convolution.weight": "conv1d.weight",
    "D": "D",
    "norm.weight": "g_norm.weight",
    "out.weight": "output_projection.weight",
}


@pytest.mark.parametrize("title", ["layer", "layer of groups"])
def test_the_layer_is_upstream_s(golden, title):
    case = golden("m2rnn")[title]
    module = st.M2RNNConfig(key_dim=3, value_dim=2, **case.options).build(6).double()
    weights = {ours: case.inputs[theirs] for ours, theirs in NAMES.items()}
    assert set(weights) == set(dict(module.named_parameters()))
    case.agrees({"y": functional_call(module, weights, (case.inputs["x"],))})
