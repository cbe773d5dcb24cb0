"""Initial values of our mixers in JAX against the figures of upstream's own layers."""

from __future__ import annotations

import functools

import equinox as eqx
import jax
import numpy as np
import pytest
from initial_values import DRAWS, Draws, cases, difference, unaccounted

import lcde_jax as lj
from lcde_jax.sequence.mixer import MixerConfig
from lcde_jax.train.optimiser import tensor_names, tensor_rates
from seqtheory.training import Training

CASES = list(cases(MixerConfig))


@functools.cache
def drawn(mixer: MixerConfig, width: int) -> Draws:
    """Draw every parameter of a mixer, all draws from one key."""
    build = functools.partial(mixer.build, width, dtype=np.float32)
    keys = jax.random.split(jax.random.key(20240229), DRAWS)
    held = eqx.filter_jit(eqx.filter_vmap(lambda key: build(key=key)))(keys)
    leaves = jax.tree.leaves(eqx.filter(held, eqx.is_inexact_array))
    return dict(zip(tensor_names(held), map(np.asarray, leaves), strict=True))


@pytest.fixture(params=CASES, ids=str)
def case(request):
    return request.param


def test_all_kinds_of_mixer_are_compared():
    assert {type(case.mixer) for case in CASES} == {
        lj.S4DConfig,
        lj.S4DPLRConfig,
        lj.S5Config,
        lj.LinearCDEConfig,
    }


def test_every_parameter_of_ours_is_held_by_one_of_upstream(case):
    assert unaccounted(case, drawn(case.mixer, case.width)) == []


def test_parameters_start_as_upstream_draws_them(case):
    held = drawn(case.mixer, case.width)
    found = {entry.upstream: difference(entry, held) for entry in case.entries}
    named = {entry.upstream for entry in case.entries if entry.differs}
    assert {name: said for name, said in found.items() if said and name not in named} == {}
    assert [name for name in named if found[name] is None] == []


def test_weight_decay_leaves_alone_what_upstream_leaves_alone(case):
    module = case.mixer.build(case.width, dtype=np.float32, key=jax.random.key(0))
    rates = tensor_rates(module, Training(weight_decay=0.1))
    ours = {name: rate.decay > 0 for name, rate in zip(tensor_names(module), rates, strict=True)}
    for entry in case.entries:
        same = {ours[name.partition("[")[0]] for name in entry.ours} == {entry.decayed}
        assert same == (entry.decay_differs is None), entry.upstream
