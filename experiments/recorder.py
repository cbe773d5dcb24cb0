"""The write side of a record: the object through which a study's ``execute`` reports.

A study writes::

    def execute(run, recorder):
        start, state = 0, initial(run)
        if (checkpoint := recorder.restore()) is not None:
            start, state = checkpoint.step, checkpoint.tensors
        for step in range(start + 1, run.num_steps + 1):
            state, loss = advance(state)
            recorder.log(step, loss=loss)
            recorder.progress(step, run.num_steps)
            if recorder.due():
                recorder.checkpoint(step, state)
        recorder.save("model", state)

and a killed and resumed run ends with the same bytes as an uninterrupted one. Of an earlier
attempt, only what a checkpoint holds is kept: metrics, notes and saved files are restored to that
step. If no checkpoint is restored, the record begins empty.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Protocol

from experiments import record
from experiments.store import checkpoint as checkpoints
from experiments.store import durable, inputs, stored
from experiments.store.checkpoint import Checkpoint

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np

    from experiments.store.sinks import Sinks
    from experiments.store.source import Source

__all__ = [
    "Checkpoint",
    "Diverged",
    "Interrupted",
    "LockLostError",
    "Recorder",
    "ResumeRefusedError",
]

_OWN = ("run.json", "provenance.json", "metrics.jsonl", "notes.json", "failed.json", "DONE")


class Diverged(Exception):  # noqa: N818 - a result, not an error
    """Raised by a study that diverged; the record is then sealed with the status ``diverged``.

    Parameters
    ----------
    step
        Step at which the divergence was noticed.
    reason
        What was observed, in a few words ("loss is not finite").
    facts
        Further values to store, such as the learning rate, the gradient norm and the tensor's name.
    """

    def __init__(self, step: int, reason: str, **facts: Any) -> None:
        super().__init__(f"diverged at step {step}: {reason}")
        self.step, self.reason = step, reason
        self.facts = record.decode(record.encode(facts))  # plain values, encoded when written


class Interrupted(Exception):  # noqa: N818 - a request that was honoured, not an error
    """Raised by `Recorder.checkpoint`, after it was written, if a stop was requested."""


class ResumeRefusedError(RuntimeError):
    """The checkpoint was made from other code, data, versions or threads than the present ones."""


class LockLostError(RuntimeError):
    """The record's lock was lost: another process may be writing the record."""


class Stop(Protocol):
    """A request to stop the process, which may come at any time."""

    def asked(self) -> bool:
        """Whether a stop was requested."""
        ...


