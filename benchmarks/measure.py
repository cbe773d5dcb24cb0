"""Timing of contenders side by side, each in a process of its own.

The processes stay alive together and run one at a time, in rounds: every contender once per
round, so that a slow minute of the machine strikes all of them, and ratios are taken round by
round. A process of its own gives each contender its own peak memory.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.worker import threads

ROOT = Path(__file__).parents[1]
MEBIBYTE = 2**20


@dataclass(frozen=True)
class Contender:
    """One way of doing the work.

    Attributes
    ----------
    label
        Its name in the table.
    module, function
        What the worker calls to prepare it; `function(**arguments)` returns a `worker.Work`.
    arguments
        Plain values.
    scale
        Factor from the measured seconds to those of the full work; 1 where all of it is done.
    first, timed
        Arguments of the first call, which is checked and not timed, and of the timed ones.
    """

    label: str
    module: str
    function: str
    arguments: dict[str, Any] = field(default_factory=dict)
    scale: float = 1.0
    first: dict[str, Any] = field(default_factory=dict)
    timed: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Spread:
    """Median, smallest and largest of repeated measurements."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Spread of one or more values."""
        return cls(median(values), min(values), max(values))

    def text(self, digits: int = 3) -> str:
        """Median (smallest..largest), in that many significant digits."""
        shown = (f"{value:.{digits}g}" for value in (self.median, self.low, self.high))
        middle, low, high = (s if "e" not in s else f"{float(s):.0f}" for s in shown)
        return f"{middle} ({low}..{high})"


@dataclass(frozen=True)
class Measurement:
    """What was measured of one contender.

    `seconds` are those of the timed rounds and `cpu_seconds` the processor time spent in them on
    all threads, both multiplied by `scale`; `first_seconds` are not scaled. `peak` is the largest
    memory of the process over all calls, `extra` the most that a call added to what its process
    held before it (inputs, libraries), both in bytes.
    """

    label: str
    scale: float
    seconds: list[float]
    cpu_seconds: list[float]
    first_seconds: float
    peak: int
    extra: int
    facts: dict[str, Any]

    def ratio_to(self, ours: Measurement) -> Spread:
        """How many times longer than ours, round by round."""
        return Spread.of([a / b for a, b in zip(self.seconds, ours.seconds, strict=True)])


class Process:
    """A contender's process; leaving the `with` block ends it."""

    def __init__(self, contender: Contender):
        self.label = contender.label
        arguments = json.dumps(contender.arguments)
        command = ["-m", "benchmarks.worker", contender.module, contender.function, arguments]
        self._process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.facts = self._answer()

    def run(self, arguments: dict[str, Any], occasion: str) -> dict[str, Any]:
        """Do the work once, and say on stderr how long it took."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        print(f"  {self.label}, {occasion}: {answer['seconds']:.3f} s", file=sys.stderr)
        return answer

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        if line := self._process.stdout.readline():
            return json.loads(line)
        code = self._process.wait()
        raise RuntimeError(f"contender {self.label!r} ended with exit code {code}; see above")

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *error: object) -> None:
        # communicate() closes the input, which ends the worker's loop.
        if error[0] is None:
            self._process.communicate()
        else:
            self._process.kill()
            self._process.wait()


def compare(contenders: Sequence[Contender], rounds: int) -> list[Measurement]:
    """Prepare and check all contenders, then time them in `rounds` rounds, taking turns."""
    with ExitStack() as stack:
        processes = [stack.enter_context(Process(contender)) for contender in contenders]
        pairs = list(zip(contenders, processes, strict=True))
        first = [process.run(contender.first, "first call") for contender, process in pairs]
        timed = [
            [process.run(contender.timed, f"round {i + 1}") for contender, process in pairs]
            for i in range(rounds)
        ]
    return [
        _measurement(contender, process.facts, start, runs)
        for (contender, process), start, *runs in zip(pairs, first, *timed, strict=True)
    ]


def _measurement(
    contender: Contender, facts: dict[str, Any], first: dict[str, Any], runs: list[dict[str, Any]]
) -> Measurement:
    return Measurement(
        label=contender.label,
        scale=contender.scale,
        seconds=[run["seconds"] * contender.scale for run in runs],
        cpu_seconds=[run["cpu"] * contender.scale for run in runs],
        first_seconds=first["seconds"],
        peak=max(run["peak"] for run in (first, *runs)),
        extra=max(run["extra"] for run in (first, *runs)),
        facts=facts | first["facts"],
    )


def version(*packages: str) -> str:
    """Names and versions of installed packages."""
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)


def machine() -> str:
    """One line on hardware and software, to stand above every table."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    limits = [f"{k}={os.environ[k]}" for k in ("OMP_NUM_THREADS", "XLA_FLAGS") if k in os.environ]
    parts = [
        _processor(),
        f"{threads()} cores",
        f"{memory:.0f} GiB",
        platform.platform(terse=True),
        f"Python {platform.python_version()}",
        version("numpy"),
        f"load {load:.1f} at the start",
        *limits,
    ]
    return ", ".join(parts)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
