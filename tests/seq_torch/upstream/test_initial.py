"""Initial values of our mixers against figures of upstream's own layers, by distribution."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from initial_figures import figures, text, unlike
from initial_torch import decayed, drawn
from initial_values import FOLDER, OWN, WITHOUT, Case, cases, difference, kinds, unaccounted

import seq_torch as st

MEMBERS = Path(__file__).parents[1] / "mixers" / "conftest.py"
CASES = list(cases(st.MixerConfig))


@pytest.fixture(params=CASES, ids=str)
def case(request) -> Case:
    return request.param


def test_every_mixer_has_figures_or_none_before_it():
    heirs = {type(case.mixer).__name__ for case in CASES}
    assert heirs.isdisjoint(WITHOUT)
    ours = {k.__name__ for k in kinds(st.MixerConfig) if k.__module__.startswith("seq_torch.")}
    assert heirs | set(WITHOUT) == ours


def test_every_parameter_that_some_settings_have_has_figures_or_is_ours_alone():
    members = importlib.util.spec_from_file_location("members", MEMBERS)
    listed = importlib.util.module_from_spec(members)
    members.loader.exec_module(listed)
    seen = {(type(case.mixer), name) for case in CASES for name in case.names}
    for mixer in listed.MEMBERS.values():
        if type(mixer).__name__ in WITHOUT:
            continue
        names = {name for name, _ in mixer.build(listed.WIDTH).named_parameters()}
        unseen = {name for name in names - set(OWN) if (type(mixer), name) not in seen}
        assert not unseen, f"{type(mixer).__name__}: {unseen}"


def test_files_have_one_form_and_every_case_is_read():
    seen = []
    for path in sorted(FOLDER.glob("*.json")):
        held = path.read_text(encoding="utf-8")
        assert held == text(json.loads(held)) + "\n", path.name
        assert json.loads(held)["source"].keys() == {
            "package",
            "version",
            "files",
            "model",
            "decay",
        }
        seen += [(path.stem, title) for title in json.loads(held)["cases"]]
    assert seen == [(case.file, case.title) for case in CASES]


def gated_delta_net() -> Case:
    return next(case for case in CASES if case.file == "gated_delta_net")


def test_every_parameter_of_ours_is_held_by_one_of_upstream(case):
    assert unaccounted(case, drawn(case.mixer, case.width, draws=1)) == []  # names and shapes


def test_parameters_start_as_upstream_draws_them(case):
    held = drawn(case.mixer, case.width)
    found = {entry.upstream: difference(entry, held) for entry in case.entries}
    named = {entry.upstream for entry in case.entries if entry.differs}
    assert {name: said for name, said in found.items() if said and name not in named} == {}
    assert [name for name in named if found[name] is None] == []  # a difference that is none


def test_weight_decay_leaves_alone_what_upstream_leaves_alone(case):
    ours = decayed(case.mixer, case.width)
    for entry in case.entries:
        same = {ours[name.partition("[")[0]] for name in entry.ours} == {entry.decayed}
        assert same == (entry.decay_differs is None), entry.upstream


def test_the_gated_delta_rule_of_our_own_start_is_not_upstreams():
    case = gated_delta_net()
    held = drawn(dataclasses.replace(case.mixer, start="own"), case.width)
    found = {e.upstream for e in case.entries if difference(e, held)}
    same = {"dt_bias", "o_norm.weight"}
    assert found == {e.upstream for e in case.entries} - same


def test_a_parameter_that_one_side_lacks_is_seen():
    case = gated_delta_net()
    held = drawn(dataclasses.replace(case.mixer, bias=True), case.width)
    assert set(unaccounted(case, held)) == {"strength.bias", "convolution.bias"}
    fewer = dataclasses.replace(case, entries=case.entries[1:])
    assert unaccounted(fewer, drawn(case.mixer, case.width)) == ["into.weight"]
    without_a_gate = {name: value for name, value in held.items() if name != "gate.weight"}
    said = [difference(entry, without_a_gate) for entry in case.entries]
    assert "there is no gate.weight" in said


def normal(seed: int, draws: int = 400, shape: tuple[int, ...] = (8, 6)) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(draws, *shape))


def per_head(draws: np.ndarray) -> np.ndarray:
    return draws + np.arange(8)[:, None]


def one_head_otherwise(draws: np.ndarray) -> np.ndarray:
    return draws * np.where(np.arange(8) == 3, 1.3, 1.0)[:, None]


def cut_off(draws: np.ndarray) -> np.ndarray:
    return np.where(np.abs(draws) > 2.4, 0.3, draws)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("of", [np.asarray, per_head, np.exp, np.round])
def test_draws_of_one_distribution_are_alike(seed, of):
    assert unlike(of(normal(seed)), figures(of(normal(1000 + seed, 2000)))) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda x: 1.06 * x,
        lambda x: x + 0.06,
        cut_off,
        one_head_otherwise,
        per_head,
        np.abs,
        np.ones_like,
    ],
)
def test_another_mean_spread_range_or_structure_is_seen(change):
    assert unlike(change(normal(0)), figures(normal(1, 2000))) is not None


def test_the_order_of_heads_is_seen():
    held = figures(per_head(normal(1, 2000)))
    assert [profile == "alike" for profile in held["axes"]] == [False, True]
    assert unlike(per_head(normal(0))[:, ::-1], held) is not None


def test_fixed_values_are_compared_exactly():
    ramp = np.broadcast_to(np.linspace(3, 6, 5), (10, 5))
    held = figures(ramp)
    assert held == {"values": [3.0, 3.75, 4.5, 5.25, 6.0]}
    assert unlike(ramp, held) is None
    assert unlike(ramp[:, ::-1], held) is not None
    assert unlike(ramp + 1e-4, held) is not None
    assert figures(np.ones((10, 3, 4))) == {"values": 1.0}
    assert figures(np.broadcast_to([1.0, 2.0], (10, 3, 2))) == {"values": [[1.0, 2.0]]}


def test_numbers_that_are_repeated_count_once():
    drawn_once = functools.partial(np.repeat, repeats=6, axis=2)
    held = figures(drawn_once(normal(1, 2000, (8, 1))), repeats=6)
    assert held["count"] == 2000 * 8
    assert unlike(drawn_once(normal(0, 400, (8, 1))), held) is None
