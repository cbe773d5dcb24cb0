"""What runs in a Ray worker: one job, and the courier between it and the command."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import io
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.engine.job import Job, Outcome, StopFlag, perform
from experiments.exit_code import ENVIRONMENT, INTERRUPTED
from experiments.record import UNFINISHED
from experiments.store import provenance

if TYPE_CHECKING:
    from types import TracebackType

_SECONDS = 0.25


class Board:
    """An actor beside the command: tasks pin up events and read whether to stop."""

    def __init__(self) -> None:
        self._events: list[dict[str, Any]] = []
        self._stopping = False

    def post(self, events: list[dict[str, Any]]) -> bool:
        """Pin up events; return whether a stop was asked for."""
        self._events += events
        return self._stopping

    def take(self, stopping: bool) -> list[dict[str, Any]]:
        """Take the events down and say whether the command was asked to stop."""
        self._stopping = stopping
        events, self._events = self._events, []
        return events


def work(job: Job, board: Any) -> Outcome:
    """Do one job; the task that the engine hands out."""
    if not Path(job.folder).parent.is_dir():
        text = f"{Path(job.folder).parent} is not seen by all machines: results must be shared"
        return Outcome(job.hash, UNFINISHED, ENVIRONMENT, text)
    own = {**job.provenance, **_facts()}
    with _Courier(job.hash, board) as courier, courier.printed():
        if courier.stop.asked():
            return Outcome(job.hash, UNFINISHED, INTERRUPTED, "not started")
        return perform(dataclasses.replace(job, provenance=own), courier.report, courier.stop)


@functools.cache
def _facts() -> dict[str, Any]:
    """Facts about this machine, which need not be the command's."""
    return provenance.collect()


class _Courier:
    """Carries events to the board and the stop back, four times a second."""

    def __init__(self, name: str, board: Any) -> None:
        self.stop = StopFlag()
        self._name, self._board = name, board
        self._ray = importlib.import_module("ray")
        self._events: list[dict[str, Any]] = []
        self._lock, self._over = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self) -> _Courier:
        self.report({"event": "started"})
        self._exchange()  # now it is known, before any work, whether to begin
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self._exchange()  # what is told of a run arrives before its outcome does

    def report(self, event: dict[str, Any]) -> None:
        """Take an event along; of progress only the newest."""
        with self._lock:
            if self._events and self._events[-1]["event"] == event["event"] == "progress":
                self._events.pop()
            self._events.append({"hash": self._name, **event})

    def printed(self) -> contextlib.ExitStack:
        """Send what the study prints as events too."""
        stack, lines = contextlib.ExitStack(), _Printed(self)
        stack.enter_context(contextlib.redirect_stdout(lines))
        stack.enter_context(contextlib.redirect_stderr(lines))
        return stack

    def _carry(self) -> None:
        while not self._over.wait(_SECONDS):
            self._exchange()

    def _exchange(self) -> None:
        with self._lock:
            events, self._events = self._events, []
        try:
            if self._ray.get(self._board.post.remote(events)):
                self.stop.ask()
        except self._ray.exceptions.RayError:  # the command is gone: end in a checkpoint
            self.stop.ask()


class _Printed(io.TextIOBase):
    """A stream whose lines become events."""

    def __init__(self, courier: _Courier) -> None:
        self._courier, self._rest = courier, ""

    def writable(self) -> bool:
        """Whether it can be written to; it can."""
        return True

    def write(self, text: str, /) -> int:
        """Take text; report each whole line of it."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._courier.report({"event": "output", "text": line})
        return len(text)
