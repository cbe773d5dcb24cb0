"""A worker process: jobs in on standard input, events out on standard output, as JSON lines.

``python -m experiments.engine.worker`` is started by the local engine, with its threads already
limited by the environment. What a study prints goes to standard error. If the parent dies, the
worker asks its run for a checkpoint and ends after half a minute at the latest.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import queue
import signal
import sys
import threading
import time
from typing import Any, TextIO

from experiments.engine.job import Job, StopFlag, perform
from experiments.exit_code import INTERRUPTED

_GRACE_SECONDS = 30.0
_HEARTBEAT_SECONDS = 1.0
_answering = threading.Lock()  # heartbeats come from a thread of their own


def main() -> None:
    """Do jobs until standard input closes or a stop is asked for."""
    stop = StopFlag()
    for name in ("SIGTERM", "SIGINT", "SIGUSR1"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop.ask)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a study prints must not mix with the answers
    jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin, jobs, stop), daemon=True).start()
    threading.Thread(target=_beat, args=(answers,), daemon=True).start()
    while not stop.asked():
        try:
            job = jobs.get(timeout=0.2)
        except queue.Empty:
            continue
        if job is None:
            return
        _answer(answers, _outcome(job, answers, stop))


def _listen(stream: TextIO, jobs: queue.SimpleQueue[Job | None], stop: StopFlag) -> None:
    for line in stream:
        fields = json.loads(line)
        tuples = {name: tuple(fields[name]) for name in ("settings", "log")}
        jobs.put(Job(**{**fields, **tuples}))
    jobs.put(None)  # no more jobs: the parent has finished or died
    stop.ask()
    time.sleep(_GRACE_SECONDS)
    os._exit(INTERRUPTED)


def _beat(answers: TextIO) -> None:
    """Send a sign of life every second: this process is not stopped, nor hung outside of Python."""
    while True:
        time.sleep(_HEARTBEAT_SECONDS)
        _answer(answers, {"event": "alive"})


def _outcome(job: Job, answers: TextIO, stop: StopFlag) -> dict[str, Any]:
    def report(event: dict[str, Any]) -> None:
        _answer(answers, {"hash": job.hash, **event})

    return {"event": "outcome", **dataclasses.asdict(perform(job, report, stop))}


def _answer(answers: TextIO, event: dict[str, Any]) -> None:
    try:
        with _answering:
            answers.write(json.dumps(event) + "\n")
            answers.flush()
    except BrokenPipeError:  # the parent died, which `_listen` handles
        pass


if __name__ == "__main__":
    main()
    gc.freeze()  # else Python searches all that a framework made for cycles, for seconds
