"""Engines, which run jobs. The local engine keeps a few workers, each with one job at a time."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from experiments.commands.output import OutputError, tell
from experiments.engine.job import Job, Outcome
from experiments.engine.signals import Signals
from experiments.exit_code import ENVIRONMENT, FAILED, INTERRUPTED
from experiments.record import UNFINISHED
from experiments.store import system_error
from experiments.study import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    OnEvent = Callable[[dict[str, Any]], None]


class Engine(Protocol):
    """Runs jobs and returns their outcomes; records do not depend on the engine.

    ``str(engine)`` describes the engine and its settings; ``threads`` is the number of threads per
    run; ``stopped_by`` is the signal that ended the last `map` early, or None.
    """

    threads: int
    stopped_by: int | None

    def map(self, jobs: Sequence[Job], on_event: OnEvent) -> list[Outcome]:
        """Run the jobs and return one outcome for each, in order."""
        ...


class LocalEngine:
    """Worker processes on this machine.

    Parameters
    ----------
    workers
        Number of processes; at least 1.
    threads
        Threads that each may use for linear algebra, torch, numba and XLA; at least 1.
    stall_seconds
        Silence after which a worker counts as hung. Workers send a sign of life every second.

    Notes
    -----
    A worker is a fresh Python whose environment limits its threads before anything is
    imported. It is kept for further jobs, since importing a framework takes seconds. If a worker
    dies or hangs, another one replaces it and tries the job once more; if that one dies too, only
    this job stays unfinished. SIGTERM, SIGINT and SIGUSR1 are passed on: runs finish their step,
    write a checkpoint and end. A second SIGINT kills the workers.
    """

    def __init__(self, workers: int, threads: int, stall_seconds: float = 600.0) -> None:
        if workers < 1 or threads < 1:
            raise ValueError(f"workers={workers}, threads={threads}: expected at least 1 of each")
        self.workers, self.threads, self.stall_seconds = workers, threads, stall_seconds
        self.stopped_by: int | None = None

    def __str__(self) -> str:
        return f"local engine (workers {self.workers}, threads {self.threads})"

    def map(self, jobs: Sequence[Job], on_event: OnEvent) -> list[Outcome]:
        """Run the jobs and return one outcome for each, in order.

        Raises
        ------
        KeyboardInterrupt
            At the second SIGINT, after all workers have been killed.
        """
        environment = thread_environment(self.threads)
        pool = _Pool(jobs, self.workers, environment, on_event, self.stall_seconds)
        with Signals(pool.stop) as signals:
            outcomes = pool.run()
        self.stopped_by = signals.received
        return outcomes


def _home() -> dict[str, str]:
    """Environment variable by which another process finds the package that this one runs."""
    paths = [str(ROOT.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths)}


def thread_environment(threads: int) -> dict[str, str]:
    """Environment variables that limit every numerical library to `threads` threads.

    XLA on the CPU sizes its pools by ``NPROC`` alone; no flag changes that (observed with jax
    0.10).
    """
    return dict.fromkeys(
        (
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "MKL_NUM_THREADS",
            "NUMEXPR_NUM_THREADS",
            "VECLIB_MAXIMUM_THREADS",
            "NUMBA_NUM_THREADS",
            "NPROC",
        ),
        str(threads),
    )


def while_heard(on_event: OnEvent, stop: Callable[[], None]) -> OnEvent:
    """Pass events on until they cannot be printed; then call `stop` once."""
    heard = True

    def passed_on(event: dict[str, Any]) -> None:
        nonlocal heard
        if not heard:
            return
        try:
            on_event(event)
        except OutputError as error:
            heard = False
            if not error.closed:
                tell(f"error: {error}")
            stop()

    return passed_on


class HungSinks:
    """Sinks that hung in a run of a sweep, and are left out of the following runs."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def left_out_of(self, job: Job) -> Job:
        """Return the job without the sinks that hung."""
        return dataclasses.replace(job, log=tuple(n for n in job.log if n not in self._names))

    def is_news(self, event: dict[str, Any]) -> bool:
        """Handle an event; False if it is the warning of a sink that another worker reported."""
        name = event.get("hung_sink")
        if name is None:
            return True
        known = name in self._names
        self._names.add(name)
        return not known


