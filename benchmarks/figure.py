"""The toy study's figure from its records: the whole process, from its start to its end."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from typing import Any

from benchmarks import report
from benchmarks.measure import MEBIBYTE, ROOT, Spread

COMMAND = ("-m", "experiments", "plot", "toy")
ROUNDS = 3


def main() -> list[dict[str, Any]]:
    """Draw the figure several times, print seconds and peak memory, and return the row."""
    runs, said = [], ""
    for _ in range(ROUNDS):
        seconds, peak, code, said = _draw()
        if code != 0:
            print(f"figure: no figure to time, the command ended with exit code {code}:\n{said}")
            return []
        runs.append((seconds, peak))
    title = "figure: python -m experiments plot toy, whole process"
    spread, peak = Spread.of([seconds for seconds, _ in runs]), max(peak for _, peak in runs)
    report.show(
        title, ("command", "seconds", "peak MiB"), [("plot toy", spread.text(), _mib(peak))]
    )
    print(said)
    return [{"table": title, "seconds": [seconds for seconds, _ in runs], "peak": peak}]


def _draw() -> tuple[float, int, int, str]:
    """Seconds, peak memory, exit code and output of one run."""
    with tempfile.TemporaryFile("w+") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *COMMAND], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        unit = 1 if sys.platform == "darwin" else 1024
        return seconds, usage.ru_maxrss * unit, process.returncode, output.read()


def _mib(size: int) -> str:
    return f"{size / MEBIBYTE:.0f}"