class Recorder:
    """Metrics, checkpoints, notes and final tensors of one run.

    Parameters
    ----------
    folder
        The record's folder, which must exist and be locked by this process.
    source
        The running source, whose digests are stored in each checkpoint.
    check_lock
        Raises `LockLostError` if the lock is no longer held; called before each checkpoint and the
        seal.
    stop
        The request to stop.
    report
        Receives progress and warnings as dictionaries.
    sinks
        Receive each logged line too.
    checkpoint_seconds
        Time after a checkpoint at which the next one is due.
    force
        Resume even from a checkpoint that other source wrote.
    """

    def __init__(
        self,
        folder: Path,
        *,
        source: Source,
        stop: Stop,
        report: Callable[[dict[str, Any]], None],
        check_lock: Callable[[], None] = lambda: None,
        sinks: Sinks | None = None,
        checkpoint_seconds: float = 60.0,
        force: bool = False,
    ) -> None:
        self.folder = folder
        self.resumed_from: int | None = None
        self.forced: list[str] = []
        self._source, self._stop, self._report, self._sinks = source, stop, report, sinks
        self._check_lock = check_lock
        self._seconds, self._force = checkpoint_seconds, force
        self._notes: dict[str, Any] = {}
        self._earlier = {path: _identity(path) for path in self._files()}
        self._log: durable.Log | None = None
        self._step = -1
        self._saved = time.monotonic()
        self._shown = 0.0

    def restore(self) -> Checkpoint | None:
        """Restore the record to its newest valid checkpoint and return that; None to start afresh.

        Call it at most once, before anything is logged.

        Raises
        ------
        ResumeRefusedError
            If the checkpoint was made from other code, data, versions or threads, and ``--force``
            was not given.
        """
        if self._log is not None:
            raise RuntimeError("restore() must come before the first log() or checkpoint()")
        try:
            metrics = stored.read_bytes(self.folder / "metrics.jsonl", stored.LOG_LIMIT)
        except FileNotFoundError:
            metrics = b""
        found = checkpoints.newest(self.folder / "checkpoints", metrics, self._rejected)
        if found is not None:
            self._admit(found)
        self._begin(found)
        return found

    def log(self, step: int, **metrics: Any) -> None:
        """Add a line to the metrics: numbers, strings or lists, under names of your choice.

        Steps must not decrease, and metrics of a step must be logged before that step's checkpoint;
        otherwise a resumed run could repeat or lose a line.
        """
        log = self._begun()
        if step <= self._step:
            raise ValueError(
                f"log(step={step}): a checkpoint of step {self._step} is already written; "
                "log before checkpoint"
            )
        encoded = record.encode(metrics)
        log.append(json.dumps({"step": int(step), **encoded}, allow_nan=False))
        if self._sinks is not None:
            self._sinks.log(int(step), record.decode(encoded))

    def due(self) -> bool:
        """Whether to write a checkpoint now: enough time has passed, or a stop was requested."""
        return self._stop.asked() or time.monotonic() - self._saved >= self._seconds

    def checkpoint(
        self, step: int, tensors: Mapping[str, np.ndarray], state: Mapping[str, Any] | None = None
    ) -> None:
        """Write a checkpoint: everything needed to resume after `step` steps.

        Parameters
        ----------
        step
            Steps done, more than at the last checkpoint.
        tensors
            Arrays by name.
        state
            Plain JSON values; tuples come back as lists.

        Raises
        ------
        Interrupted
            After the checkpoint was written, if a stop was requested.
        """
        log = self._begun()
        if step <= self._step:
            raise ValueError(f"checkpoint(step={step}): step {self._step} is already written")
        self._check_lock()
        log.sync()
        entry = Checkpoint(
            step=int(step),
            tensors=dict(tensors),
            state=dict(state or {}),
            metrics_bytes=log.size,
            metrics_sha256=log.sha256,
            origin=self._source.used(),
            notes=self._notes,
            forced=tuple(self.forced),
            files={
                path.name: stored.read_bytes(path, stored.TENSOR_LIMIT) for path in self._files()
            },
        )
        checkpoints.write(self.folder / "checkpoints", entry)
        self._step, self._saved = step, time.monotonic()
        if self._stop.asked():
            raise Interrupted(f"stopped after step {step}; the checkpoint is written")

    def progress(self, done: float, total: float) -> None:
        """Report how far the run is; cheap enough to call at every step."""
        now = time.monotonic()
        if now - self._shown >= 0.1 or done >= total:
            self._shown = now
            event = {"event": "progress", "done": float(done), "total": float(total)}
            self._report(event | ({"resumed": True} if self.resumed_from is not None else {}))

    def note(self, **facts: Any) -> None:
        """Store facts about the run, such as a chosen depth and the reason, in ``notes.json``."""
        self._notes |= record.encode(facts)
        durable.write_json(self.folder / "notes.json", self._notes)

    def data(self, path: str | os.PathLike[str]) -> Path:
        """Record the SHA-256 of a file that the study reads, and return the path to open.

        A record becomes stale if the content of the file changes. The readers of this project
        (`experiments.data`, ``--words``) call this themselves.
        """
        return inputs.reading(path)

    def save(self, name: str, tensors: Mapping[str, np.ndarray]) -> None:
        """Store final arrays as ``name.safetensors``."""
        durable.write_tensors(self.folder / f"{stored.checked_name(name)}.safetensors", tensors)

    def keep_file(self, name: str, content: bytes) -> None:
        """Store the content of a safetensors file as ``name.safetensors``."""
        durable.write_bytes(self.folder / f"{stored.checked_name(name)}.safetensors", content)

    def seal(self, status: str) -> None:
        """Finish the record: compute the digest of every file, then write DONE."""
        self._check_lock()
        self._begun().sync()
        self.close()
        files = {
            path.name: stored.sha256(stored.read_bytes(path, stored.TENSOR_LIMIT))
            for path in _sealed(self.folder)
        }
        durable.write_json(self.folder / "DONE", {"status": status, "files": files})
        if status == record.DONE:  # the last checkpoint of a diverged run is kept for inspection
            durable.remove(self.folder / "checkpoints")

    def close(self) -> None:
        """Close the metrics file."""
        if self._log is not None:
            self._log.close()

    def _begun(self) -> durable.Log:
        return self._log or self._begin(None)

    def _begin(self, found: Checkpoint | None) -> durable.Log:
        if found is None:
            durable.remove(self.folder / "checkpoints")
        else:
            self._step = self.resumed_from = found.step
        self._put_back(found or Checkpoint(0, {}, {}))
        keep = found.metrics_bytes if found else 0
        self._log = durable.Log(self.folder / "metrics.jsonl", keep=keep)
        if self._sinks is not None:
            self._sinks.begin(self.resumed_from)
        return self._log

    def _put_back(self, found: Checkpoint) -> None:
        """Restore the notes and files of the checkpoint, and remove those written after it."""
        kept = {path for path in self._files() if self._earlier.get(path) != _identity(path)}
        for path in self._earlier.keys() - kept:
            durable.remove(path)
        for name, content in found.files.items():
            if self.folder / name not in kept:
                durable.write_bytes(self.folder / name, content)
        self._notes = {**found.notes, **self._notes}
        if self._notes:
            durable.write_json(self.folder / "notes.json", self._notes)
        else:
            durable.remove(self.folder / "notes.json")

    def _files(self) -> list[Path]:
        """Files that the study saved: all sealed files except the recorder's own."""
        return [path for path in _sealed(self.folder) if path.name not in _OWN]

    def _admit(self, found: Checkpoint) -> None:
        differences = self._source.differences(found.origin)
        if differences and not self._force:
            raise ResumeRefusedError(
                f"the checkpoint of step {found.step} was made from other source "
                f"({'; '.join(differences)}); use --force to resume from it regardless, "
                "or --rerun stale to start over"
            )
        self.forced = [*found.forced, *differences]

    def _rejected(self, path: Path, reason: str) -> None:
        kept = durable.move_aside(path, "corrupt")
        self._report(
            {"event": "warning", "text": f"checkpoint not used, kept as {kept.name}: {reason}"}
        )


def _sealed(folder: Path) -> list[Path]:
    """Files of a record that its seal covers."""
    return [
        path
        for path in sorted(folder.iterdir())
        if not path.name.startswith(".") and not stored.is_folder(path)
    ]


def _identity(path: Path) -> tuple[int, int, int]:
    """Identity of a file's content, which changes when the file is replaced or written to."""
    facts = path.lstat()
    return facts.st_ino, facts.st_mtime_ns, facts.st_size