class _Pool:
    """The state of one `map`: jobs waiting, workers busy, outcomes so far."""

    def __init__(
        self,
        jobs: Sequence[Job],
        workers: int,
        environment: dict[str, str],
        on_event: OnEvent,
        stall_seconds: float,
    ) -> None:
        self.order = [job.hash for job in jobs]
        self.waiting = deque(jobs)
        self.outcomes: dict[str, Outcome] = {}
        self.events: queue.SimpleQueue[tuple[_Worker, dict[str, Any] | None]] = queue.SimpleQueue()
        self.workers: list[_Worker] = []
        self.stopping = False
        self._size, self._environment = workers, environment
        self._on_event = while_heard(on_event, lambda: self.stop(signal.SIGTERM))
        self._stall_seconds = stall_seconds
        self._retried: set[str] = set()
        self._sinks = HungSinks()

    def run(self) -> list[Outcome]:
        try:
            while self._assign():
                self._end_hung()
                try:
                    worker, event = self.events.get(timeout=0.2)
                except queue.Empty:
                    continue
                self._handle(worker, event)
        except KeyboardInterrupt:
            for worker in self.workers:
                worker.kill("interrupted twice")
            raise
        finally:
            for worker in self.workers:
                worker.end()
        missing = Outcome("", UNFINISHED, INTERRUPTED, "not started")
        return [
            self.outcomes.get(name) or dataclasses.replace(missing, hash=name)
            for name in self.order
        ]

    def stop(self, number: int) -> None:
        """Start no further job, and pass the signal on."""
        self.stopping = True
        self.waiting.clear()
        for worker in self.workers:
            worker.signal(number)

    def _end_hung(self) -> None:
        """Kill workers that were silent for too long; the threads that read them notice it."""
        for worker in self.workers:
            if worker.job is not None and worker.silent_seconds() > self._stall_seconds:
                worker.kill(f"it was silent for {self._stall_seconds:g} s")

    def _assign(self) -> bool:
        """Give each idle worker a job; return whether any job is under way."""
        while self.waiting:
            worker = next((w for w in self.workers if w.job is None), None)
            if worker is None and len(self.workers) < self._size:
                worker = self._hire()
            if worker is None:
                break
            job = self.waiting.popleft()
            worker.give(self._sinks.left_out_of(job))
            self._on_event({"event": "started", "hash": job.hash})
        return any(worker.job for worker in self.workers)

    def _hire(self) -> _Worker | None:
        """Start a worker; if the machine has no room for it, go on with the existing ones."""
        try:
            worker = _Worker(self._environment, self.events)
        except OSError as error:
            if not self.workers:
                raise
            self._size = len(self.workers)
            text = f"no more than {self._size} workers could be started"
            reason = system_error.reason(error)
            self._on_event({"event": "warning", "text": f"{text}: {reason}"})
            return None
        self.workers.append(worker)
        return worker

    def _handle(self, worker: _Worker, event: dict[str, Any] | None) -> None:
        if event is None:
            self._bury(worker)
        elif event["event"] == "alive":
            return
        elif event["event"] == "outcome":
            worker.job = None
            self._settle(Outcome(**{k: v for k, v in event.items() if k != "event"}))
        elif self._sinks.is_news(event):
            self._on_event({"hash": worker.job.hash if worker.job else "", **event})

    def _bury(self, worker: _Worker) -> None:
        """Settle the job of a worker that died, or that ended after a request to stop."""
        self.workers.remove(worker)
        how = worker.end()
        if worker.job is None:
            return
        if not self.stopping and worker.job.hash not in self._retried:
            self._retried.add(worker.job.hash)
            self.waiting.appendleft(worker.job)
            text = f"{how}; the run is tried once more"
            self._on_event({"event": "warning", "hash": worker.job.hash, "text": text})
            return
        code = INTERRUPTED if self.stopping else FAILED
        self._settle(Outcome(worker.job.hash, UNFINISHED, code, how))

    def _settle(self, outcome: Outcome) -> None:
        self.outcomes[outcome.hash] = outcome
        self._on_event({"event": "outcome", **dataclasses.asdict(outcome)})
        if outcome.code == ENVIRONMENT:  # every other run would fail in this way
            self.waiting.clear()


