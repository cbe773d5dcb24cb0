"""The process of one contender: prepares its work, then runs it each time it is told to.

Started by `measure` as ``python -m benchmarks.worker MODULE FUNCTION ARGUMENTS``. One line of
JSON goes out when the work is prepared and checked, and one after every run; a run is asked for
by a line of JSON with the arguments of the call. Anything the work prints goes to stderr.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Work:
    """What a contender's function returns to the worker, inputs and compilation done.

    Attributes
    ----------
    call
        The work to be timed.
    version
        Version of the package that does it.
    threads
        Threads it uses.
    dtype
        Number type it computes in.
    check
        Looks at a result and returns facts about it; raises where the result is wrong.
    facts
        Facts known before the first call.
    """

    call: Callable[..., Any]
    version: str
    threads: int
    dtype: str
    check: Callable[[Any], dict[str, Any]] = lambda result: {}
    facts: dict[str, Any] = field(default_factory=dict)


def threads() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_bytes() -> int:
    """Most memory that the process held since `reset_peak`, or since its start."""
    if STATUS.exists():
        return _status("VmHWM")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def held_bytes() -> int:
    """Memory that the process holds now; its peak where the system does not tell."""
    return _status("VmRSS") if STATUS.exists() else peak_bytes()


def reset_peak() -> None:
    """Forget the peak of the preparation, where the system can (Linux)."""
    if RESET.exists():
        RESET.write_text("5")


def release_unused() -> None:
    """Return freed memory to the system (glibc), so that it does not pass for held."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if STATUS.exists() else None
    if trim is not None:
        trim(0)


def _status(name: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def _run(work: Work, arguments: dict[str, Any], check: bool) -> dict[str, Any]:
    release_unused()
    held = held_bytes()
    reset_peak()
    start, start_cpu = time.perf_counter(), time.process_time()
    result = work.call(**arguments)
    seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    peak = peak_bytes()
    facts = work.check(result) if check else {}
    extra = max(0, peak - held)
    return {"seconds": seconds, "cpu": cpu, "peak": peak, "extra": extra, "facts": facts}


def main() -> None:
    """Serve runs until the input ends."""
    reply = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    module, function, arguments = sys.argv[1:]
    work: Work = getattr(importlib.import_module(module), function)(**json.loads(arguments))
    facts = {"version": work.version, "threads": work.threads, "dtype": work.dtype} | work.facts
    print(json.dumps(facts), file=reply)
    for number, line in enumerate(sys.stdin):
        print(json.dumps(_run(work, json.loads(line), check=number == 0)), file=reply)


if __name__ == "__main__":
    main()
