"""State tracking in JAX, trained: a run ends, ends alike, and leaves what the tables read."""

from __future__ import annotations

import json
from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import pytest
from safetensors.numpy import load_file

import lcde_jax
from experiments.tracking import linear_cde
from experiments.tracking.models import model_config
from experiments.tracking.settings import TASKS, short

SETTINGS = ("model=block_diagonal", "keep_model=true", "factors=(1, 2)")


@pytest.fixture
def tracking_bench(bench):
    bench.study = "tracking.linear_cde"
    return bench


def test_a_run_that_was_cut_ends_with_the_bytes_of_one_that_was_not(
    tracking_bench, untouched, contents
) -> None:
    job = tracking_bench.job(*SETTINGS)
    tracking_bench.interrupt(job, step=3)
    assert tracking_bench.perform(job).status == "done"
    assert contents(job.folder) == untouched(job)
    notes = json.loads((Path(job.folder) / "notes.json").read_text())
    assert list(notes["longer"]) == ["6", "12"]
    assert len(notes["longer"]["12"]["position_accuracy"]) == 12
    assert {"horizon", "chance", "prediction"} <= notes.keys()
    tensors = load_file(Path(job.folder) / "model.safetensors")
    trained = sum(value.size for name, value in tensors.items() if "embedding" not in name)
    assert notes["parameters"] == trained  # the unit vectors are not among them


@pytest.mark.parametrize("model", linear_cde.LINEAR_CDES)
def test_every_structure_is_built_as_the_run_says(model) -> None:
    run = short(linear_cde.LinearCDERun, TASKS["A5"], model, 0)
    mixer = linear_cde.linear_cde(lcde_jax, model, run.state_dim)
    config = model_config(lcde_jax, run, mixer, one_hot=True)
    tokens = np.zeros((2, 5), int)
    scores = eqx.filter_eval_shape(lambda: config.build(jax.random.key(0))(tokens))
    assert scores.shape == (2, 5, 60)
