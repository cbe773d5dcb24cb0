"""The command line: exit codes, one-line errors, skipping, sweeps, plots without a framework."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.__main__ import main
from experiments.commands.labels import labels
from experiments.engine.job import install_hint
from experiments.overrides import override, select
from experiments.record import Record, find
from experiments.study import load


def answer(*arguments: object) -> int:
    try:
        return main([str(a) for a in arguments])
    except SystemExit as error:
        return int(error.code or 0)


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"


@pytest.fixture
def run(results, study_file):
    def command(*more: object) -> int:
        return answer("run", study_file, "--results", results, *more)

    return command


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "wdith=3"), "did you mean 'width'"),
        (("--set", "width=x"), "width: got 'x', expected an integer"),
        (("--set", "width=0"), "expected at least 1"),
        (("--preset", "smok"), "unknown preset 'smok' of my_study; did you mean 'smoke'"),
        (("--seeds", "0"), "--seeds 0: expected at least 1"),
        (("--workers", "0"), "--workers 0: expected at least 1"),
        (("--threads", "-1"), "--threads -1: expected at least 1"),
        (("--checkpoint-seconds", "nan"), "expected 0 or more"),
    ],
)
def test_a_wrong_configuration_is_one_line_and_exit_2(run, results, capsys, arguments, message):
    assert run(*arguments) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert not results.exists()


@pytest.mark.parametrize(
    ("study", "message"),
    [
        ("toy.linear_cd", "did you mean 'toy.linear_cde'"),
        ("nowhere", "unknown study 'nowhere'"),
        ("../../etc.passwd", "no study at"),
        ("toy..linear_cde", "unknown study"),
        ("absent.py", "there is no such file"),
    ],
)
def test_an_unknown_study_is_one_line_and_exit_2(results, capsys, study, message):
    assert answer("run", study, "--results", results) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("study", ["memory.theory", "memory"])
def test_an_unknown_preset_is_said_of_what_was_asked_for(capsys, study):
    """Another file of the folder has a preset of the first name."""
    name = "verdicts" if study == "memory.theory" else "verdict"
    assert answer("table", study, "--preset", name) == 2
    assert f"unknown preset '{name}' of {study} " in capsys.readouterr().err.replace(";", " ")


@pytest.mark.parametrize("arguments", [("--sett", "a=1"), ("--rerun", "some"), ("--seeds", "x")])
def test_a_wrong_flag_is_exit_2(run, arguments):
    assert run(*arguments) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("VERSION = 1\n", "it lacks PRESETS"),
        ("def runs(:\n", ":1: "),
    ],
)
def test_a_file_that_is_no_study_is_exit_2(tmp_path, capsys, text, message):
    (tmp_path / "half_study.py").write_text(text)
    assert answer("run", tmp_path / "half_study.py", "--results", tmp_path) == 2
    assert message in capsys.readouterr().err
    sys.modules.pop("half_study", None)


def test_a_study_file_must_not_shadow_a_module(tmp_path, capsys, study_file):
    (tmp_path / "tomllib.py").write_bytes(study_file.read_bytes())
    assert answer("run", tmp_path / "tomllib.py", "--results", tmp_path) == 2
    assert "rename the file" in capsys.readouterr().err


def test_a_wrong_field_is_found_before_any_framework_is_imported(study_file, tmp_path):
    code = (
        "import sys; from experiments.__main__ import main; code = main(sys.argv[1:]);"
        "print(code, [m for m in ('jax', 'torch', 'matplotlib', 'lcde_jax') if m in sys.modules])"
    )
    for study in (str(study_file), "toy.linear_cde"):
        arguments = ["run", study, "--set", "wdith=3", "--results", str(tmp_path)]
        command = [sys.executable, "-c", code, *arguments]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert out.strip() == "2 []"


@pytest.mark.parametrize("place", ["a file", "below a file", "/proc/no/such"])
def test_results_that_cannot_be_written_are_exit_2_before_any_work(
    tmp_path, study_file, capsys, place
):
    (tmp_path / "file").write_text("")
    folder = {"a file": tmp_path / "file", "below a file": tmp_path / "file" / "x"}
    assert answer("run", study_file, "--results", folder.get(place, Path(place))) == 2
    captured = capsys.readouterr()
    assert "cannot write records in" in captured.err
    assert captured.out == ""


def test_a_read_only_folder_is_exit_2(run, results, capsys, monkeypatch):
    def refused(*_: object) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr("experiments.store.durable._write_new", refused)
    assert run() == 2
    assert "Permission denied" in capsys.readouterr().err
    assert not list(results.rglob("run.json"))


def test_finished_runs_are_skipped_and_sweeps_extend_them(run, results, capsys, study_file):
    assert run() == 0
    out = capsys.readouterr().out
    assert "my_study, preset quick: 3 runs, 0 already finished" in out
    assert "3 done" in out
    assert run("--set", "seed=0,1,2,3", "--workers", "1") == 0
    assert "4 runs, 3 already finished" in capsys.readouterr().out
    assert run("--seeds", "4") == 0
    assert "4 runs, 4 already finished" in capsys.readouterr().out
    study = load(str(study_file))
    records = find(study.name, study.version, study.runs("quick"), [results])
    assert [r.run.seed for r in records] == [0, 1, 2]
    facts = records[0].provenance
    assert {"git", "lock_sha256", "python", "packages", "hardware", "threads"} <= facts.keys()
    assert facts["preset"] == "quick"
    assert facts["wall_seconds"] > 0
    assert facts["processor_seconds"] > 0
    assert "study/my_study.py" in facts["origin"]["code"]


def test_one_failure_one_divergence_one_death_and_a_rerun(run, results, capsys):
    assert run("--preset", "mixed") == 1
    out = capsys.readouterr().out
    for expected in (
        "mood=diverges: diverged (diverged at step 10: norm is not finite)",
        "mood=fails_once: failed (RuntimeError: the walker fell)",
        "its process was killed (SIGKILL; the system does that when memory runs out); "
        "the run is tried once more",
        "2 done",
    ):
        assert expected in out
    records = [Record.open(p.parent) for p in results.glob("*/*/run.json")]
    failed = next(r for r in records if r.status == "failed")
    assert "the walker fell" in failed.failure["traceback"]
    diverged = next(r for r in records if r.status == "diverged")
    assert diverged.divergence == {
        "step": 10,
        "reason": "norm is not finite",
        "norm": float("inf"),
        "rate": 0.5,
    }
    assert run("--preset", "mixed") == 0
    assert "4 runs, 3 already finished" in capsys.readouterr().out


def test_a_single_diverged_run_is_exit_3_also_when_skipped(run):
    arguments = ("--preset", "smoke", "--set", "mood=diverges")
    assert run(*arguments) == 3
    assert run(*arguments) == 3


def test_what_a_missing_package_needs_is_told_with_exit_5(tmp_path, results, capsys, study_file):
    text = study_file.read_text().replace(
        "    recorder.note(width=run.width)\n", "    import torch.no_such_module\n"
    )
    (tmp_path / "torch_study.py").write_text(text)
    assert answer("run", tmp_path / "torch_study.py", "--results", results) == 5
    out = capsys.readouterr().out
    assert "torch is missing: run `uv sync --package experiments --extra torch`" in out
    sys.modules.pop("torch_study", None)


def test_a_worker_is_held_to_its_threads(tmp_path, results, study_file):
    text = study_file.read_text().replace(
        "    recorder.note(width=run.width)\n",
        "    recorder.note(**{k: os.environ[k] for k in ('OMP_NUM_THREADS', 'NPROC')})\n",
    )
    (tmp_path / "threads_study.py").write_text(text)
    arguments = ("--preset", "smoke", "--threads", "3", "--results", results)
    assert answer("run", tmp_path / "threads_study.py", *arguments) == 0
    (path,) = results.glob("threads_study/*/")
    held = Record.open(path)
    assert held.notes == {"OMP_NUM_THREADS": "3", "NPROC": "3"}
    assert held.provenance["threads"] == 3
    sys.modules.pop("threads_study", None)


def test_invalid_data_is_exit_4(tmp_path, results, capsys, study_file):
    text = study_file.read_text().replace(
        "    recorder.note(width=run.width)\n",
        "    from experiments.exit_code import DataError\n"
        "    raise DataError('words.csv:3: token 61 is out of range')\n",
    )
    (tmp_path / "data_study.py").write_text(text)
    assert answer("run", tmp_path / "data_study.py", "--results", results) == 4
    assert "words.csv:3" in capsys.readouterr().out
    sys.modules.pop("data_study", None)


def test_plot_and_table_need_records_alone(run, results, study_file, capsys):
    assert run() == 0
    before = {p: p.stat().st_mtime_ns for p in results.rglob("*") if p.is_file()}
    code = (
        "import sys\n"
        "from experiments.__main__ import main\n"
        "code = main(['plot', *sys.argv[1:]]) or main(['table', *sys.argv[1:]])\n"
        "print([m for m in ('jax', 'torch', 'lcde_jax', 'seq_torch') if m in sys.modules])\n"
        "sys.exit(code)\n"
    )
    command = [sys.executable, "-c", code, str(study_file), "--results", str(results)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"my_study, preset quick: 3 records from {results}" in done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    for name in ("walks.png", "walks.pdf", "table.md"):
        assert (results / "studies" / name).stat().st_size > 50
    assert "| 2 | " in (results / "studies" / "table.md").read_text()
    assert all(p.stat().st_mtime_ns == when for p, when in before.items())


def test_a_figure_has_the_same_bytes_each_time(run, results, study_file):
    assert run("--preset", "smoke") == 0
    drawn = []
    for _ in range(2):
        assert answer("plot", study_file, "--preset", "smoke", "--results", results) == 0
        drawn.append([p.read_bytes() for p in sorted((results / "studies").iterdir())])
    assert drawn[0] == drawn[1]


def test_plot_without_records_says_how_to_make_them(results, study_file, capsys):
    assert answer("plot", study_file, "--results", results) == 2
    assert f"python -m experiments run {study_file} --preset quick" in capsys.readouterr().err


def test_a_study_folder_outside_the_package_is_found(run, results, study_file, monkeypatch):
    assert run("--preset", "smoke") == 0
    monkeypatch.chdir(study_file.parent)
    for spelling in (".", "./", study_file.name, f"../{study_file.parent.name}"):
        assert answer("table", spelling, "--preset", "smoke", "--results", results) == 0
    monkeypatch.chdir(study_file.parent.parent)
    assert answer("table", study_file.parent.name, "--preset", "smoke", "--results", results) == 0
    assert len(list(results.glob("*/table.md"))) == 1


def test_a_figure_that_cannot_be_written_is_exit_2(run, results, study_file, capsys):
    assert run("--preset", "smoke") == 0
    (results / study_file.parent.name).write_text("in the way")
    for command in ("plot", "table"):
        assert answer(command, study_file, "--preset", "smoke", "--results", results) == 2
        assert "choose with --results" in capsys.readouterr().err


def test_a_misspelt_study_file_is_guessed(results, study_file, capsys):
    assert answer("run", study_file.with_name("my_stud.py"), "--results", results) == 2
    assert "did you mean 'my_study.py'" in capsys.readouterr().err


def test_showing_a_damaged_record_is_one_line(run, results, capsys):
    assert run("--preset", "smoke") == 0
    (path,) = (p.parent for p in results.glob("my_study/*/run.json"))
    capsys.readouterr()
    assert answer("show", results / "nowhere") == 2
    (path / "DONE").unlink()  # half written: nothing vouches for the files
    (path / "notes.json").write_text('{"a":')
    assert answer("show", path) == 4
    (path / "run.json").unlink()
    assert answer("show", path) == 2
    assert capsys.readouterr().err.count("\n") == 3


def test_a_hint_names_only_packages_that_the_project_knows():
    assert "pip install" not in install_hint(ImportError("x.so: undefined symbol"))
    hint = install_hint(ModuleNotFoundError("no module named helper_b", name="helper_b"))
    assert "install" not in hint
    assert "helper_b" in hint


def test_labels_tell_the_runs_apart_and_are_short():
    study = load("toy.linear_cde")
    for preset in study.module.PRESETS:
        runs = study.runs(preset)
        names = labels(runs)
        assert len(set(names)) == len(runs)
        assert max(map(len, names)) <= 100
        assert not any("task." in text for text in names)
    (long,) = override(study.runs("smoke")[:1], [f"widths=({','.join(map(str, range(1, 99)))})"])
    assert labels([long, study.runs("smoke")[0]])[0].endswith("…")


def test_a_label_names_a_kind_as_only_takes_it():
    runs = load("memory.recurrent_models").runs("published-short")
    for run, text in zip(runs, labels(runs), strict=True):
        kinds = [word for word in text.split() if word.startswith(("kernel=", "parameterisation="))]
        assert len(kinds) == 2
        assert run in select(runs, kinds)


def test_a_changed_record_is_refused_by_plot_and_redone_by_run(run, results, study_file, capsys):
    assert run("--preset", "smoke") == 0
    (path,) = results.glob("my_study/*/metrics.jsonl")
    original = path.read_bytes()
    path.write_bytes(original.replace(b"0", b"1", 1))
    assert answer("plot", study_file, "--preset", "smoke", "--results", results) == 4
    assert "it was changed after the run" in capsys.readouterr().err
    assert run("--preset", "smoke") == 0
    out = capsys.readouterr().out
    assert "warning" in out
    assert ".corrupt, running again" in out
    assert path.read_bytes() == original
    assert list(results.glob("my_study/*.corrupt"))


def test_list_and_show_describe_what_is_there(run, results, study_file, capsys):
    assert run("--preset", "smoke") == 0
    assert run("--preset", "smoke", "--set", "width=9") == 0
    capsys.readouterr()
    assert answer("list", study_file, "--results", results) == 0
    out = capsys.readouterr().out
    assert "quick, the default: 3 runs: 1 done, 2 missing" in out
    assert "other records (overrides, earlier versions): 1 done" in out
    (path,) = (
        p.parent for p in results.glob("my_study/*/run.json") if '"width": 9' in p.read_text()
    )
    assert answer("show", path.name[:8], "--results", results) == 0
    out = capsys.readouterr().out
    assert "status: done" in out
    assert '"width": 9' in out
    assert '"step": 20' in out
    assert answer("show", "zzzz", "--results", results) == 2


def test_stale_records_are_shown_and_redone_on_request(tmp_path, results, editable_study, capsys):
    arguments = (editable_study, "--preset", "smoke", "--results", results)
    assert answer("run", *arguments) == 0
    (path,) = (p.parent for p in results.glob("edited_study/*/DONE"))
    capsys.readouterr()
    assert answer("show", path) == 0
    assert "; today's source is the same" in capsys.readouterr().out
    editable_study.write_text(editable_study.read_text() + "\nEDITED = True\n")
    assert answer("show", path) == 0
    shown = "stale: today's source differs in 1 places, study/edited_study.py was "
    assert shown in capsys.readouterr().out
    assert answer("run", *arguments) == 0
    assert "1 runs, 1 already finished" in capsys.readouterr().out
    assert answer("run", *arguments, "--rerun", "stale") == 0
    assert "1 runs, 0 already finished" in capsys.readouterr().out
    assert answer("list", editable_study, "--results", results) == 0
    assert "smoke: 1 runs: 1 done\n" in capsys.readouterr().out
    assert not list(results.rglob("*.superseded"))


def test_a_strange_environment_does_not_matter(tmp_path, study_file):
    folder = tmp_path / ("ü b " + "x" * 195)
    environment = {"PATH": "", "LC_ALL": "C", "OMP_NUM_THREADS": "1"}  # neither HOME nor git
    command = [sys.executable, "-m", "experiments", "run", str(study_file), "--preset", "smoke"]
    result = subprocess.run(
        [*command, "--results", os.fsencode(folder) + b"\xff"],
        capture_output=True,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    (path,) = tmp_path.glob("*/my_study/*/provenance.json")
    assert json.loads(path.read_text())["git"] is None


def test_names_cannot_steer_the_terminal(run, capsys):
    assert run("--preset", "smoke", "--set", "tag=\x1b[31mred,\x07") == 0
    out = capsys.readouterr().out
    assert re.search(r"tag=\\x1b\[31mred: done", out)
    assert "\x1b" not in out
    assert "\x07" not in out


def test_four_commands_on_one_run_make_one_record(bench, start, study_file, contents, untouched):
    job = bench.job()
    arguments = ("-m", "experiments", "run", str(study_file), "--preset", "smoke")
    processes = [start(*arguments, "--results", str(bench.results)) for _ in range(4)]
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, out + err
    assert len(Record.open(Path(job.folder)).provenance["sessions"]) == 1
    assert contents(job.folder) == untouched(job)
