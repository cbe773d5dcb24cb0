"""Attention with forget gates and along a path: upstream's numbers, and the equations as loops."""

from __future__ import annotations

import pytest
import torch

import seq_torch as st
from seq_torch.mixers.parts.attention import (
    attend_with_bias,
    forgetting_bias,
    householder_attend,
    linear_bias,
)


def test_forgetting_attention_gives_upstreams_numbers(golden):
    case = golden("attention")["forgetting"]
    q, k, v, gates = (case.inputs[name].transpose(1, 2) for name in ("q", "k", "v", "log_gates"))
    case.agrees({"o": attend_with_bias(q, k, v, forgetting_bias(gates)).transpose(1, 2)})


def test_attention_along_a_path_gives_upstreams_numbers(golden):
    case = golden("attention")["path"]
    inputs = [case.inputs[name].transpose(1, 2) for name in ("q", "k", "v", "w", "strength")]
    case.agrees({"o": householder_attend(*inputs).transpose(1, 2)})


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def looped(q, k, v, logit):
    """Attend by a function of query and key positions, one position after another."""
    outputs = []
    for i in range(q.shape[0]):
        logits = torch.stack([logit(i, j) for j in range(i + 1)]) / q.shape[1] ** 0.5
        outputs.append(logits.softmax(0) @ v[: i + 1])
    return torch.stack(outputs)


def test_a_path_is_a_product_of_reflections():
    q, k, v, w = (drawn(6, 3, seed=n) for n in range(4))
    w = w / w.norm(dim=-1, keepdim=True)
    strength = 2 * torch.sigmoid(drawn(6, seed=4))

    def logit(i, j):
        vector = k[j]
        for s in range(j + 1, i + 1):
            vector = vector - strength[s] * (w[s] @ vector) * w[s]
        return q[i] @ vector

    found = householder_attend(*(x[None, None] for x in (q, k, v, w, strength)))
    torch.testing.assert_close(found[0, 0], looped(q, k, v, logit))


def test_linear_biases_fall_with_distance():
    q, k, v = (drawn(2, 5, 4, seed=n) for n in range(3))
    found = attend_with_bias(*(x[None] for x in (q, k, v)), linear_bias(2, 5, q))[0]
    for head in range(2):
        slope = 2 ** (-8 * (head + 1) / 2) * 4**0.5
        expected = looped(
            q[head],
            k[head],
            v[head],
            lambda i, j, h=head, m=slope: q[h, i] @ k[h, j] - m * (i - j),
        )
        torch.testing.assert_close(found[head], expected)


def built(positions):
    torch.manual_seed(0)
    config = st.TransformerConfig(heads=2, feed_forward=16, positions=positions)
    return config.build(8).double().eval()


def test_rotary_logits_depend_on_distance_alone():
    module, x = built("rotary"), drawn(1, 1, 8).expand(1, 6, 8)
    outputs = module(x)
    torch.testing.assert_close(outputs, outputs[:, :1].expand_as(outputs))  # equal values
    steps = torch.arange(6)[:, None]
    from seq_torch.mixers.parts.rotary import turned

    q, k = drawn(6, 4, seed=1)[:1].expand(6, 4), drawn(6, 4, seed=2)[:1].expand(6, 4)
    logits = turned(q, steps) @ turned(k, steps).mT
    for distance in range(6):
        diagonal = logits.diagonal(-distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal))


def test_gates_that_are_open_and_factors_of_no_strength_change_nothing():
    x = drawn(2, 7, 8)
    plain, gated, path = built("none"), built("forget"), built("householder")
    with torch.no_grad():
        gated.gate.weight.zero_()
        gated.gate.bias.fill_(40.0)
        path.factors.strength.weight.zero_()
        path.factors.strength.bias.fill_(-40.0)
    for other in (gated, path):
        other.load_state_dict(plain.state_dict(), strict=False)
        torch.testing.assert_close(other(x), plain(x))


def test_sinusoids_are_added_by_the_model_only_where_attention_has_no_positions_of_its_own():
    for positions in ("sinusoidal", "none", "rotary", "linear", "forget", "householder"):
        config = st.SequenceModelConfig(
            mixer=st.TransformerConfig(heads=2, feed_forward=8, positions=positions),
            input=st.TokenInput(vocabulary=3),
            output=st.StepOutput(size=2),
            width=8,
        )
        assert config.has_positions == (positions == "sinusoidal")


def test_rotary_positions_want_pairs_of_channels():
    with pytest.raises(ValueError, match="an even number: rotary positions turn pairs"):
        st.TransformerConfig(heads=2, positions="rotary").build(6)
