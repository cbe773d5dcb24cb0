"""minGRU and minLSTM are the authors': ours step by step, theirs by logarithms."""

from __future__ import annotations

import pytest
import torch
from torch.func import functional_call

import seq_torch as st
from seq_torch import ops

CASES = [
    ("gru", st.MinGRUConfig),
    ("gru with a start", st.MinGRUConfig),
    ("lstm", st.MinLSTMConfig),
    ("lstm, gates as they are, with a start", st.MinLSTMConfig),
]
NAMES = {"to_hidden_and_gate": "into", "to_out": "out", "init_hidden_state": "start"}


def renamed(inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Upstream's parameters under our names."""
    found = {}
    for name, value in inputs.items():
        module, _, part = name.partition(".")
        if module in NAMES:
            found[f"{NAMES[module]}.{part}".rstrip(".")] = value
    return found


@pytest.mark.parametrize("backend", ["fused", "parallel", "reference"])
@pytest.mark.parametrize(("title", "kind"), CASES)
def test_the_layer_is_upstream_s(golden, title, kind, backend):
    case = golden("minimal_rnn")[title]
    module, weights = kind(**case.options).build(4).double(), renamed(case.inputs)
    assert set(weights) == set(dict(module.named_parameters()))
    with ops.use_backend(backend):
        case.agrees({"y": functional_call(module, weights, (case.inputs["x"],))})
