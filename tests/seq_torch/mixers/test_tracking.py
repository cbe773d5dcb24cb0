"""States and transitions read off a model are those of its recurrence."""

import numpy as np
import pytest
import torch

import seq_torch as st
from seq_torch.mixers.delta_rule import DeltaRuleConfig
from seqtheory import diagnostics as dg
from seqtheory.group import group
from seqtheory.representation import representation

WORDS = np.random.default_rng(0).integers(0, 7, (3, 9))
AFFINE = (
    st.S4DConfig,
    st.S4DPLRConfig,
    st.S4Config,
    st.S5Config,
    st.LRUConfig,
    st.SelectiveDiagonalConfig,
    st.LinearCDEConfig,
    st.LinOSSConfig,
    st.PDSSMConfig,
    st.ResidualSSMConfig,
    st.StableSSMConfig,
    st.MinGRUConfig,
    st.MinLSTMConfig,
)

CONVOLVED = (st.GLAConfig, st.RetNetConfig, st.HGRN2Config)
BARE = (st.MambaConfig, st.Mamba2Config, st.MesaNetConfig, DeltaRuleConfig, st.KDAConfig)
"""Affine in the state where no convolution stands before the recurrence."""


def test_states_and_transitions_of_every_recurrent_mixer(mixer, configured):
    model = configured(mixer, depth=1).build(0).double()
    if mixer.transition_class == "none":
        with pytest.raises(TypeError, match=r"has no `step`|need TokenInput"):
            st.tracking.transitions(model)
        return
    seen, found = st.tracking.trace(model, WORDS), st.tracking.transitions(model)
    expected = model(torch.as_tensor(WORDS)).detach().numpy()
    np.testing.assert_allclose(seen.outputs, expected, atol=1e-12)
    before, moves = seen.states[:, :-1], WORDS[:, 1:]
    moved = (found.matrices[moves] @ before[..., None])[..., 0] + found.offsets[moves]
    if (
        isinstance(mixer, AFFINE)
        or (isinstance(mixer, BARE) and not (mixer.block and mixer.convolution))
        or (isinstance(mixer, CONVOLVED) and not mixer.convolution)
        or (isinstance(mixer, st.FPRNNConfig) and not mixer.state_dependent)
    ):
        assert found.linearity < 1e-12
        np.testing.assert_allclose(moved, seen.states[:, 1:], atol=1e-11)
    elif not isinstance(mixer, st.ResidualRNNConfig) or mixer.activation != "linear":
        assert found.linearity > 1e-4


@pytest.mark.parametrize("mixer", [st.RNNConfig(), st.LSTMConfig(), st.MambaConfig(state_dim=4)])
def test_a_nonlinear_mixer_is_linearised_at_the_point(mixer, configured):
    model = configured(mixer, depth=1).build(1).double()
    points = st.tracking.trace(model, WORDS[:1]).states[0]
    found = st.tracking.transitions(model, [3], point=points[4])
    step = st.tracking.transitions(model, [3], point=points[4] + 1e-5 * points[0])
    there = found.matrices[0] @ points[4] + found.offsets[0]
    moved = step.matrices[0] @ (points[4] + 1e-5 * points[0]) + step.offsets[0]
    change = found.matrices[0] @ (1e-5 * points[0])
    np.testing.assert_allclose(moved - there, change, atol=1e-8 * np.abs(change).max() + 1e-9)
    assert np.abs(change).max() > 1e-7


def test_transitions_of_a_linear_cde_are_its_matrices(configured):
    model = configured(st.LinearCDEConfig(state_dim=6), depth=2).build(0).double()
    expected = model.layers[0].mixer.matrices(model.embedding.table)
    np.testing.assert_allclose(
        st.tracking.transitions(model).matrices, expected.detach().numpy(), atol=1e-13
    )


def test_spectra_of_a_complex_diagonal_are_its_eigenvalues_and_their_conjugates(configured):
    mixer = st.SelectiveDiagonalConfig(state_dim=3, unit_modulus=True)
    model = configured(mixer).build(0).double()
    phases = model.layers[0].mixer.phase(model.embedding.table).detach().numpy()
    found = dg.spectra(st.tracking.transitions(model, [2]).matrices)[0]
    expected = np.exp(1j * np.concatenate([phases[2], -phases[2]]))
    np.testing.assert_allclose(np.sort_complex(found), np.sort_complex(expected), atol=1e-10)


def test_a_hand_set_complex_diagonal_tracks_its_group_without_drift():
    order = 12
    model = st.SequenceModelConfig(
        mixer=st.SelectiveDiagonalConfig(state_dim=1, unit_modulus=True),
        input=st.TokenInput(vocabulary=order),
        output=st.StepOutput(size=order),
        width=2,
    ).build(0)
    model = model.double()
    with torch.no_grad():
        model.embedding.table[:, 0] = torch.from_numpy(np.arange(order) * 2 * np.pi / order)
        model.layers[0].mixer.phase.weight.copy_(torch.tensor([[1.0, 0.0]]))
        model.layers[0].mixer.phase.bias.zero_()
    found = st.tracking.transitions(model).matrices
    assert dg.representation_distance(found, representation("Z12")).distance < 1e-12
    words = np.random.default_rng(1).integers(0, order, (200, 40))
    states = st.tracking.trace(model, words).states
    labels = group("Z12").running_products(words)
    assert dg.predict_horizon(states, labels).verdict == "no drift"


def test_modes_and_gradients_of_the_model_are_left_alone(configured):
    model = configured(st.LinearCDEConfig(state_dim=4), dropout=0.5).build(0)
    model.train()
    one, two = (st.tracking.trace(model, WORDS).outputs for _ in range(2))
    np.testing.assert_array_equal(one, two)  # without dropout
    st.tracking.transitions(model)
    assert all(module.training for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_what_is_no_tracker_is_refused(configured):
    model = configured(st.RNNConfig()).build(0)
    with pytest.raises(ValueError, match=r"expected \(batch, time\)"):
        st.tracking.trace(model, WORDS[0])
    with pytest.raises(ValueError, match="layer=2, but the model has 2"):
        st.tracking.trace(model, WORDS, layer=2)
    with pytest.raises(ValueError, match="the token 9"):
        st.tracking.transitions(model, [9])
    with pytest.raises(ValueError, match=r"point has shape \(3,\), expected \(8,\)"):
        st.tracking.transitions(model, point=np.zeros(3))
    signal = configured(st.RNNConfig(), input=st.LinearInput(channels=2)).build(0)
    with pytest.raises(TypeError, match="need TokenInput"):
        st.tracking.transitions(signal)
