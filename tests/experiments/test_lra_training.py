"""What the study of long-range tasks does with a framework: select, measure, keep, go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.record import Record

STUDIES = {"torch": "lra.sequence_models", "jax": "lra.s4_jax"}
# One run of the smoke preset, whose other models differ from it in state and rate as well.
S4 = (
    "model=s4",
    "norm=batch",
    "position=post",
    "state_dim=4",
    "training.learning_rate=0.01",
)


@pytest.fixture(params=[pytest.param(n, marks=getattr(pytest.mark, f"needs_{n}")) for n in STUDIES])
def study(request: pytest.FixtureRequest, bench: Any) -> Any:
    """One half of the study, on its framework."""
    bench.study = STUDIES[request.param]
    return bench


def test_a_run_is_measured_at_its_best_evaluation(study: Any) -> None:
    job = study.job(*S4)
    assert study.perform(job).status == "done"
    record = Record.open(Path(job.folder))
    later = [line for line in record.metrics if line["step"] > 0]
    best = max(later, key=lambda line: line["token_accuracy"])  # of equals the first
    assert record.notes["selected_step"] == best["step"]
    assert record.notes["accuracy"]["validation"] == pytest.approx(best["token_accuracy"])
    assert record.notes["accuracy"].keys() == {"train", "validation", "test"}
    assert "generated" in record.notes["data"]["label"]
    learned = record.tensors("learned")
    assert {name.split(".")[0] for name in learned} == {"kernel", "eigenvalues", "step"}
    assert (learned["eigenvalues.1"][..., 0] < 0).all()
    assert np.isfinite(learned["kernel.0"]).all()


def test_a_stopped_training_goes_on_to_the_same_record(
    study: Any, untouched: Any, contents: Any
) -> None:
    job = study.job(*S4)
    study.interrupt(job, step=2)  # after the first evaluation; JAX steps in blocks of two
    assert study.perform(job).status == "done"
    assert contents(job.folder) == untouched(job)
