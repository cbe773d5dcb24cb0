"""The probe names the class of every mixer's transitions as its settings do."""

from __future__ import annotations

import dataclasses

import pytest
import torch

import seq_torch as st
from seq_torch.probe import probe_recurrence
from seqtheory.expressivity import Transition, predict
from seqtheory.reparameterisation import Direct, Exp
from seqtheory.tasks import GroupWords, Parity

WIDTH = 8


def probed(mixer, seed=0, **settings):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return probe_recurrence(mixer.build(WIDTH), WIDTH, **settings)


def fades(mixer):
    """Give what may be said where outputs do not show that a memory grows.

    The past of some attention fades, and a tree over it grows with the logarithm of the length.
    """
    fading = getattr(mixer, "positions", None) in ("forget", "householder")
    fading = fading or hasattr(mixer, "levels")
    return [("not probed", None)] if fading else []


@pytest.mark.parametrize("seed", [0, 1])
def test_the_probe_names_the_class_that_the_settings_declare(mixer, seed):
    declared, found = mixer.transition_class, probed(mixer, seed)
    if isinstance(declared, Transition):
        assert (found.kind, found.transition) == ("linear", declared.as_sampled), str(found)
    else:
        assert (found.kind, found.transition) in [(declared, None), *fades(mixer)], str(found)


def test_every_member_declares_its_class(mixer):
    assert mixer.transition_class != "undeclared"


def test_a_module_of_one_s_own_declares_nothing_unless_it_does():
    assert st.ModuleConfig(make=torch.nn.Identity).transition_class == "undeclared"

    class Declared(torch.nn.Identity):
        transition_class: object = Transition("diagonal", "unit")

    assert st.ModuleConfig(make=Declared).transition_class == Transition("diagonal", "unit")
    Declared.transition_class = "diagonal"
    with pytest.raises(ValueError, match="'diagonal', expected a seqtheory"):
        _ = st.ModuleConfig(make=Declared).transition_class
    Declared.transition_class = "undeclared"
    Declared.causal = False
    assert st.ModuleConfig(make=Declared).transition_class == "undeclared"


def test_what_stands_beside_the_recurrence_is_set_apart():
    mamba = probed(st.MambaConfig(state_dim=4))
    assert (mamba.numbers, mamba.shifts) == (2 * WIDTH * 4, 2 * WIDTH * 3)
    turning = probed(st.Mamba3Config(state_dim=4, heads=2))
    assert turning.phases == 4
    assert probed(st.Mamba3Config(state_dim=4, heads=2, eigenvalues="unit")).phases == 0


def test_norms_and_blocks_are_told():
    found = probed(st.DeltaNetConfig(heads=2, key_dim=4, value_dim=3))
    assert found.norm == pytest.approx(1.0)
    assert found.blocks == ((4, 6),)
    assert not found.commuting
    assert probed(st.MambaConfig(state_dim=4)).commuting
    grows = st.StableSSMConfig(state_dim=6, parameterisation=Direct(), upstream_sign=True)
    assert probed(grows).radius > 1


@pytest.mark.parametrize(
    ("mixer", "expected"),
    [
        (st.S4DConfig(state_dim=1), Transition("diagonal", "unit", input_dependent=False)),
        (
            st.S5Config(state_dim=3, blocks=3),
            Transition("diagonal", "unit", input_dependent=False),
        ),
        (
            st.LinearCDEConfig(
                state_dim=4, structure=st.BlockDiagonal(block_size=1), transition="direct"
            ),
            Transition("diagonal", "signed"),
        ),
        (
            st.LinearCDEConfig(state_dim=4, structure=st.Diagonal(), transition="exponential"),
            Transition("diagonal", "unit"),
        ),
        (
            st.ResidualRNNConfig(activation="linear", parameterisation=Exp(), matrix="diagonal"),
            Transition("diagonal", "unit", input_dependent=False),
        ),
        (
            st.DeltaProductConfig(heads=1, key_dim=6, value_dim=2, factors=4, eigenvalues="signed"),
            Transition("householder", "signed", factors=4),
        ),
    ],
)
def test_settings_at_their_edges_too(mixer, expected):
    assert mixer.transition_class == expected
    assert probed(mixer).transition == expected


def test_what_is_declared_is_no_field():
    for mixer in (st.MambaConfig(), st.S4DConfig(), st.LinearCDEConfig()):
        assert "transition_class" not in {field.name for field in dataclasses.fields(mixer)}


def test_theory_says_what_a_probed_layer_can_follow():
    reflecting = probed(
        st.DeltaProductConfig(heads=2, key_dim=4, value_dim=3, eigenvalues="signed")
    ).transition
    fading = probed(st.MambaConfig(state_dim=4)).transition
    assert reflecting is not None
    assert fading is not None
    assert predict(GroupWords("A5"), reflecting).status == "possible"
    assert predict(Parity(), fading).status == "impossible"


def test_the_module_is_left_as_it_is():
    module = st.GatedDeltaNetConfig(heads=2, key_dim=4, value_dim=4).build(WIDTH)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    probe_recurrence(module)
    assert module.training
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(parameter.dtype == torch.float32 for parameter in module.parameters())


class Outputs(torch.nn.Module):
    """A mixer of which outputs alone are seen."""

    def __init__(self, mixer):
        super().__init__()
        self.mixer = mixer

    def forward(self, x):
        return self.mixer(x)


def test_outputs_alone_tell_nothing_that_the_settings_deny(mixer):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        found = probe_recurrence(Outputs(mixer.build(WIDTH)), WIDTH)
    declared = mixer.transition_class
    if found.kind == "linear":
        assert isinstance(declared, Transition), str(found)
        assert found.transition is not None
        assert found.transition.input_dependent == declared.input_dependent
        assert (found.transition.structure == "diagonal") == declared.is_diagonal
        if declared.is_diagonal:
            assert found.transition.eigenvalues == declared.eigenvalues
    else:
        kinds = {"none"} if declared == "none" else {"not probed"}
        assert found.kind in kinds | {kind for kind, _ in fades(mixer)}, str(found)
