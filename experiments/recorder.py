"""The write side of a record: what a study's ``execute`` reports through.

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

and a killed run ends with the bytes of one that was not.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Protocol

from experiments import checkpoint as checkpoints
from experiments import durable, record, stored
from experiments.checkpoint import Checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np

    from experiments.sinks import Sinks
    from experiments.source import Source

__all__ = ["Checkpoint", "Diverged", "Interrupted", "Recorder", "ResumeRefusedError"]


class Diverged(Exception):  # noqa: N818 - a result, not an error
    """Raised by a study whose numbers diverged: the record is sealed with status ``diverged``.

    Parameters
    ----------
    step
        Step at which it was seen.
    reason
        What was seen, in a few words ("loss is not finite").
    facts
        Numbers worth keeping: learning rate, gradient norm, which tensor.
    """

    def __init__(self, step: int, reason: str, **facts: Any) -> None:
        super().__init__(f"diverged at step {step}: {reason}")
        self.step, self.reason, self.facts = step, reason, record.encode(facts)


class Interrupted(Exception):  # noqa: N818 - a request that was honoured, not an error
    """Raised out of `Recorder.checkpoint` when a stop was asked for; the checkpoint is on disk."""


class ResumeRefusedError(RuntimeError):
    """The checkpoint was written by other source than what is installed now."""


class Stop(Protocol):
    """Tells whether the process was asked to stop."""

    def asked(self) -> bool:
        """Whether a stop was asked for."""
        ...


class Recorder:
    """Metrics, checkpoints, notes and final tensors of one run.

    Parameters
    ----------
    folder
        The record's folder; it exists and its lock is held.
    source
        The source now running: its digests go into each checkpoint.
    stop
        Tells whether a stop was asked for.
    report
        Receives progress and warnings as dictionaries.
    sinks
        Get each logged line too.
    checkpoint_seconds
        Time between checkpoints after which `due` says so.
    force
        Resume even from a checkpoint of other source.
    """

    def __init__(
        self,
        folder: Path,
        *,
        source: Source,
        stop: Stop,
        report: Callable[[dict[str, Any]], None],
        sinks: Sinks | None = None,
        checkpoint_seconds: float = 60.0,
        force: bool = False,
    ) -> None:
        self.folder = folder
        self.resumed_from: int | None = None
        self.forced: list[str] = []
        self._source, self._stop, self._report, self._sinks = source, stop, report, sinks
        self._seconds, self._force = checkpoint_seconds, force
        self._log: durable.Log | None = None
        self._step = -1
        self._saved = time.monotonic()
        self._shown = 0.0

    def restore(self) -> Checkpoint | None:
        """Newest valid checkpoint, with the metrics cut back to it; None to begin at the beginning.

        Call it at most once, before anything is logged.

        Raises
        ------
        ResumeRefusedError
            If other source wrote the checkpoint and the command did not say ``--force``.
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

        Steps never decrease, and what belongs to a step is logged before that step's checkpoint;
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
        """Whether it is time for a checkpoint: enough time has passed, or a stop was asked for."""
        return self._stop.asked() or time.monotonic() - self._saved >= self._seconds

    def checkpoint(
        self, step: int, tensors: Mapping[str, np.ndarray], state: Mapping[str, Any] | None = None
    ) -> None:
        """Write a checkpoint: everything needed to go on after `step` steps.

        Parameters
        ----------
        step
            Steps done; larger than at the last checkpoint.
        tensors
            Arrays by name.
        state
            Plain JSON values; tuples come back as lists.

        Raises
        ------
        Interrupted
            After writing, if a stop was asked for.
        """
        log = self._begun()
        if step <= self._step:
            raise ValueError(f"checkpoint(step={step}): step {self._step} is already written")
        log.sync()
        entry = Checkpoint(
            step=int(step),
            tensors=dict(tensors),
            state=dict(state or {}),
            metrics_bytes=log.size,
            metrics_sha256=log.sha256,
            source=self._source.used(),
        )
        checkpoints.write(self.folder / "checkpoints", entry)
        self._step, self._saved = step, time.monotonic()
        if self._stop.asked():
            raise Interrupted(f"stopped after step {step}; the checkpoint is written")

    def progress(self, done: float, total: float) -> None:
        """Tell how far the run is; cheap enough to call at every step."""
        now = time.monotonic()
        if now - self._shown >= 0.1 or done >= total:
            self._shown = now
            self._report({"event": "progress", "done": float(done), "total": float(total)})

    def note(self, **facts: Any) -> None:
        """Keep facts about the run (the depth chosen, and why) in ``notes.json``."""
        path = self.folder / "notes.json"
        try:
            held = stored.read_json(path)
        except (FileNotFoundError, stored.RejectedFileError):
            held = {}
        durable.write_json(path, {**held, **record.encode(facts)})

    def save(self, name: str, tensors: Mapping[str, np.ndarray]) -> None:
        """Keep final arrays as ``name.safetensors``."""
        durable.write_tensors(self.folder / f"{stored.checked_name(name)}.safetensors", tensors)

    def seal(self, status: str) -> None:
        """Finish the record: digest every file, then write DONE."""
        self._begun().sync()
        self.close()
        files = {
            path.name: stored.sha256(stored.read_bytes(path, stored.TENSOR_LIMIT))
            for path in sorted(self.folder.iterdir())
            if not path.name.startswith(".") and (path.is_symlink() or path.is_file())
        }
        durable.write_json(self.folder / "DONE", {"status": status, "files": files})
        if status == record.DONE:  # a diverged run's last checkpoint is worth a look
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
        keep = found.metrics_bytes if found else 0
        self._log = durable.Log(self.folder / "metrics.jsonl", keep=keep)
        if self._sinks is not None:
            self._sinks.begin(self.resumed_from)
        return self._log

    def _admit(self, found: Checkpoint) -> None:
        differences = _differences(found.source or {}, self._source.available())
        if differences and not self._force:
            raise ResumeRefusedError(
                f"the checkpoint of step {found.step} was written by other source "
                f"({'; '.join(differences)}); say --force to go on from it all the same, "
                "or --rerun stale to start over"
            )
        self.forced = differences

    def _rejected(self, path: Path, reason: str) -> None:
        kept = durable.move_aside(path, "corrupt")
        self._report(
            {"event": "warning", "text": f"checkpoint not used, kept as {kept.name}: {reason}"}
        )


def _differences(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [
        f"{name} was {then[name][:8]}, is {now[name][:8]}"
        for name in sorted(then.keys() & now.keys())
        if then[name] != now[name]
    ]
