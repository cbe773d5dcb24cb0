"""Progress of one ``run`` command, in a small file that is replaced in one step.

``.command.<process>-<digits>.json`` in the study's folder tells which runs the command has begun
and how far they are, for whoever looks on while it works (see `experiments.site.watch`). Records do
not depend on it. The command holds a lock beside it as long as it lives, so that the word of a dead
command is never taken for that of a living one; the next command removes what is left of dead ones.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from experiments.store import durable, stored
from experiments.store.lock import is_held, tried

WAITING, RUNNING, ENDED = "waiting", "running", "ended"
EVERY = 2.0
"""Least seconds between two writes."""
_LATEST = 1e11  # seconds; a journal with more was not written by this module
_NAME = ".command."


@dataclass
class Part:
    """One run in a journal.

    Parameters
    ----------
    label
        Its name among the command's runs.
    state
        ``waiting``, ``running`` or ``ended``.
    share
        How much of it is done, from 0 to 1; None if it has not said.
    message
        What its engine said of it last.
    """

    label: str
    state: str = WAITING
    share: float | None = None
    message: str = ""


@dataclass(frozen=True)
class Told:
    """A journal as it was read.

    Parameters
    ----------
    title
        Study and preset.
    alive
        Whether the command that writes it lives.
    written
        When it was written, in seconds since 1970.
    seconds_left
        Estimated time left then; None if it was not known.
    runs
        The command's runs by hash.
    """

    title: str
    alive: bool
    written: float
    seconds_left: float | None
    runs: dict[str, Part] = field(default_factory=dict)


class Journal:
    """The journal of a command that is running.

    Parameters
    ----------
    path
        Its file.
    title
        Study and preset.
    labels
        Names of the command's runs, by hash.
    complain
        Receives a text, once, if the file cannot be written; the runs go on without it.
    """

    def __init__(
        self, path: Path, title: str, labels: Mapping[str, str], complain: Callable[[str], None]
    ) -> None:
        self._path, self._title, self._complain = path, title, complain
        self._runs = {name: Part(label) for name, label in labels.items()}
        self._left: float | None = None
        self._lost = False
        self.write()

    def on_event(self, event: Mapping[str, Any], seconds_left: float | None) -> None:
        """Note an event of an engine, and write if the last time is long enough ago."""
        part = self._runs.get(event.get("hash", ""))
        if part is None:
            return
        _note(part, event)
        self._left = seconds_left
        if time.monotonic() - self._written >= EVERY:
            self.write()

    def write(self) -> None:
        """Replace the file."""
        self._written = time.monotonic()
        facts = {
            "title": self._title,
            "written": time.time(),
            "seconds_left": self._left,
            "runs": {name: asdict(part) for name, part in self._runs.items()},
        }
        try:
            if not self._lost:
                durable.write_json(self._path, facts)
        except durable.WriteError as error:
            self._lost = True
            self._complain(f"progress is not shown any more: {error}")

    @property
    def settled(self) -> bool:
        """Whether all runs have ended with a result, so that their records say all there is."""
        return all(part.state == ENDED and not part.message for part in self._runs.values())


def _note(part: Part, event: Mapping[str, Any]) -> None:
    name = event["event"]
    if name == "progress":
        total = event["total"]
        part.share = min(max(event["done"] / total, 0.0), 1.0) if total > 0 else None
    elif name == "started":
        part.state, part.share = RUNNING, None
    elif name == "outcome":
        part.state, part.message = ENDED, event["message"]
    elif name == "warning":  # it may begin again, at an earlier step
        part.share, part.message = None, event["text"]


@contextmanager
def kept(
    folder: Path, title: str, labels: Mapping[str, str], complain: Callable[[str], None]
) -> Iterator[Journal]:
    """Keep a journal in the folder of a study while a command works; hold its lock.

    At the end the file is removed if all runs have a result. Journals of dead commands are removed
    first.
    """
    from filelock import FileLock

    for path in _files(folder):
        _remove_dead(path)
    path = folder / f"{_NAME}{os.getpid()}-{secrets.token_hex(4)}.json"
    with FileLock(_lock(path)):
        journal = Journal(path, title, labels, complain)
        try:
            yield journal
        finally:
            journal.write()
            if journal.settled:
                durable.remove(path)
    durable.remove(_lock(path))


def read(folder: Path) -> list[Told]:
    """Read the journals in the folder of a study, the newest last; one that is damaged is none."""
    found = []
    for path in _files(folder):
        try:
            found.append(_told(stored.read_json(path), alive=is_held(_lock(path))))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            continue  # it was removed just now, or is no journal
    return sorted(found, key=lambda told: told.written)


def dead(folder: Path) -> list[Path]:
    """Journals in the folder of a study whose commands have ended."""
    return [path for path in _files(folder) if not is_held(_lock(path))]


def _remove_dead(path: Path) -> None:
    with tried(_lock(path)) as free:
        if free:
            durable.remove(path)
    if free:
        durable.remove(_lock(path))


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{_NAME}*.json"))


def _lock(path: Path) -> Path:
    return path.with_suffix(".lock")


def _told(held: Mapping[str, Any], *, alive: bool) -> Told:
    left = held["seconds_left"]
    return Told(
        title=str(held["title"]),
        alive=alive,
        written=_number(held["written"], _LATEST),
        seconds_left=None if left is None else _number(left, _LATEST),
        runs={str(name): _part(facts) for name, facts in held["runs"].items()},
    )


def _part(facts: Mapping[str, Any]) -> Part:
    share = facts["share"]
    if facts["state"] not in (WAITING, RUNNING, ENDED):
        raise ValueError(f"state: got {facts['state']!r}")
    shown = None if share is None else _number(share, 1.0)
    return Part(str(facts["label"]), facts["state"], shown, str(facts["message"]))


def _number(held: Any, most: float) -> float:
    if not isinstance(held, int | float) or not 0 <= held <= most:
        raise ValueError(f"got {held!r}, expected a number from 0 to {most:g}")
    return float(held)
