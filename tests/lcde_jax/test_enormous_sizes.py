"""Settings whose modules no machine holds are refused by name, before any parameter is drawn."""

from __future__ import annotations

import sys
from pathlib import Path

import jax
import pytest

import lcde_jax as lj
from seqtheory import checks


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on a process's memory is Linux's")
def test_every_enormous_size_is_refused_by_name_or_is_cheap(judged):
    answers = judged(Path(__file__).parents[1] / "sizes" / "of_lcde_jax.py")
    assert len(answers) > 100
    assert {case: wrong for case, wrong in answers.items() if wrong} == {}


def test_a_model_is_refused_exactly_where_its_parameters_do_not_fit(monkeypatch):
    config = lj.SequenceModelConfig(
        mixer=lj.S5Config(state_dim=64),
        input=lj.TokenInput(vocabulary=60),
        output=lj.StepOutput(size=60),
        width=512,
        depth=3,
    )
    key = jax.random.key(0)
    leaves = jax.tree.leaves(config.build(key))
    size = sum(leaf.nbytes for leaf in leaves if isinstance(leaf, jax.Array))
    monkeypatch.setattr(checks, "physical_memory", lambda: size // 2)
    with pytest.raises(MemoryError, match=r"width=512, depth=3.*state_dim=64.*needs about"):
        config.build(key)
    monkeypatch.setattr(checks, "physical_memory", lambda: 2 * size)
    config.build(key)
