"""Progress: a live bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TextIO

from experiments.commands.forecast import duration
from experiments.commands.output import say
from experiments.store.stored import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS = 10.0
_BELIEVED = 0.05  # share of the work after which the time left is told


def reporter(
    labels: Mapping[str, str],
    stream: TextIO,
    costs: Mapping[str, float] | None = None,
    title: str | None = None,
) -> Lines:
    """Make a `Bar` if `stream` is a terminal, else `Lines`; use the result as a context manager.

    Parameters
    ----------
    labels
        Label of each run, by its hash.
    stream
        Stream to write to.
    costs
        Seconds that each run is expected to take, by hash; the mean of these for others.
    title
        What to call all runs together, in one line every ten seconds; each by its label if None.
    """
    if title is not None:
        return Together(labels, stream, costs, title)
    kind = Bar if stream.isatty() else Lines
    return kind(labels, stream, costs)


class Lines:
    """One line per finished run, and one every ten seconds between them."""

    def __init__(
        self, labels: Mapping[str, str], stream: TextIO, costs: Mapping[str, float] | None = None
    ) -> None:
        self._labels, self._stream = labels, stream
        known = costs or {}
        mean = sum(known.values()) / len(known) if known else 1.0
        self._costs = {name: known.get(name, mean) or mean for name in labels}
        self._all_cost = sum(self._costs.values())
        self._parts: dict[str, float] = {}
        self._before: dict[str, float] = {}  # what earlier commands had done of each run
        self._done = 0
        self._started = self._shown = time.monotonic()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def on_event(self, event: dict[str, Any]) -> None:
        """Handle one event of an engine."""
        name = event["event"]
        if name == "progress":
            total = event["total"]
            part = min(event["done"] / total, 1.0) if total > 0 else 0.0
            self._before.setdefault(event["hash"], part if event.get("resumed") else 0.0)
            self._parts[event["hash"]] = part
            self._advance(event["hash"])
        elif name == "outcome":
            if event.get("code"):  # it ended early: no work that tells how long the others take
                self._before[event["hash"]] = 1.0
            self._parts[event["hash"]] = 1.0
            self._done += 1
            self._finish(event)
        elif name == "started":
            self._start(event["hash"])
        elif name in ("warning", "output"):
            self.say(f"{name}: {event['text']}" if name == "warning" else event["text"])

    def say(self, text: str) -> None:
        """Write a line."""
        say(text, self._stream)

    def _start(self, name: str) -> None:
        self._parts.setdefault(name, 0.0)

    def _advance(self, name: str) -> None:
        now = time.monotonic()
        if now - self._shown >= _SECONDS:
            self._shown = now
            part = f"{self._labels[name]}: {self._parts[name]:.0%}"
            self.say(f"{part}; {self._done}/{len(self._labels)} runs; {self._time_left()}")

    def _finish(self, event: dict[str, Any]) -> None:
        self._shown = time.monotonic()
        note = f" ({event['message']})" if event["message"] else ""
        count = f"{self._done}/{len(self._labels)}"
        self.say(f"{count} {self._labels[event['hash']]}: {event['status']}{note}")

    def _share(self) -> float:
        """Share of all work that is done, each run weighed by what it is expected to cost."""
        done = sum(self._costs[name] * part for name, part in self._parts.items())
        return done / self._all_cost

    def seconds_left(self) -> float | None:
        """Time left, once a run has ended or a twentieth of all work is done, and not before.

        Work that an earlier command had done, and runs that ended early, tell nothing of the speed.
        """
        done = self._share()
        here = (
            done - sum(self._costs[n] * part for n, part in self._before.items()) / self._all_cost
        )
        elapsed = time.monotonic() - self._started
        if elapsed < _SECONDS or not (self._done or here >= _BELIEVED) or here <= 0:
            return None
        return elapsed * (1 - done) / here

    def _time_left(self) -> str:
        left = self.seconds_left()
        return "time left not known yet" if left is None else f"about {duration(left)} left"


class Together(Lines):
    """One line every ten seconds for all runs together, and one for each that did not end well."""

    def __init__(
        self,
        labels: Mapping[str, str],
        stream: TextIO,
        costs: Mapping[str, float] | None,
        title: str,
    ) -> None:
        super().__init__(labels, stream, costs)
        self._title = title

    def _advance(self, name: str) -> None:
        now = time.monotonic()
        if now - self._shown >= _SECONDS:
            self._shown = now
            count = f"{self._done}/{len(self._labels)} runs"
            self.say(f"{self._title}: {self._share():.0%}; {count}; {self._time_left()}")

    def _finish(self, event: dict[str, Any]) -> None:
        if event["message"]:
            self.say(f"{self._labels[event['hash']]}: {event['status']} ({event['message']})")
        elif self._done < len(self._labels):
            self._advance(event["hash"])


class Bar(Lines):
    """A live bar over all runs, and one for each run under way."""

    def __init__(
        self, labels: Mapping[str, str], stream: TextIO, costs: Mapping[str, float] | None = None
    ) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        super().__init__(labels, stream, costs)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}", markup=False),
            console=Console(file=stream),
        )
        self._all = self._progress.add_task(f"{len(labels)} runs", total=1.0, left="")
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """Write a line above the bars."""
        self._progress.console.print(printable(text), markup=False, highlight=False)

    def _start(self, name: str) -> None:
        super()._start(name)
        if name in self._tasks:  # tried once more
            return
        self._tasks[name] = self._progress.add_task(
            printable(self._labels[name]), total=1.0, left=""
        )

    def _advance(self, name: str) -> None:
        if name in self._tasks:
            self._progress.update(self._tasks[name], completed=self._parts[name])
        self._progress.update(self._all, completed=self._share(), left=self._time_left())

    def _finish(self, event: dict[str, Any]) -> None:
        self._advance(event["hash"])
        if event["hash"] in self._tasks:
            self._progress.remove_task(self._tasks.pop(event["hash"]))
        super()._finish(event)
