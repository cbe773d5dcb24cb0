"""Ways to run the tiny study: in this process, in one to be killed, and to the end untouched."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from experiments.engine.job import Job, Outcome, StopFlag, perform
from experiments.overrides import override
from experiments.study import load
from seqtheory.plain import described

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent
STUDY = HERE / "studies" / "my_study.py"
collect_ignore = [] if find_spec("lcde_jax") else ["test_tracking_jax.py"]  # torch's own room


class StopAfter(StopFlag):
    """A stop that is asked for once `asked` was called so many times; a checkpoint asks twice."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.calls = calls

    def asked(self) -> bool:
        self.calls -= 1
        return self.calls < 0


class Bench:
    """One results folder and what the tests do to it."""

    def __init__(self, results: Path, study: Path = STUDY) -> None:
        self.results, self.study, self.events = results, study, []

    def job(self, *settings: str, preset: str = "smoke", **changes: object) -> Job:
        study = load(str(self.study))
        run = changes.pop("run", None)
        if run is None:
            (run,) = override(study.runs(preset), settings)
        name = study.hash(run)
        fields = {
            "study": str(self.study),
            "run": described(run),
            "preset": preset,
            "settings": settings,
            "hash": name,
            "folder": str(self.results / study.name / name),
            "over": False,
            "force": False,
            "checkpoint_seconds": 0.0,
            "provenance": {"threads": 1},
        }
        return Job(**{**fields, **changes})

    def perform(self, job: Job, stop: StopFlag | None = None) -> Outcome:
        return perform(job, self.events.append, stop or StopFlag())

    def interrupt(self, job: Job, step: int = 10) -> None:
        """Leave the run of `job` with a checkpoint of `step` as its newest."""
        self.stop_after(job, 2 * step - 1)
        assert (Path(job.folder) / "checkpoints" / f"step_{step}").is_dir()

    def stop_after(self, job: Job, calls: int) -> None:
        """Leave the run of `job` unfinished: its question whether to stop is answered so late."""
        outcome = self.perform(job, StopAfter(calls))
        assert outcome.status == "unfinished", outcome

    def warnings(self) -> str:
        return "\n".join(e["text"] for e in self.events if e["event"] == "warning")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "results")


@pytest.fixture
def untouched(tmp_path: Path) -> Callable[[Job], dict[str, bytes]]:
    """What a run leaves when nothing disturbs it, to compare with."""

    def make(job: Job) -> dict[str, bytes]:
        folder = tmp_path / "untouched" / job.hash
        # Without checkpoints: when they fall must not matter either.
        alone = dataclasses.replace(job, folder=str(folder), checkpoint_seconds=1e9)
        outcome = perform(alone, print, StopFlag())
        assert outcome.status == "done", outcome
        return contents(folder)

    return make


@pytest.fixture(name="contents")
def contents_of() -> Callable[[Path], dict[str, bytes]]:
    return contents


def contents(folder: Path | str) -> dict[str, bytes]:
    """Every file but those that hold times."""
    return {
        path.name: path.read_bytes()
        for path in Path(folder).iterdir()
        if path.is_file() and path.name not in ("provenance.json", "DONE")
    }


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Figures as they are saved, instead of files."""
    from experiments.report import style  # with matplotlib, which few tests need

    found: list[Figure] = []
    monkeypatch.setattr(style, "save", lambda figure, *_: found.append(figure) or [])
    return found


@pytest.fixture
def study_file() -> Path:
    return STUDY


@pytest.fixture
def editable_study(tmp_path: Path) -> Iterator[Path]:
    """A copy of the study, under a name of its own, that a test may edit."""
    path = tmp_path / "edited_study.py"
    path.write_bytes(STUDY.read_bytes())
    yield path
    sys.modules.pop("edited_study", None)


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a Python process with pipes; whatever is left at the end of the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def launch(*arguments: str, **options: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            **options,
        )
        started.append(process)
        return process

    yield launch
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def start_job(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., subprocess.Popen[str]]:
    """Perform a job in a process of its own, dying at a point of a write if one is named."""

    def launch(job: Job, point: str = "") -> subprocess.Popen[str]:
        return start(str(HERE / "doomed.py"), json.dumps(dataclasses.asdict(job)), point)

    return launch
