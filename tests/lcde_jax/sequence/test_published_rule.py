"""Structured linear CDEs by the published rule in JAX: the loop, the start, the file."""

from __future__ import annotations

import json

import equinox as eqx
import jax
import numpy as np
import pytest
import scipy
from safetensors import safe_open
from safetensors.numpy import save_file

import lcde_jax as lj

DT = 0.3  # coarse, so that a wrong power of it shows
WIDTH, STATES = 3, 8
STRUCTURES = {
    "low_rank": lj.DiagonalPlusLowRank(rank=2),
    "walsh_hadamard": lj.WalshHadamard(),
    "sparse": lj.Sparse(density=0.3, seed=4),
}


def config(name, **changes):
    settings = {"state_dim": STATES, "dt": DT, "transition": "first_order", "rule": "published"}
    return lj.LinearCDEConfig(**(settings | {"structure": STRUCTURES[name]} | changes))


def built(settings, width=WIDTH):
    return settings.build(width, dtype=np.float64, key=jax.random.key(0))


def generator(name, A, increment):
    """The matrix along one increment (dt, dt x) of the path, each channel's for itself."""
    if name == "low_rank":
        d, U, V = (np.tensordot(increment, A[part], 1) for part in ("diagonal", "left", "right"))
        return np.diag(d) + U @ V.T
    if name == "walsh_hadamard":
        diagonals = [np.diag(row) for row in np.tanh(A["diagonal"])]
        mixed = [scipy.linalg.hadamard(STATES) @ diagonal for diagonal in diagonals]
        return np.tensordot(increment, mixed, 1) / np.sqrt(STATES)
    return np.tensordot(increment, A["matrix"], 1)


@pytest.mark.parametrize("name", STRUCTURES)
def test_outputs_are_those_of_a_loop_of_the_published_rule(name):
    mixer = built(config(name))
    A = {part: np.asarray(value) for part, value in mixer.A._asdict().items()}
    x = np.random.default_rng(0).standard_normal((1, 7, WIDTH))
    state, outputs = np.asarray(mixer.start), []
    for x_k in x[0]:
        state = state + generator(name, A, DT * np.array([1, *x_k])) @ state
        outputs.append(np.asarray(mixer.C.weight) @ state)
    np.testing.assert_allclose(mixer(x)[0], np.stack(outputs), rtol=1e-12)


@pytest.mark.parametrize("name", STRUCTURES)
def test_tokens_are_driven_by_the_published_rule_too(name):
    settings = {"structure": STRUCTURES[name], "delta": DT, "rule": "published"}
    cde = lj.TokenCDE(STATES, **settings, key=jax.random.key(0))
    A = {part: np.asarray(value) for part, value in cde.A._asdict().items()}
    embedding = np.random.default_rng(0).standard_normal((4, STATES))
    tokens, state, states = [2, 0, 3, 3, 1], np.asarray(cde.d), []
    for token in tokens:
        increment = DT * np.array([1, *embedding[token]])
        state = state + generator(name, A, increment) @ state + np.asarray(cde.B) @ increment
        states.append(state)
    found = cde(embedding, np.array([tokens]))[0]
    np.testing.assert_allclose(found, np.stack(states), rtol=1e-11)
    start = built(config(name), STATES).A._asdict()
    for part, value in A.items():  # drawn as the mixer's
        assert value.shape == start[part].shape
        assert value.std() == pytest.approx(float(np.std(start[part])), rel=0.3)


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_classifier_becomes_a_sequence_model_with_its_rule(name):
    settings = {"structure": STRUCTURES[name], "forcing": False, "rule": "published"}
    classifier = lj.LinearCDEClassifier(4, 3, STATES, **settings, key=jax.random.key(0))
    tokens = np.array([[2, 0, 3, 3, 1]])
    model = lj.from_classifier(classifier)
    assert model.config.mixer.rule == "published"
    np.testing.assert_allclose(model(tokens), classifier(tokens), rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "part", "spread"),
    [
        ("low_rank", "diagonal", 1),
        ("low_rank", "left", 2**-0.5),
        ("low_rank", "right", 2**-0.5),
        ("walsh_hadamard", "diagonal", 1),
    ],
)
def test_the_published_start_is_normal_with_the_published_spread(name, part, spread):
    draws = np.asarray(built(config(name, state_dim=32), 200).A._asdict()[part])
    assert abs(draws.mean()) < 0.05 * spread
    assert draws.std() == pytest.approx(spread, rel=0.03)
    assert np.abs(draws).max() > 3 * spread  # not cut off


def test_each_channel_of_a_published_sparse_matrix_has_places_of_its_own():
    A = np.asarray(built(config("sparse", state_dim=32), 200).A.matrix)
    places = A != 0
    assert places.mean() == pytest.approx(0.3, abs=0.005)
    assert places.sum(-1).var() == pytest.approx(32 * 0.3 * 0.7, rel=0.05)
    assert (places[0] & places[1]).mean() == pytest.approx(0.09, abs=0.03)
    assert A[places].std() == pytest.approx(32**-0.5, rel=0.02)  # whatever the density


def test_entries_that_are_not_there_have_no_gradient():
    mixer = built(config("sparse"))
    x = np.random.default_rng(0).standard_normal((2, 5, WIDTH))
    gradient = eqx.filter_grad(lambda module: module(x).sum())(mixer)
    np.testing.assert_array_equal(gradient.A.matrix != 0, mixer.A.matrix != 0)


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_model_file_keeps_the_rule_and_an_older_one_means_ours(name, tmp_path):
    tokens = np.arange(10).reshape(2, 5) % 5
    for rule in ("own", "published"):
        model = lj.SequenceModelConfig(
            mixer=config(name, rule=rule),
            input=lj.TokenInput(vocabulary=5),
            output=lj.StepOutput(size=2),
            width=WIDTH,
        ).build(jax.random.key(0))
        lj.save(model, tmp_path / "model.safetensors")
        again = lj.load(tmp_path / "model.safetensors")
        assert again.config == model.config
        np.testing.assert_array_equal(again(tokens), model(tokens))
        if rule == "own":
            strip(tmp_path / "model.safetensors", tmp_path / "older.safetensors")
            older = lj.load(tmp_path / "older.safetensors")
            assert older.config == model.config
            np.testing.assert_array_equal(older(tokens), model(tokens))


def strip(path, older):
    """Write the file as before there was a rule."""
    with safe_open(path, framework="numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    settings = json.loads(metadata["config"])
    del settings["mixer"]["rule"]
    save_file(tensors, older, metadata | {"config": json.dumps(settings)})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rule": "upstream"}, "rule=.upstream.: expected one of"),
        ({"transition": "direct"}, "'direct': expected \"first_order\""),
    ],
)
def test_a_rule_that_is_unknown_or_has_no_such_step_is_named(changes, said):
    with pytest.raises(ValueError, match=said):
        config("low_rank", **changes)
