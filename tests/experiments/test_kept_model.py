"""Models in records: files that the frameworks open, of the last step or of the best evaluation."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments import guest
from experiments.best_model import BestModel
from experiments.kept_model import require_keep
from experiments.record import Record
from experiments.store import shelf
from experiments.study import PUBLISHED, load
from seqtheory.training import Evaluated, Snapshot, Stepped

GUEST = Path(__file__).parent / "guests" / "gated_recurrence.py"
TORCH = pytest.mark.needs_torch
JAX = pytest.mark.needs_jax
HALVES = [
    pytest.param("toy.sequence_models", marks=TORCH),
    pytest.param("a5.sequence_models", marks=TORCH),
    pytest.param("tracking.sequence_models", marks=TORCH),
    pytest.param("lra.sequence_models", marks=TORCH),
    pytest.param("stability.functionals", marks=TORCH),
    pytest.param("memory.memory_functions", marks=TORCH),
    pytest.param("memory.recurrent_models", marks=TORCH),
    pytest.param("tracking.linear_cde", marks=JAX),
    pytest.param("lra.s4_jax", marks=JAX),
]
STEPS = {"num_steps": 6, "evaluate_every": 2, "warmup_steps": 0}


def run_of(half: str, keep: Any) -> Any:
    """The last smoke run of a half of a study, shortened."""
    run = load(half).runs("smoke")[-1]
    return replace(run, keep_model=keep, training=replace(run.training, **STEPS))


def done(bench: Any, half: str, run: Any) -> Record:
    bench.study = half
    job = bench.job(run=run)
    outcome = bench.perform(job)
    assert outcome.status == "done", outcome
    return Record.open(Path(job.folder))


def opened(record: Record, name: str = "model") -> Any:
    path = record.file(f"{name}.safetensors")
    if record.study.endswith(("jax", "linear_cde")):
        import lcde_jax

        return lcde_jax.load(path)
    import seq_torch

    return seq_torch.load(path)


@pytest.mark.parametrize("keep", [True, "best"])
@pytest.mark.parametrize("half", HALVES)
def test_every_study_keeps_a_model_that_its_framework_opens(bench, half, keep):
    record = done(bench, half, run_of(half, keep))
    names = ["model_2", "model_4"] if half == "memory.recurrent_models" else ["model"]
    for name in names:
        assert opened(record, name).config.width >= 1
        held = record.tensors(name)
        if half != "memory.recurrent_models":  # the notes of a ladder are those of its networks
            facts = record.notes[f"kept_{name}"]
            assert facts["as"] == "model file"
            assert facts["bytes"] == record.file(f"{name}.safetensors").stat().st_size
            assert facts["step"] in (2, 4, 6)
            numbers = sum(value.nbytes for value in held.values())
            assert facts["bytes"] < numbers + 4_000 + 200 * len(held)


@TORCH
def test_an_opened_model_has_the_recorded_error_to_the_digit(bench):
    import seq_torch

    half = "toy.sequence_models"
    for keep in (True, "best"):
        record = done(bench, half, run_of(half, keep))
        task = record.run.task
        data = task.build(record.run.data_seed)
        parts = data.split((task.train_fraction, 1 - task.train_fraction), seed=None)
        found = seq_torch.evaluate(opened(record), parts[1], record.run.training)["rmse"]
        after = [line for line in record.metrics if line["step"] > 0]
        best = min(after, key=lambda line: line["rmse"])
        line = after[-1] if keep is True else best
        assert found == line["rmse"]
        assert record.notes["kept_model"]["step"] == line["step"]


@JAX
def test_an_opened_model_in_jax_has_the_recorded_accuracy_to_the_digit(bench):
    import lcde_jax
    from experiments.tracking.tracking_run import fit_data

    half = "tracking.linear_cde"
    for keep in (True, "best"):
        record = done(bench, half, run_of(half, keep))
        held_out = fit_data(record.run).held_out
        found = lcde_jax.evaluate(opened(record), held_out, "cross_entropy")
        (line,) = (
            line for line in record.metrics if line["step"] == record.notes["kept_model"]["step"]
        )
        assert found["token_accuracy"] == line["token_accuracy"]
        assert found["loss"] == line["loss"]


class StopAt:
    """Asks for a stop once so many checkpoints could have been written."""

    def __init__(self, calls: int) -> None:
        self.calls = calls

    def asked(self) -> bool:
        self.calls -= 1
        return self.calls < 0


@pytest.mark.parametrize(
    "half",
    [
        pytest.param("toy.sequence_models", marks=TORCH),
        pytest.param("memory.recurrent_models", marks=TORCH),
        pytest.param("tracking.linear_cde", marks=JAX),
    ],
)
@pytest.mark.parametrize("calls", [2, 4, 6])
def test_the_best_model_survives_an_interruption_to_the_byte(
    bench, untouched, contents, half, calls
):
    bench.study = half
    job = bench.job(run=run_of(half, "best"))
    assert bench.perform(job, StopAt(calls)).status == "unfinished"
    assert bench.perform(job).status == "done"
    assert contents(job.folder) == untouched(job)


@TORCH
def test_a_guest_without_settings_keeps_tensors_and_says_why(bench):
    half = "toy.sequence_models"
    run = replace(run_of(half, True), model="guest", guest=guest.found(f"{GUEST}:GatedRecurrence"))
    record = done(bench, half, run)
    facts = record.notes["kept_model"]
    assert facts["as"] == "tensors alone"
    assert "plain form" in facts["reason"]
    assert any(name.startswith("layers.0.mixer") for name in record.tensors("model"))


@JAX
def test_a_classifier_that_is_no_sequence_model_keeps_tensors_and_says_why(bench):
    half = "a5.linear_cde"
    record = done(bench, half, run_of(half, "best"))
    assert record.notes["kept_model"]["as"] == "tensors alone"
    assert "expected a SequenceModel" in record.notes["kept_model"]["reason"]
    assert record.tensors("model")


@pytest.fixture
def packed() -> Record:
    return Record.open(shelf.records(PUBLISHED / "lra.s4_jax")[0])


def test_a_file_of_a_packed_record_is_a_copy_that_goes_with_the_process(packed):
    path = packed.file("learned.safetensors")
    from safetensors.numpy import load_file

    held = packed.tensors("learned")
    found = load_file(path)
    assert found.keys() == held.keys()
    assert all(np.array_equal(found[name], held[name]) for name in held)
    code = (
        "import sys; from experiments.record import Record; "
        "print(Record.open(sys.argv[1]).file('notes.json'))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(packed.path)], capture_output=True, text=True, check=True
    )
    assert not Path(said.stdout.strip()).exists()


def test_a_file_that_a_record_has_not_is_named_beside_those_it_has(packed):
    with pytest.raises(FileNotFoundError, match=r"no file 'model\.safetensors'.*notes\.json"):
        packed.file("model.safetensors")


def test_other_values_of_keep_model_are_refused():
    with pytest.raises(ValueError, match="keep_model='last': expected true, false or 'best'"):
        require_keep("last")  # type: ignore[arg-type]
    for half in ("toy.sequence_models", "lra.s4_jax", "stability.functionals"):
        with pytest.raises(ValueError, match="keep_model='last'"):
            run_of(half, "last")


def told(best: BestModel, step: int, **metrics: float) -> None:
    best.see(Evaluated(step, {**metrics}))
    best.see(Stepped(step, 10, lambda: Snapshot(step, {"model.w": np.full(1, step)}, {})))


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [("token_accuracy", (0.9, 0.5, 0.7, 0.7), 2), ("rmse", (0.1, 0.8, 0.4, 0.4), 2)],
)
def test_the_best_evaluation_is_the_earliest_of_equal_ones_after_the_first_step(
    name, values, expected
):
    best, again = BestModel(), BestModel()
    for step, value in enumerate(values):
        told(best, step, **{name: value})
    assert best.step == expected
    assert best.tensors["w"] == expected
    packed = best.packed(Snapshot(3, {"model.w": np.zeros(1)}, {"a": 1}))
    json.dumps(packed.state)
    rest = again.unpacked(packed)
    assert (rest.state, list(rest.tensors)) == ({"a": 1}, ["model.w"])
    assert (again.step, again.score, again.tensors["w"]) == (best.step, best.score, expected)


def test_an_evaluation_without_a_measure_is_refused():
    with pytest.raises(ValueError, match="got metrics loss; expected token_accuracy or rmse"):
        told(BestModel(), 1, loss=1.0)
