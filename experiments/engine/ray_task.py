"""Code that runs in a Ray worker: one job, and its communication with the command."""

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
    """An actor on the command's machine: tasks post events to it and learn whether to stop."""

    def __init__(self) -> None:
        self._events: list[dict[str, Any]] = []
        self._stopping = False

    def post(self, events: list[dict[str, Any]]) -> bool:
        """Post events; return whether a stop was requested."""
        self._events += events
        return self._stopping

    def take(self, stopping: bool) -> list[dict[str, Any]]:
        """Return and remove all events; `stopping` tells the tasks whether to stop."""
        self._stopping = stopping
        events, self._events = self._events, []
        return events


def work(job: Job, board: Any) -> Outcome:
    """Do one job; this is the task that the engine submits."""
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
    """Facts about this machine, which may differ from the command's."""
    return provenance.collect()


class _Courier:
    """Sends events to the board and receives the request to stop, four times a second."""

    def __init__(self, name: str, board: Any) -> None:
        self.stop = StopFlag()
        self._name, self._board = name, board
        self._ray = importlib.import_module("ray")
        self._events: list[dict[str, Any]] = []
        self._lock, self._over = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self) -> _Courier:
        self.report({"event": "started"})
        self._exchange()  # learns, before any work, whether to begin
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
        self._exchange()  # the events of a run arrive before its outcome does

    def report(self, event: dict[str, Any]) -> None:
        """Queue an event; a newer progress event replaces an older one."""
        with self._lock:
            if self._events and self._events[-1]["event"] == event["event"] == "progress":
                self._events.pop()
            self._events.append({"hash": self._name, **event})

    def printed(self) -> contextlib.ExitStack:
        """Send the study's printed lines as events."""
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
        """Return True: text can be written to this stream."""
        return True

    def write(self, text: str, /) -> int:
        """Write text; each complete line of it becomes an event."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._courier.report({"event": "output", "text": line})
        return len(text)
