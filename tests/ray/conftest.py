"""One cluster for all tests, and the command line against it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent
STUDY = HERE.parent / "experiments" / "studies" / "my_study.py"
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # for a cluster's own machines and its users
ENVIRONMENT = {**os.environ, **LOOPBACK, "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}


class Cluster:
    """The cluster's process; `lose` takes one of its two machines away."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "cluster.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
        self.address = self._answer()

    def lose(self) -> None:
        self._process.stdin.write("lose\n")
        self._process.stdin.flush()
        assert self._answer() == "lost"

    def end(self) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(timeout=60)
        finally:
            self._process.kill()
            self._process.stdout.close()

    def _answer(self) -> str:
        for line in self._process.stdout:
            if line.strip() == "lost" or line.startswith("127.0.0.1:"):
                return line.strip()
        pytest.fail("the cluster died")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    running = Cluster()
    yield running
    running.end()


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def start(results: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the command `run`; whatever is left at the end of the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def launch(
        *arguments: str,
        study: Path = STUDY,
        python: Sequence[str] = (sys.executable, "-m", "experiments"),
        **environment: str,
    ) -> subprocess.Popen[str]:
        command = [*python, "run", str(study)]
        process = subprocess.Popen(
            [*command, "--results", str(results), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env={**ENVIRONMENT, **environment},
        )
        started.append(process)
        return process

    yield launch
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_for(condition: Callable[[], object], seconds: float = 180.0) -> object:
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s in vain")
        time.sleep(0.02)
    return value


@pytest.fixture(name="wait_for")
def wait_for_fixture() -> Callable[..., object]:
    return wait_for