class _Worker:
    """One worker process, in its own session, so that Ctrl-C reaches only this process."""

    def __init__(
        self,
        environment: dict[str, str],
        events: queue.SimpleQueue[tuple[_Worker, dict[str, Any] | None]],
    ) -> None:
        self.job: Job | None = None
        self._last_sign = time.monotonic()
        self._killed_for = ""
        self._last_words: deque[str] = deque(maxlen=5)
        self._events = events
        self._process = subprocess.Popen(
            # -P: a folder `experiments` where the command was started is not this package.
            [sys.executable, "-P", "-m", "experiments.engine.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment, **_home(), "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
            encoding="utf-8",
            errors="replace",
        )
        self._threads = [
            threading.Thread(target=target, daemon=True) for target in (self._answers, self._words)
        ]
        try:
            for thread in self._threads:
                thread.start()
        except RuntimeError as error:  # the limit of threads
            self._process.kill()
            raise OSError(errno.EAGAIN, str(error)) from error

    def give(self, job: Job) -> None:
        """Send a job; if the worker is dead already, its reading thread notices."""
        self.job, self._last_sign = job, time.monotonic()
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(dataclasses.asdict(job)) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return

    def signal(self, number: int) -> None:
        """Pass a signal on, if the process still exists."""
        if self._process.poll() is not None:
            return
        try:
            self._process.send_signal(number)
        except ValueError:  # Windows can only send the signal that ends a process
            self._process.terminate()

    def silent_seconds(self) -> float:
        """Seconds since the worker's last sign of life."""
        return time.monotonic() - self._last_sign

    def kill(self, reason: str) -> None:
        """End the process at once, even if it is stopped or hung."""
        if not self._killed_for:
            self._killed_for = reason
            self._process.kill()

    def end(self) -> str:
        """End the process (killing it if it is busy) and return how it ended."""
        if self.job is not None and self._process.poll() is None:
            try:  # its output may end shortly before the process does
                self._process.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                self._process.kill()
        try:
            if self._process.stdin is not None:
                self._process.stdin.close()
        except BrokenPipeError:
            self._last_words.append("its input was closed")
        try:
            code = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        for thread in self._threads:
            thread.join(timeout=1)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        return self._killed_for or _cause(code, self._last_words)

    def _answers(self) -> None:
        assert self._process.stdout is not None
        try:
            for line in self._process.stdout:
                event = json.loads(line)
                self._last_sign = time.monotonic()
                self._events.put((self, event))
        except ValueError:  # an incomplete line: the worker died while writing
            self.kill("it ended in the middle of an answer")
        except Exception as error:  # of any kind: nothing reads this worker's answers any more
            self.kill(f"its answers could not be read ({type(error).__name__}: {error})")
        finally:
            self._events.put((self, None))

    def _words(self) -> None:
        assert self._process.stderr is not None
        try:
            for line in self._process.stderr:
                self._last_words.append(line.rstrip())
                self._events.put((self, {"event": "output", "text": line.rstrip()}))
        except Exception as error:  # unread, the worker would block once the pipe is full
            self.kill(f"what it prints could not be read ({type(error).__name__}: {error})")


def _cause(code: int, last_words: deque[str]) -> str:
    if code == -getattr(signal, "SIGKILL", 9):  # Windows has none
        return "its process was killed (SIGKILL; the system does that when memory runs out)"
    if code < 0:
        return f"its process died of {signal.Signals(-code).name}"
    return " / ".join([f"its process ended with exit code {code}", *last_words])
