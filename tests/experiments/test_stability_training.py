"""What the stability study does with torch: what it watches, how it ends, how it goes on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.record import Record
from experiments.stability.gradient_ratio import ratios, starting_ratio
from experiments.stability.training_run import STARTS, gradient_over_weight

pytestmark = pytest.mark.needs_torch

STUDY = "stability.functionals"


def settings(name: str, rate: float) -> tuple[str, ...]:
    """Make one run of a preset's sweep."""
    return ("upstream_sign=false", f"parameterisation={name}", f"training.learning_rate={rate}")


def watched(parameterisation, depth=1):
    """A model after one backward pass, and its ratios."""
    import torch

    import seq_torch
    from seq_torch.mixers import StableSSMConfig
    from seq_torch.model.stacks import stable_ssm_stack

    model = stable_ssm_stack(
        seq_torch.LinearInput(channels=1),
        seq_torch.StepOutput(size=1),
        mixer=StableSSMConfig(state_dim=4, parameterisation=parameterisation),
        width=3,
        depth=depth,
    ).build(0)
    model.double()
    measure = gradient_over_weight(model)
    x = torch.tensor(np.random.default_rng(0).standard_normal((4, 20, 1)))
    model(x).square().sum().backward()
    return model, measure()["gradient_over_weight"]


def test_ratios_of_the_maps_differ_at_first_by_what_theory_says():
    values = {
        type(start.parameterisation).__name__.lower(): np.array(watched(start.parameterisation)[1])
        for start in STARTS[1:]
    }
    for name, found in values.items():
        wanted = starting_ratio(name) / starting_ratio("best")
        np.testing.assert_allclose(found / values["best"], wanted, rtol=1e-5)


def test_ratios_are_largest_over_modes_of_every_channel_and_layer():
    model, found = watched(STARTS[-1].parameterisation, depth=2)
    weights = [p for name, p in model.named_parameters() if name.endswith(".w")]
    wanted = [(w.grad.abs() / w.detach().abs()).amax(1) for w in weights]
    assert found == [value for ratio in wanted for value in ratio.tolist()]
    assert len(found) == 2 * 3


def test_a_sweep_holds_what_diverged_beside_what_did_not(bench):
    bench.study = STUDY
    lost, kept = (bench.job(*settings(name, 5.0)) for name in ("Direct", "Exp"))
    assert bench.perform(lost).status == "diverged"
    assert bench.perform(kept).status == "done"
    record = Record.open(Path(kept.folder))
    assert ratios(record).steps.tolist() == [10, 20]
    assert ratios(record).values.shape == (2, 4)
    assert Record.open(Path(lost.folder)).metrics[0]["rmse"] > 0


def test_a_stopped_training_goes_on_to_the_same_ratios(bench, untouched, contents):
    bench.study = STUDY
    job = bench.job(*settings("Best", 5e-3))
    bench.interrupt(job, step=15)
    assert bench.perform(job).status == "done"
    assert contents(job.folder) == untouched(job)
    lines = (Path(job.folder) / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [0, 10, 20]
