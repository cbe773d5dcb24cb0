"""What the rooms share: who needs a framework, a linear system, the judge of enormous sizes, the
fuzzer of readers.

A test that needs a framework bears the marker `needs_torch` or `needs_jax`, or uses the fixture of
that name. Where the framework is missing it is skipped, unless `--frameworks` says that this
environment has it: then it fails.
"""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

FRAMEWORKS = {"torch": "seq_torch", "jax": "lcde_jax"}


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "frameworks that are here, such as jax,torch: a test that needs one is never skipped"
    parser.addoption("--frameworks", default="", help=told)


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for name in FRAMEWORKS:
            used = f"needs_{name}" in getattr(item, "fixturenames", ())
            if used or Path(__file__).parent / FRAMEWORKS[name] in item.path.parents:
                item.add_marker(f"needs_{name}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    promised = item.config.getoption("--frameworks").split(",")
    for name, package in FRAMEWORKS.items():
        if item.get_closest_marker(f"needs_{name}") and not importlib.util.find_spec(package):
            if name in promised:
                pytest.fail(f"got no {package}, expected it here: --frameworks says {name}")
            pytest.skip(f"needs {name}: run its session")


@pytest.fixture
def needs_torch() -> None:
    """Mark every test that uses this, through other fixtures too."""


@pytest.fixture
def needs_jax() -> None:
    """Mark every test that uses this, through other fixtures too."""


class LinearSystem(NamedTuple):
    """h_k = A h_{k-1} + B x_k, y_k = C h_k, and its memory, the largest |C A^k B x| / |x|."""

    A: np.ndarray
    B: np.ndarray
    C: np.ndarray
    memory: np.ndarray


@pytest.fixture
def linear_system() -> LinearSystem:
    A = np.array([[0.9, 0.2, 0.0], [-0.2, 0.9, 0.0], [0.0, 0.1, 0.5]])
    B = np.array([[1.0, 0.0], [0.5, -1.0], [0.0, 2.0]])
    C = np.array([[1.0, 2.0, -1.0], [0.0, 0.5, 1.0]])
    responses = (C @ np.linalg.matrix_power(A, k) @ B for k in range(50))
    return LinearSystem(A, B, C, np.array([np.abs(r).sum(1).max() for r in responses]))


@pytest.fixture
def judged() -> Callable[[Path], dict[str, str]]:
    """Run a script of `limited.judge` in a process of its own: what is wrong with each case."""

    def run(script: Path) -> dict[str, str]:
        folders = os.pathsep.join([str(script.parent), *sys.path])
        done = subprocess.run(
            [sys.executable, str(script)],
            env=os.environ | {"PYTHONPATH": folders},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return dict(json.loads(line) for line in done.stdout.splitlines())

    return run


@pytest.fixture
def fuzzed(tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Fuzz readers of a table in a process of their own; what ended as it must not."""

    def fuzz(table: Path, *readers: str) -> list[dict[str, Any]]:
        harness = Path(__file__).parent / "faults" / "fuzz.py"
        command = [sys.executable, str(harness), str(table), str(tmp_path), *readers]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found = [json.loads(line) for line in done.stdout.splitlines()]
        counts = {line["reader"]: line["count"] for line in found if "count" in line}
        assert tuple(counts) == readers
        assert min(counts.values()) >= 150
        return [line for line in found if "wrong" in line]

    return fuzz
