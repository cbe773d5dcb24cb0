"""What a seal says: the record is of this run, made from this source, and of nothing earlier."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import pytest

from experiments.__main__ import main
from experiments.engine.job import StopFlag
from experiments.record import Record

HEAD = """
from dataclasses import dataclass
from pathlib import Path
import numpy as np
from experiments.run import Run

VERSION, PRESETS, DEFAULT_PRESET = 1, ("smoke",), "smoke"

@dataclass(frozen=True, kw_only=True)
class Only(Run):
    words: str = ""

def runs(preset):
    return [Only(words=str(Path(__file__).parent / "words.csv"))]

def execute(run, recorder):
"""
FAILS = """
    recorder.note(best_width=512)
    recorder.save("model", {"w": np.ones(3)})
    raise RuntimeError("fell")
"""
LOGS = """
    recorder.log(1, loss=0.5)
    recorder.note(loss=0.5)
"""
STEPS = """
    recorder.data(run.words)
    found = recorder.restore()
    for step in range(found.step + 1 if found else 1, 6):
        recorder.log(step, loss=1.0 / step)
        recorder.note(**{f"note_{step}": step})
        recorder.save(f"saved_{step}", {"x": np.full(3, step)})
        (Path(recorder.folder) / "own.txt").write_text(f"{step}")
        recorder.due()
        recorder.checkpoint(step, {})
"""


@pytest.fixture
def sealed_study(bench, tmp_path):
    """Write a study whose `execute` has the given body, as an edit between two commands would."""
    path = tmp_path / "sealed_study.py"
    (tmp_path / "words.csv").write_text("1")

    def write(body: str) -> Path:
        sys.modules.pop("sealed_study", None)
        path.write_text(HEAD + body)
        bench.study = path
        return path

    yield write
    sys.modules.pop("sealed_study", None)


def test_what_an_earlier_attempt_left_is_not_sealed(bench, sealed_study):
    sealed_study(FAILS)
    job = bench.job()
    assert bench.perform(job).status == "failed"
    sealed_study(LOGS)
    assert bench.perform(job).status == "done"
    held = Record.open(Path(job.folder))
    assert held.notes == {"loss": 0.5}
    assert set(held.files) == {"run.json", "metrics.jsonl", "notes.json", "provenance.json"}
    assert len(held.provenance["sessions"]) == 2  # the history of attempts stays


def test_a_restored_run_has_the_notes_and_files_of_its_checkpoint(
    bench, sealed_study, untouched, contents
):
    sealed_study(STEPS)
    job = bench.job()
    bench.interrupt(job, step=3)
    folder = Path(job.folder)
    (folder / "notes.json").write_text('{"later": 1}')
    (folder / "saved_2.safetensors").unlink()
    (folder / "later.safetensors").write_bytes(b"left by a step after the checkpoint")
    (folder / "diverged.json").write_text('{"step": 4}')
    assert bench.perform(job).status == "done"
    assert Record.open(folder).provenance["sessions"][-1]["resumed_from"] == 3
    assert contents(folder) == untouched(job)


@pytest.mark.parametrize("name", ["saved_1.safetensors", "own.txt"])
def test_a_damaged_file_of_a_checkpoint_voids_it(bench, sealed_study, untouched, contents, name):
    sealed_study(STEPS)
    job = bench.job()
    bench.interrupt(job, step=3)
    (Path(job.folder) / "checkpoints" / "step_3" / "files" / name).write_bytes(b"other")
    assert bench.perform(job).status == "done"
    assert f"{name} does not match its SHA-256" in bench.warnings()
    assert contents(job.folder) == untouched(job)


def test_a_history_that_cannot_be_read_is_an_error(bench, sealed_study):
    sealed_study(FAILS)
    job = bench.job()
    bench.perform(job)
    path = Path(job.folder) / "provenance.json"
    path.write_bytes(path.read_bytes()[:-9] + bytes(9))
    outcome = bench.perform(job)
    assert (outcome.status, outcome.code) == ("unfinished", 4)
    assert str(path) in outcome.message
    assert bench.perform(dataclasses.replace(job, over=True)).status == "failed"


def test_changed_data_is_refused_and_makes_a_record_stale(bench, sealed_study, tmp_path, capsys):
    study = sealed_study(STEPS)
    job = bench.job()
    bench.interrupt(job, step=3)
    (tmp_path / "words.csv").write_text("2")
    outcome = bench.perform(job)
    assert (outcome.status, outcome.code) == ("unfinished", 2)
    assert f"{tmp_path / 'words.csv'} was 6b86b273, is d4735e3a" in outcome.message
    assert bench.perform(dataclasses.replace(job, force=True)).status == "done"
    arguments = [str(study), "--results", str(bench.results)]
    assert main(["run", *arguments]) == 0
    assert "1 already finished" in capsys.readouterr().out
    (tmp_path / "words.csv").write_text("3")
    assert main(["show", job.folder]) in (0, None)
    assert "stale: today's source differs in 1 places" in capsys.readouterr().out
    assert main(["run", *arguments, "--rerun", "stale"]) == 0
    assert "0 already finished" in capsys.readouterr().out


def test_other_threads_and_versions_are_refused_and_with_force_remembered(
    bench, monkeypatch, sealed_study
):
    sealed_study(STEPS)
    job = bench.job()
    bench.interrupt(job, step=3)
    monkeypatch.setattr("platform.python_version", lambda: "9.9.9")
    other = dataclasses.replace(job, provenance={"threads": 2})
    outcome = bench.perform(other)
    assert (outcome.status, outcome.code) == ("unfinished", 2)
    for part in ("threads was 1, is 2", "is 9.9.9", "--force"):
        assert part in outcome.message
    assert bench.perform(dataclasses.replace(other, force=True)).status == "done"
    first, last = Record.open(Path(job.folder)).provenance["sessions"]
    assert (first["environment"]["threads"], last["environment"]["threads"]) == ("1", "2")
    assert last["environment"]["python"] == "9.9.9"
    assert "threads was 1, is 2" in last["forced"]


def test_what_was_forced_is_remembered_by_the_checkpoints_that_follow(bench, sealed_study):
    sealed_study(STEPS)
    job = bench.job()
    bench.interrupt(job, step=2)
    other = dataclasses.replace(job, provenance={"threads": 2})
    stop = StopFlag()
    stop.ask()  # after one step more
    assert bench.perform(dataclasses.replace(other, force=True), stop).status == "unfinished"
    path = Path(job.folder) / "provenance.json"
    facts = json.loads(path.read_text())
    del facts["sessions"][-1]["forced"]  # as if it had been killed before it could say so
    path.write_text(json.dumps(facts))
    assert bench.perform(other).status == "done"
    assert Record.open(path.parent).provenance["sessions"][-1]["forced"] == ["threads was 1, is 2"]


@pytest.mark.parametrize("again", [False, True])
def test_without_its_lock_file_a_run_writes_nothing_more(bench, sealed_study, again):
    remove = """
    lock = recorder.folder.with_name(f".{recorder.folder.name}.lock")
    lock.rename(lock.with_suffix(".gone"))
