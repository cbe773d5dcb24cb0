"""Edges of the command line: outputs that take nothing, odd names and folders, unruly studies."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments import exit_code
from experiments.__main__ import main
from experiments.record import Record
from experiments.store import provenance

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")


@pytest.fixture
def ended(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line to its end in a process of its own."""

    def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "experiments", *map(str, arguments)]
        defaults: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        defaults["cwd"] = tmp_path
        return subprocess.run(command, text=True, timeout=120, check=False, **(defaults | options))

    return run


def answer(*arguments: object) -> int:
    return main([str(a) for a in arguments])


@pytest.fixture
def study(tmp_path: Path, study_file: Path):
    """Write a study of its own name: the tiny one with some of its text replaced."""
    made = []

    def write(old: str, new: str, name: str = "unruly_study") -> Path:
        text = study_file.read_text()
        assert old in text
        made.append(name)
        path = tmp_path / "studies" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace(old, new))
        return path

    yield write
    for name in made:
        sys.modules.pop(name, None)


NOTE = "    recorder.note(width=run.width)\n"


def closed_pipe() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize(
    ("output", "codes", "said"),
    [
        (closed_pipe, {"run": 75, "list": 0, "--help": 0}, ""),
        pytest.param(
            lambda: os.open(FULL, os.O_WRONLY),
            {"run": 75, "list": 1, "--help": 1},
            "No space left on device",
            marks=needs_full,
        ),
    ],
    ids=["closed", "full"],
)
def test_an_output_that_takes_nothing_has_a_clear_code(
    ended, tmp_path, study_file, output, codes, said
):
    for name, code in codes.items():
        arguments = [name, study_file, "--results", tmp_path / "r"] if name != "--help" else [name]
        descriptor = output()
        result = ended(*arguments, stdout=descriptor)
        os.close(descriptor)
        assert result.returncode == code, (name, result.stderr)
        assert said in result.stderr
        assert "Traceback" not in result.stderr
        assert "Exception ignored" not in result.stderr
    assert not list(tmp_path.rglob("DONE"))


@pytest.mark.skipif(os.name == "nt", reason="needs a shell that closes streams")
def test_closed_streams_do_not_change_what_is_done(tmp_path, study_file):
    for command in ("run", "table"):
        line = f'exec {sys.executable} -m experiments {command} "$0" --results r <&- >&- 2>&-'
        result = subprocess.run(["sh", "-c", line, str(study_file)], cwd=tmp_path, check=False)
        assert result.returncode == 0
    assert len(list(tmp_path.glob("r/my_study/*/DONE"))) == 3


def test_a_name_that_is_too_long_is_one_line(tmp_path, study_file, capsys):
    long = "x" * 300
    for arguments in (
        ("run", f"./{long}.py"),
        ("table", f"./{long}.py"),
        ("show", f"./{long}"),
        ("run", study_file, "--results", tmp_path / long),
    ):
        assert answer(*arguments) in (exit_code.FAILED, exit_code.USAGE)
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert "File name too long" in err


def test_a_working_folder_that_is_gone_is_told(ended, tmp_path, study_file):
    gone = tmp_path / "gone"
    gone.mkdir()
    code = (
        "import os, sys; os.rmdir(os.getcwd()); from experiments.__main__ import main; "
        "sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "run", str(study_file)]
    result = subprocess.run(command, cwd=gone, capture_output=True, text=True, check=False)
    assert result.returncode == exit_code.USAGE
    assert result.stderr.count("\n") == 1
    assert "the working folder was removed" in result.stderr


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('PRESETS = ("smoke", "quick", "slow", "mixed")', "PRESETS = None", "PRESETS is None"),
        ('PRESETS = ("smoke",', "PRESETS = (1,", "PRESETS is (1,"),
        ('DEFAULT_PRESET = "quick"', 'DEFAULT_PRESET = "absent"', "DEFAULT_PRESET is 'absent'"),
        ("VERSION = 1", 'VERSION = "1"', "VERSION is '1'"),
        ("def runs(preset: str)", "runs = 3\ndef _runs(preset: str)", "runs is no function"),
        ("VERSION = 1", "VERSION = 1\nraise SystemExit(7)", "called sys.exit(7)"),
        ('    if preset == "smoke":', "    raise SystemExit(7)\n    if preset:", "sys.exit(7)"),
    ],
)
def test_a_study_of_the_wrong_form_is_exit_2(study, tmp_path, capsys, old, new, message):
    path = study(old, new)
    for command in ("run", "list"):
        assert answer(command, path, "--results", tmp_path / "r") == exit_code.USAGE
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1


def test_a_run_that_calls_exit_has_failed(study, tmp_path, capsys):
    path = study(NOTE, "    raise SystemExit(7)\n")
    assert answer("run", path, "--preset", "smoke", "--results", tmp_path / "r") == exit_code.FAILED
    assert "called sys.exit(7)" in capsys.readouterr().out
    (record,) = (tmp_path / "r" / "unruly_study").glob("*/run.json")
    assert Record.open(record.parent).status == "failed"


