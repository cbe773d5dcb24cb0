"""State tracking: both halves of the study train the same model."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import lcde_jax
import seq_torch
from experiments.tracking.linear_cde import LinearCDERun
from experiments.tracking.models import (
    STRUCTURED,
    linear_cde,
    mixer,
    model_config,
)
from experiments.tracking.sequence_models import SequenceModelRun
from experiments.tracking.settings import TASKS, short


@pytest.mark.parametrize("name", STRUCTURED)
def test_a_model_of_the_half_in_torch_is_one_of_the_half_in_jax(name, tmp_path) -> None:
    task = TASKS["S3"]
    of_torch, of_jax = (short(kind, task, name, 0) for kind in (SequenceModelRun, LinearCDERun))
    of_theory = mixer(name, of_torch.state_dim)
    built = model_config(seq_torch, of_torch, of_theory, one_hot=True).build(0)
    seq_torch.save(built, tmp_path / "model.safetensors")
    twin = lcde_jax.load(tmp_path / "model.safetensors")
    expected = linear_cde(lcde_jax, name, of_jax.state_dim)
    assert twin.config == model_config(lcde_jax, of_jax, expected, one_hot=True)
    tokens = task.at_length(6, 20).build(0).inputs
    with torch.no_grad():
        scores = built.eval()(torch.tensor(tokens)).numpy()
    np.testing.assert_allclose(np.asarray(twin(tokens)), scores, atol=1e-4)
