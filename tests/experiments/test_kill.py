"""Killed runs: whatever the moment, the next run ends with the bytes of one that was not killed."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from experiments.record import Record

POINTS = (
    "open",
    "half",
    "before fsync",
    "after fsync",
    "before rename",
    "after rename, before the marker",
)


def lines(folder: Path) -> int:
    path = folder / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def wait_for(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s in vain")
        time.sleep(0.005)


@pytest.mark.parametrize("point", POINTS)
def test_kill_during_a_checkpoint_write_loses_at_most_that_checkpoint(
    bench, start_job, untouched, contents, point
):
    job = bench.job()
    process = start_job(job, point)
    process.communicate(timeout=60)
    assert process.returncode == 137
    outcome = bench.perform(job)
    assert outcome.status == "done"
    assert Record.open(Path(job.folder)).provenance["sessions"][-1]["resumed_from"] == 2
    assert contents(job.folder) == untouched(job)
    assert not list(Path(job.folder).rglob("*.tmp"))


def test_ten_kills_at_random_moments_leave_no_trace(bench, start_job, untouched, contents):
    job = bench.job(preset="slow")
    folder, moments = Path(job.folder), random.Random(7)
    for _ in range(10):
        goal = lines(folder) + moments.randint(1, 5)
        process = start_job(job)
        wait_for(lambda goal=goal: lines(folder) >= goal)
        time.sleep(moments.random() * 0.01)
        process.kill()
        process.communicate()
        assert not (folder / "DONE").exists()
    assert bench.perform(job).status == "done"
    assert len(Record.open(folder).provenance["sessions"]) == 11
    assert contents(folder) == untouched(bench.job(preset="slow"))


def command(results: Path, study_file: Path, *more: str) -> list[str]:
    options = ["--preset", "slow", "--results", str(results), "--checkpoint-seconds", "0.05"]
    options += ["--threads", "1"]  # as a job of the bench has
    return ["-m", "experiments", "run", str(study_file), *options, *more]


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 75), (signal.SIGUSR1, 75), (signal.SIGINT, 130)],
)
def test_signal_ends_in_a_checkpoint_and_its_exit_code(
    bench, start, study_file, untouched, contents, number, code
):
    job = bench.job(preset="slow")
    folder = Path(job.folder)
    process = start(*command(bench.results, study_file))
    wait_for(lambda: lines(folder) >= 5)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, out + err
    assert "1 unfinished" in out
    state = max((folder / "checkpoints").glob("*/state.json"), key=os.path.getmtime)
    assert json.loads(state.read_text())["step"] == lines(folder)
    assert bench.perform(job).status == "done"
    assert contents(folder) == untouched(job)


def test_second_interrupt_exits_at_once(bench, start, study_file):
    job = bench.job("pause=600", preset="slow")
    process = start(*command(bench.results, study_file, "--set", "pause=600"))
    wait_for(lambda: lines(Path(job.folder)) == 1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None  # it waits for the step to end
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_a_killed_command_leaves_no_worker_behind(bench, start, study_file, untouched, contents):
    job = bench.job(preset="slow")
    folder = Path(job.folder)
    process = start(*command(bench.results, study_file))
    wait_for(lambda: lines(folder) >= 5)
    process.kill()
    process.wait()
    # The orphan writes a checkpoint and frees the lock, for which this waits.
    assert bench.perform(dataclasses.replace(job)).status == "done"
    assert len(Record.open(folder).provenance["sessions"]) == 2
    assert contents(folder) == untouched(job)
