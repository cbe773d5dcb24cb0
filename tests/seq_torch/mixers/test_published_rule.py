"""Structured linear CDEs by the published rule, against a loop written from its equations."""

from __future__ import annotations

import json

import numpy as np
import pytest
import scipy
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import seq_torch as st

DT = 0.3  # coarse, so that a wrong power of it shows
WIDTH, STATES = 3, 8
STRUCTURES = {
    "low_rank": st.DiagonalPlusLowRank(rank=2),
    "walsh_hadamard": st.WalshHadamard(),
    "sparse": st.Sparse(density=0.3, seed=4),
    "dense": st.Dense(),
    "diagonal": st.Diagonal(),
    "blocks": st.BlockDiagonal(block_size=2),
}


def config(name, **changes):
    settings = {"state_dim": STATES, "dt": DT, "transition": "first_order", "rule": "published"}
    return st.LinearCDEConfig(**(settings | {"structure": STRUCTURES[name]} | changes))


def built(settings, width=WIDTH, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return settings.build(width)


def generator(name, A, increment):
    """The matrix along one increment (dt, dt x) of the path, each channel's for itself."""
    if name == "low_rank":
        d, U, V = (np.tensordot(increment, A[part], 1) for part in ("diagonal", "left", "right"))
        return np.diag(d) + U @ V.T
    if name == "walsh_hadamard":
        diagonals = [np.diag(row) for row in np.tanh(A["diagonal"])]
        mixed = [scipy.linalg.hadamard(STATES) @ diagonal for diagonal in diagonals]
        return np.tensordot(increment, mixed, 1) / np.sqrt(STATES)
    if name == "diagonal":
        return np.diag(increment @ A["diagonal"])
    if name == "blocks":
        return scipy.linalg.block_diag(*np.tensordot(increment, A["blocks"], 1))
    return np.tensordot(increment, A["matrix"], 1)


@pytest.mark.parametrize("name", STRUCTURES)
def test_outputs_are_those_of_a_loop_of_the_published_rule(name):
    mixer = built(config(name)).double()
    A = {part: value.detach().numpy() for part, value in mixer.A.items()}
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 7, WIDTH)))
    for row in range(2):
        state, outputs = mixer.start.detach().numpy(), []
        for x_k in x[row].numpy():
            state = state + generator(name, A, DT * np.array([1, *x_k])) @ state
            outputs.append(mixer.C.weight.detach().numpy() @ state)
        np.testing.assert_allclose(mixer(x)[row].detach(), np.stack(outputs), rtol=1e-12)
    own = built(config(name, rule="own")).double()
    if name != "sparse":  # stored otherwise
        own.load_state_dict(mixer.state_dict())
        same = torch.allclose(own(x), mixer(x), rtol=1e-3)
        assert same == (name in ("dense", "diagonal", "blocks"))


def test_a_low_rank_start_is_seven_times_smaller_than_ours():
    """At the published step of 1 / 40, rank 4 and width 64: sqrt(4 / 128) / dt."""
    sizes = {}
    for rule in ("own", "published"):
        changes = {"state_dim": 64, "structure": st.DiagonalPlusLowRank(rank=4), "dt": 1 / 40}
        mixer = built(config("low_rank", rule=rule, **changes), 200)
        moved = mixer.matrices(torch.zeros(1, 200))[0].detach() - torch.eye(64)
        sizes[rule] = (moved - torch.diag(moved.diag())).square().mean().sqrt().item()
    assert sizes["own"] / sizes["published"] == pytest.approx(7.07, rel=0.1)


@pytest.mark.parametrize(
    ("name", "part", "spread"),
    [
        ("low_rank", "diagonal", 1),
        ("low_rank", "left", 2**-0.5),
        ("low_rank", "right", 2**-0.5),
        ("walsh_hadamard", "diagonal", 1),
        ("dense", "matrix", 32**-0.5),
        ("diagonal", "diagonal", 1),
        ("blocks", "blocks", 2**-0.5),
    ],
)
def test_the_published_start_is_normal_with_the_published_spread(name, part, spread):
    draws = built(config(name, state_dim=32), 200).A[part].detach()
    assert draws.mean().abs() < 0.05 * spread
    assert draws.std().item() == pytest.approx(spread, rel=0.03)
    assert draws.abs().max() > 3 * spread  # not cut off


def test_each_channel_of_a_published_sparse_matrix_has_places_of_its_own():
    mixer = built(config("sparse", state_dim=32), 200)
    A = mixer.A["matrix"].detach()
    places = A != 0
    assert places.float().mean().item() == pytest.approx(0.3, abs=0.005)
    counts = places.sum(-1).float()  # binomial in each row, where ours has the same in all
    assert counts.var().item() == pytest.approx(32 * 0.3 * 0.7, rel=0.05)
    both = (places[0] & places[1]).float().mean().item()
    assert both == pytest.approx(0.09, abs=0.03)
    assert A[places].std().item() == pytest.approx(32**-0.5, rel=0.02)  # whatever the density
    x = torch.randn(1, 4, 200, generator=torch.Generator().manual_seed(0))
    assert (mixer.matrices(x) != 0).all()  # the sum over channels is not sparse


def test_entries_that_are_not_there_are_never_trained():
    mixer = built(config("sparse"))
    before = mixer.A["matrix"].detach().clone()
    optimiser = torch.optim.SGD(mixer.parameters(), lr=1.0)
    mixer(torch.randn(2, 5, WIDTH, generator=torch.Generator().manual_seed(0))).sum().backward()
    optimiser.step()
    moved = mixer.A["matrix"].detach() != before
    assert torch.equal(moved, before != 0)


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_model_file_keeps_the_rule_and_an_older_one_means_ours(name, tmp_path):
    for rule in ("own", "published"):
        model = st.SequenceModelConfig(
            mixer=config(name, rule=rule),
            input=st.TokenInput(vocabulary=5),
            output=st.StepOutput(size=2),
            width=WIDTH,
        ).build(seed=0)
        st.save(model, tmp_path / "model.safetensors")
        tokens = torch.arange(10).reshape(2, 5) % 5
        again = st.load(tmp_path / "model.safetensors")
        assert again.config == model.config
        assert torch.equal(again(tokens), model(tokens))
        if rule == "own":
            strip(tmp_path / "model.safetensors", tmp_path / "older.safetensors")
            older = st.load(tmp_path / "older.safetensors")
            assert older.config == model.config
            assert torch.equal(older(tokens), model(tokens))


def strip(path, older):
    """Write the file as before there was a rule."""
    with safe_open(path, framework="pt") as file:
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
