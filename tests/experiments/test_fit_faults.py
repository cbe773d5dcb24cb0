"""Faults in the middle of a fit, of torch and of JAX."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest

from experiments.record import Record

# Dropout is on, so that the random state of a resumed fit matters as well.
STUDIES = {
    "torch": ("a5.sequence_models", ("model=rnn", "dropout=0.1", "keep_model=true")),
    "jax": (
        "a5.linear_cde",
        ("keep_model=true", "training.num_steps=40", "training.evaluate_every=10"),
    ),
}


@pytest.fixture(params=[pytest.param(n, marks=getattr(pytest.mark, f"needs_{n}")) for n in STUDIES])
def fit_bench(request, bench):
    bench.study, bench.settings = STUDIES[request.param]
    return bench


def fit_job(bench, *settings, **changes):
    return bench.job(*bench.settings, *settings, **changes)


def steps(folder: Path) -> list[int]:
    path = folder / "metrics.jsonl"
    return [json.loads(line)["step"] for line in path.read_text().splitlines()]


class StopAt:
    """Asks for a stop once so many checkpoints could have been written."""

    def __init__(self, calls: int) -> None:
        self.calls = calls

    def asked(self) -> bool:
        self.calls -= 1
        return self.calls < 0


@pytest.mark.parametrize("calls", [1, 3, 6])
def test_an_interrupted_fit_ends_with_the_bytes_of_one_that_was_not(
    fit_bench, untouched, contents, calls
):
    job = fit_job(fit_bench)
    outcome = fit_bench.perform(job, StopAt(calls))
    assert outcome.status == "unfinished", outcome
    assert fit_bench.perform(job).status == "done"
    record = Record.open(Path(job.folder))
    assert record.provenance["sessions"][-1]["resumed_from"] is not None
    assert contents(job.folder) == untouched(job)


def test_a_fit_killed_at_random_moments_leaves_no_trace(fit_bench, start_job, untouched, contents):
    job = fit_job(fit_bench)
    folder, moments = Path(job.folder), random.Random(5)
    for _ in range(2):
        process = start_job(job)
        deadline = time.monotonic() + 120
        while not list((folder / "checkpoints").glob("step_*")) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(moments.random() * 0.2)
        process.kill()
        process.communicate()
    assert fit_bench.perform(job).status == "done"
    assert contents(job.folder) == untouched(job)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_a_damaged_checkpoint_of_a_fit_is_not_used(fit_bench, untouched, contents, damage):
    job = fit_job(fit_bench)
    assert fit_bench.perform(job, StopAt(6)).status == "unfinished"
    newest = max(
        (Path(job.folder) / "checkpoints").glob("step_*/tensors.safetensors"),
        key=lambda path: int(path.parent.name.removeprefix("step_")),
    )
    held = bytearray(newest.read_bytes())
    if damage == "flipped":
        held[len(held) // 2] ^= 1
    newest.write_bytes({"truncated": held[:-9], "flipped": held, "empty": b""}[damage])
    assert fit_bench.perform(job).status == "done"
    assert "checkpoint not used" in fit_bench.warnings()
    assert contents(job.folder) == untouched(job)


def test_a_rate_that_is_too_large_is_a_result(fit_bench):
    settings = ("training.learning_rate=1e30", "training.clip=none", "training.warmup_steps=0")
    outcome = fit_bench.perform(fit_job(fit_bench, *settings))
    assert outcome.status == "diverged", outcome
    divergence = Record.open(Path(fit_job(fit_bench, *settings).folder)).divergence
    assert divergence["step"] >= 1
    assert divergence["reason"]


def test_every_evaluation_is_logged_once_and_in_order(fit_bench):
    job = fit_job(fit_bench)
    assert fit_bench.perform(job).status == "done"
    seen = steps(Path(job.folder))
    assert seen == sorted(set(seen))
    assert seen[0] == 0
    assert seen[-1] == Record.open(Path(job.folder)).description["run"]["training"]["num_steps"]


def test_other_training_is_another_record(fit_bench):
    other = fit_job(fit_bench, "training.learning_rate=0.5")
    assert fit_job(fit_bench).hash != other.hash


def test_a_checkpoint_of_other_training_is_refused(fit_bench):
    """Also where the files were moved by hand."""
    job, other = fit_job(fit_bench), fit_job(fit_bench, "training.learning_rate=0.5")
    assert fit_bench.perform(job, StopAt(3)).status == "unfinished"
    Path(other.folder).mkdir(parents=True)
    for name in ("checkpoints", "metrics.jsonl"):
        (Path(job.folder) / name).rename(Path(other.folder) / name)
    outcome = fit_bench.perform(other)
    assert outcome.status == "failed"
    assert "learning_rate" in outcome.message


def test_words_are_read_from_files(fit_bench, tmp_path):
    from seqtheory import word_csv
    from seqtheory.tasks import GroupWords

    for length, count in ((2, 3600), (3, 500)):
        data = GroupWords("A5", length, count).build(0)
        word_csv.write(tmp_path / f"A5={length}.csv", data.inputs, data.targets, seed=0)
    job = fit_job(fit_bench, f'words="{tmp_path}"')
    assert fit_bench.perform(job).status == "done"
    notes = Record.open(Path(job.folder)).notes
    assert notes["words"] == str(tmp_path / "A5=3.csv")
    assert notes["num_train"] == 400
    assert notes["longer"] == {}  # there is no file of longer words


def test_a_missing_file_of_words_is_named(fit_bench, tmp_path):
    outcome = fit_bench.perform(fit_job(fit_bench, f'words="{tmp_path}"'))
    assert outcome.code == 2, outcome
    assert str(tmp_path / "A5=3.csv") in outcome.message


def test_a_pointer_file_is_told_apart_from_words(fit_bench, tmp_path):
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    (tmp_path / "A5=3.csv").write_text(text)
    outcome = fit_bench.perform(fit_job(fit_bench, f'words="{tmp_path}"'))
    assert outcome.code == 4, outcome
    assert "git lfs pull" in outcome.message
