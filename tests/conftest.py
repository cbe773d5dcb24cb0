"""What the rooms share: a linear system, the judge of enormous sizes, the fuzzer of readers."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest


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
        folders = os.pathsep.join([str(Path(__file__).parent), *sys.path])
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
def fuzzed(tmp_path: Path) -> Callable[[Path, str], list[dict[str, Any]]]:
    """Fuzz one reader of a table in a process of its own; what ended as it must not."""

    def fuzz(table: Path, reader: str) -> list[dict[str, Any]]:
        harness = Path(__file__).parent / "faults" / "fuzz.py"
        command = [sys.executable, str(harness), str(table), reader, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        *wrong, last = map(json.loads, done.stdout.splitlines())
        assert last["count"] > 200
        return wrong

    return fuzz
