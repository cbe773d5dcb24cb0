"""Workers that die, hang or answer by halves, and readers that go away: no command hangs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments import exit_code
from experiments.run import canonical
from experiments.study import load

STUDY = """
import os, signal, sys, time
from dataclasses import dataclass
from pathlib import Path
from experiments.run import Run

VERSION, PRESETS, DEFAULT_PRESET = 1, ("quick",), "quick"

@dataclass(frozen=True, kw_only=True)
class Odd(Run):
    pass

def runs(preset):
    return [Odd(seed=seed) for seed in range(3)]

def execute(run, recorder):
    recorder.log(1, loss=0.0)
    marks = list(Path({folder!r}).glob("mark*"))
    if run.seed == 0 and len(marks) < {times}:
        (Path({folder!r}) / f"mark{{len(marks)}}").touch()
        {oddity}
"""


@pytest.fixture
def command(tmp_path: Path, start) -> Callable[..., subprocess.Popen[str]]:
    """Start `run` on a study whose first run does something odd, so many times."""

    def launch(oddity: str, times: int, *options: str) -> subprocess.Popen[str]:
        path = tmp_path / "odd_study.py"
        path.write_text(STUDY.format(oddity=oddity, times=times, folder=str(tmp_path)))
        program = ["-m", "experiments", "run", str(path), "--results", str(tmp_path / "results")]
        return start(*program, "--workers", "1", *options)

    return launch


def sealed(folder: Path) -> int:
    return len(list(folder.glob("results/*/*/DONE")))


ANSWER = (
    "import gc, io; "
    "answers = [o for o in gc.get_objects() if isinstance(o, io.TextIOWrapper) and o.fileno() > 2 "
    "and o.mode == 'w'][0]; answers.write('{\"event\": '); answers.flush(); os._exit(9)"
)


@pytest.mark.parametrize(
    ("oddity", "said"),
    [
        (ANSWER, "in the middle of an answer"),
        ("os.kill(os.getpid(), signal.SIGSTOP)", "it was silent for 5 s"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "its process was killed"),
    ],
    ids=["half an answer", "stopped", "killed"],
)
@pytest.mark.parametrize("times", [1, 2])
def test_an_odd_worker_is_replaced_and_its_run_tried_once_more(
    command, tmp_path: Path, oddity: str, said: str, times: int
) -> None:
    process = command(oddity, times, "--stall-seconds", "5")
    out, err = process.communicate(timeout=120)
    assert said in out, err
    assert out.count("the run is tried once more") == 1
    assert process.returncode == (exit_code.OK if times == 1 else exit_code.FAILED)
    assert sealed(tmp_path) == (3 if times == 1 else 2)  # every other run is done


def test_a_reader_that_goes_away_ends_the_command_with_what_is_left_to_do(
    command, tmp_path: Path
) -> None:
    process = command("time.sleep(2)", 1)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == exit_code.INTERRUPTED
    assert sealed(tmp_path) < 3
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stdout = None  # it is closed


def test_hints_of_a_class_are_resolved_once(monkeypatch) -> None:
    """The cost of hashing many runs is theirs alone."""
    import typing

    asked = []
    true = typing.get_type_hints
    monkeypatch.setattr(typing, "get_type_hints", lambda kind: asked.append(kind) or true(kind))
    study = load("a5.sequence_models")
    for run in study.runs("quick"):
        canonical(run)
    assert len(asked) == len(set(asked))


def test_a_worker_hears_its_run_and_makes_no_other(study_file, bench, monkeypatch) -> None:
    study, made = load(str(study_file)), []
    true = study.module.runs
    jobs = [bench.job(run=run) for run in true("quick")]
    monkeypatch.setattr(study.module, "runs", lambda preset: made.append(preset) or true(preset))
    for job in jobs:
        assert bench.perform(job).status == "done"
    assert not made
