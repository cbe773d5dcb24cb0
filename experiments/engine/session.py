"""Sessions: the periods of work on one record, written into its provenance."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from experiments.store import durable, provenance, stored

if TYPE_CHECKING:
    from pathlib import Path

    from experiments.recorder import Recorder
    from experiments.store.source import Source

# A run's share of a busy machine shows in the first only; of all threads, in the second.
_MEASURED = ("wall_seconds", "processor_seconds")


class Session:
    """One period of work on a record; an interrupted run has several.

    Parameters
    ----------
    folder
        The record's folder.
    facts
        Entries of the provenance besides source and sessions.
    recorder
        The run's recorder, which knows at which step it resumed.
    source
        Digests of the running source.

    Raises
    ------
    RejectedFileError
        If the provenance of earlier sessions exists and cannot be read.
    """

    def __init__(
        self, folder: Path, facts: dict[str, Any], recorder: Recorder, source: Source
    ) -> None:
        self.folder = folder
        self._facts, self._recorder, self._source = facts, recorder, source
        self._started, self._worked = time.monotonic(), time.process_time()
        self._session: dict[str, Any] = {"start": provenance.now()}
        try:  # an unreadable provenance is an error: its sessions would be lost in silence
            self._before = earlier(folder / "provenance.json")
        except FileNotFoundError:
            self._before = {}
        self._write()

    def end(self) -> None:
        """Record when this session ended and at which step it had resumed."""
        self._session["end"] = provenance.now()
        self._session["wall_seconds"] = round(time.monotonic() - self._started, 3)
        self._session["processor_seconds"] = round(time.process_time() - self._worked, 3)
        self._session["resumed_from"] = self._recorder.resumed_from
        if self._recorder.forced:
            self._session["forced"] = self._recorder.forced
        self._write()

    def cancel(self) -> None:
        """Restore the provenance as it was before this session, in which nothing was done."""
        durable.write_json(self.folder / "provenance.json", self._before)

    def seal(self, status: str) -> None:
        """End the session and finish the record."""
        self.end()
        self._recorder.seal(status)

    def _write(self) -> None:
        origin = self._source.used()
        self._session["environment"] = origin["environment"]
        sessions = [*self._before.get("sessions", []), self._session]
        facts = {
            **self._facts,
            "origin": origin,
            **{name: sum(session.get(name, 0.0) for session in sessions) for name in _MEASURED},
            "sessions": sessions,
        }
        durable.write_json(self.folder / "provenance.json", facts)


def earlier(path: Path) -> dict[str, Any]:
    """Read a provenance and its earlier sessions, after checking their times."""
    found = stored.read_json(path)
    sessions = found.get("sessions", [])
    if not isinstance(sessions, list) or not all(map(_is_session, sessions)):
        raise stored.RejectedFileError(f"{path}: sessions is no list of sessions with their times")
    return found


def _is_session(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(value.get(name, 0.0), (int, float)) for name in _MEASURED
    )
