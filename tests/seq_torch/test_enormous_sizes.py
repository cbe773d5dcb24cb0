"""Settings whose modules no machine holds are refused by name, before any parameter is drawn."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

import seq_torch as st
from seqtheory import checks


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on a process's memory is Linux's")
def test_every_enormous_size_is_refused_by_name_or_is_cheap(judged):
    answers = judged(Path(__file__).parents[1] / "sizes" / "of_seq_torch.py")
    assert len(answers) > 500
    assert {case: wrong for case, wrong in answers.items() if wrong} == {}


def test_a_model_is_refused_exactly_where_its_parameters_do_not_fit(monkeypatch):
    config = st.SequenceModelConfig(
        mixer=st.S5Config(state_dim=64),
        input=st.TokenInput(vocabulary=60),
        output=st.StepOutput(size=60),
        width=512,
        depth=3,
    )
    size = sum(p.numel() * p.element_size() for p in config.build(0).parameters())
    monkeypatch.setattr(checks, "physical_memory", lambda: size // 2)
    with pytest.raises(MemoryError, match=r"width=512, depth=3.*state_dim=64.*needs about"):
        config.build(0)
    monkeypatch.setattr(checks, "physical_memory", lambda: 2 * size)
    config.build(0)


def test_the_guard_draws_nothing():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    model = st.LRUConfig(state_dim=3)
    first = model.build(2).state_dict()
    torch.manual_seed(0)
    torch.testing.assert_close(first, model.build(2).state_dict(), rtol=0, atol=0)
    torch.manual_seed(0)
    with torch.device("meta"):
        model.build(2)
    assert torch.equal(torch.rand(3), expected)


def test_a_mixer_of_ones_own_is_guarded_too_unless_it_cannot_be_built_without_memory(monkeypatch):
    @dataclass(frozen=True, kw_only=True)
    class Mine(st.MixerConfig):
        entries: int = 3

        def build(self, width):
            return nn.Linear(width, self.entries)

    @dataclass(frozen=True, kw_only=True)
    class Looking(st.MixerConfig):
        def build(self, width):
            module = nn.Linear(width, width)
            assert float(module.weight.sum().detach()) is not None
            return module

    monkeypatch.setattr(checks, "physical_memory", lambda: 1000)
    with pytest.raises(MemoryError, match="entries=1000"):
        Mine(entries=1000).build(4)
    Looking().build(40)