def test_what_lies_beside_a_study_can_be_imported_while_it_runs(study, tmp_path):
    path = study(NOTE, "    import unruly_helper\n    recorder.note(width=unruly_helper.WIDTH)\n")
    (path.parent / "unruly_helper.py").write_text("WIDTH = 4\n")
    before = list(sys.path)
    assert answer("run", path, "--preset", "smoke", "--results", tmp_path / "r") == exit_code.OK
    (record,) = (tmp_path / "r" / "unruly_study").glob("*/run.json")
    held = Record.open(record.parent)
    assert held.notes == {"width": 4}
    assert "study/unruly_helper.py" in held.provenance["origin"]["code"]
    assert sys.path == before


def test_records_beside_the_command_do_not_hide_the_study(ended, study, tmp_path):
    path = study("VERSION = 1", "VERSION = 2")
    place = tmp_path / "elsewhere"
    place.mkdir()
    for count in (0, 1):
        result = ended("run", path, "--preset", "smoke", "--results", ".", cwd=place)
        assert result.returncode == exit_code.OK, result.stdout + result.stderr
        assert f"1 runs, {count} already finished" in result.stdout


def test_a_backend_that_does_not_exist_draws_all_the_same(ended, study_file, tmp_path):
    arguments = (study_file, "--preset", "smoke", "--results", tmp_path / "r")
    assert ended("run", *arguments).returncode == 0
    environment = os.environ | {"MPLBACKEND": "nosuch"}
    result = ended("plot", *arguments, env=environment)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("command", ["table", "plot"])
def test_a_full_disk_is_a_sentence_that_names_the_path(
    study_file, tmp_path, capsys, monkeypatch, command
):
    arguments = (study_file, "--preset", "smoke", "--results", tmp_path / "r")
    assert answer("run", *arguments) == 0

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("experiments.store.durable._write_new", full)
    assert answer(command, *arguments) == exit_code.FAILED
    *_, err = capsys.readouterr().err.splitlines()  # before it stand lines about the records
    assert str(tmp_path / "r" / "studies") in err
    assert "No space left on device; free some space, or choose another disk" in err


@pytest.mark.skipif(os.name == "nt", reason="needs ulimit")
def test_too_few_file_handles_are_shared_among_fewer_workers(tmp_path, study_file):
    line = (
        f'ulimit -n 40; exec {sys.executable} -m experiments run "$0" '
        "--results r --workers 20 --preset smoke --seeds 20"
    )
    result = subprocess.run(
        ["sh", "-c", line, str(study_file)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "workers could be started: Too many open files; lower --workers" in result.stdout
    assert "20 done" in result.stdout


def test_the_commit_is_known_in_the_folder_of_another_user(monkeypatch):
    held = provenance.git_state(Path(provenance.__file__).parent)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert provenance.git_state(Path(provenance.__file__).parent) == held


def test_a_repository_around_an_installation_says_nothing_of_it(tmp_path):
    """As where a project of someone else holds the environment."""
    installed = tmp_path / ".venv" / "experiments"
    installed.mkdir(parents=True)
    (installed / "__init__.py").touch()
    (tmp_path / "theirs.py").touch()
    git = ("git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c")
    for command in (("init", "-q"), ("add", "theirs.py"), ("commit", "-qm", "theirs")):
        subprocess.run([*git, *command], check=True)
    assert provenance.git_state(tmp_path)["dirty"] is False
    assert provenance.git_state(installed) is None


def test_every_command_speaks_before_a_framework_is_imported(study_file, tmp_path):
    """`doctor` imports them for what it says last, the others not at all."""
    code = (
        "import os, sys\n"
        "heavy = ('torch', 'jax', 'matplotlib', 'lcde_jax', 'seq_torch')\n"
        "class Watch:\n"
        "    def write(self, text):\n"
        "        loaded = [name for name in heavy if name in sys.modules]\n"
        "        print(loaded, file=sys.__stdout__, flush=True)\n"
        "        os._exit(0)\n"
        "    flush = lambda self: None\n"
        "    isatty = lambda self: False\n"
        "sys.stdout = sys.stderr = Watch()\n"
        "from experiments.__main__ import main\n"
        "main(sys.argv[1:])\n"
    )
    results = ["--results", str(tmp_path / "r")]
    assert answer("run", study_file, *results) == 0
    (record, *_) = (tmp_path / "r" / "my_study").glob("*/run.json")
    for arguments in (
        ["run", "a5.sequence_models", *results],
        ["table", str(study_file), *results],
        ["plot", str(study_file), *results],
        ["list", *results],
        ["show", str(record.parent)],
        ["doctor"],
    ):
        command = [sys.executable, "-c", code, *arguments]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        assert result.stdout == "[]\n", arguments