"""
    create = "    lock.touch()\n" if again else ""
    sealed_study(STEPS.replace("        recorder.due()\n", "") + remove + create)
    job = bench.job()
    outcome = bench.perform(job)
    assert (outcome.status, outcome.code) == ("unfinished", 1)
    assert "was removed or replaced while the run was under way" in outcome.message
    folder = Path(job.folder)
    assert not (folder / "DONE").exists()
    assert not (folder / "failed.json").exists()


def test_two_studies_of_one_name_never_share_records(tmp_path, study_file, capsys):
    results = str(tmp_path / "results")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for file in (study_file, study_file.with_name("table.py")):
            text = file.read_text().replace("my_study", "twin_study")
            target = "twin_study.py" if file == study_file else file.name
            (tmp_path / name / target).write_text(text)

    def answer(command: str, name: str) -> int:
        sys.modules.pop("twin_study", None)
        study = tmp_path / name / "twin_study.py"
        return main([command, str(study), "--preset", "smoke", "--results", results])

    assert answer("run", "a") == 0
    capsys.readouterr()
    assert answer("run", "b") == 2
    told = "".join(capsys.readouterr())
    assert f"are of {tmp_path / 'a' / 'twin_study.py'}, not of" in told
    assert "--results" in told
    assert answer("table", "b") == 2
    (tmp_path / "a").rename(tmp_path / "moved")
    capsys.readouterr()
    assert answer("run", "moved") == 0
    out = capsys.readouterr().out
    assert "assumed to be of this study" in out
    assert "1 already finished" in out
    assert answer("table", "moved") in (0, None)
    assert "taken for" not in capsys.readouterr().out
    sys.modules.pop("twin_study", None)


@pytest.mark.parametrize("name", ["metrics.jsonl", "notes.json", "provenance.json", "run.json"])
def test_a_damaged_unfinished_record_does_not_stop_the_table(
    bench, study_file, tmp_path, capsys, name
):
    arguments = [str(study_file), "--results", str(bench.results)]
    assert main(["run", *arguments]) == 0
    path = next(bench.results.glob("my_study/*/DONE")).parent
    (path / "DONE").unlink()
    (path / name).write_text("{\n{}\n")
    capsys.readouterr()
    assert main(["table", *arguments]) in (0, None)
    out, err = capsys.readouterr()
    assert f"left out, unfinished and damaged: {path / name}" in err
    assert sum(line.startswith("| ") for line in out.splitlines()) == 3  # the head and two runs
    assert json.loads((bench.results / "my_study" / "study.json").read_text())["file"]
