"""Theory is asked of the class that a model of the zoo declares, and a stranger's is probed."""

from __future__ import annotations

import pytest

from experiments.bench import baselines
from experiments.bench.measurements import BenchRun
from experiments.bench.parts.theory import Theory, asked
from experiments.guest import Guest
from seqtheory.expressivity import Transition

pytestmark = pytest.mark.needs_torch

SEEN = Transition("block_diagonal", "signed", size=2)


@pytest.mark.parametrize("name", ["rwkv7", "delta_product", "mamba"])
def test_a_model_of_the_zoo_is_asked_as_it_declares(name):
    declared = baselines.settings(name, 8).transition_class
    assert asked(BenchRun(part=Theory(), model=name), declared, SEEN) == declared


def test_a_stranger_is_asked_as_it_was_seen():
    declared = baselines.settings("rwkv7", 8).transition_class
    run = BenchRun(part=Theory(), model="guest", guest=Guest(name="Mine", source=16 * "0"))
    assert asked(run, declared, SEEN) == SEEN


def test_what_moves_no_linear_state_is_not_asked():
    assert asked(BenchRun(part=Theory(), model="lstm"), "nonlinear", None) is None
