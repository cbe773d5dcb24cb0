"""One job: start, resume or skip a run in the present process, under its record's lock.

Every engine calls `perform`; a new engine needs nothing else of this module.
"""

from __future__ import annotations

import re
import threading
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments import guest, record
from experiments.engine.session import Session
from experiments.exit_code import (
    DATA,
    DIVERGED,
    ENVIRONMENT,
    FAILED,
    INTERRUPTED,
    OK,
    USAGE,
    ConfigError,
)
from experiments.record import CorruptRecordError, Record
from experiments.recorder import (
    Diverged,
    Interrupted,
    LockLostError,
    Recorder,
    ResumeRefusedError,
)
from experiments.run import described
from experiments.store import durable, inputs, stored, system_error
from experiments.store.sinks import Sinks
from experiments.store.source import Source
from experiments.study import Study, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from experiments.run import Run

    Report = Callable[[dict[str, Any]], None]

_EXTRAS = {
    "jax": ("jax", "jaxlib", "lcde_jax", "equinox", "diffrax", "optax"),
    "torch": ("torch", "seq_torch", "numba", "mamba_ssm", "causal_conv1d", "fla"),
    "ray": ("ray",),
    "wandb": ("wandb",),
    "tensorboard": ("tensorboardX",),
    "parquet": ("pyarrow",),
    "pandas": ("pandas",),
    "polars": ("polars",),
}


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run for a worker, as plain values that can be sent as JSON.

    Parameters
    ----------
    study
        Locator of the study (see `experiments.study.load`).
    run
        The run, in plain values (see `seqtheory.plain`).
    hash
        The run's content hash.
    preset, settings
        The preset and overrides of the command, copied into the record.
    folder
        The record's folder.
    over
        Start over even if there is a finished or an unfinished record.
    force
        Resume even from a checkpoint that other source wrote.
    checkpoint_seconds
        Time between checkpoints.
    provenance
        Facts about the command, copied into the record.
    log
        Sinks that receive the metrics too (see `experiments.store.sinks`).
    guest
        ``FILE:NAME`` of the run's guest; None without one (see `experiments.guest`).
    """

    study: str
    run: dict[str, Any]
    hash: str
    preset: str
    settings: tuple[str, ...]
    folder: str
    over: bool
    force: bool
    checkpoint_seconds: float
    provenance: dict[str, Any]
    log: tuple[str, ...] = ()
    guest: str | None = None


@dataclass(frozen=True)
class Outcome:
    """How one job ended.

    Parameters
    ----------
    hash
        Hash of the run.
    status
        The record's status after the job.
    code
        Exit code for this outcome (see `experiments.exit_code`).
    message
        One line for people; empty for ``done``.
    """

    hash: str
    status: str
    code: int
    message: str = ""


class StopFlag:
    """A flag that asks this process to stop; set by signals or by the parent's death."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def ask(self, *_: Any) -> None:
        """Ask for a stop; can be used as a signal handler."""
        self._event.set()

    def asked(self) -> bool:
        """Whether a stop was asked for."""
        return self._event.is_set()


def perform(job: Job, report: Report, stop: StopFlag) -> Outcome:
    """Do one job: resume, skip or start its run, and leave the record with a status."""
    try:
        with inputs.collected() as data:
            study = load(job.study)
            threads, folder = job.provenance.get("threads"), guest.folder(job.guest)
            source = Source(study.file, threads, data, folder)
            return _perform(study, job, source, report, stop)
    except Interrupted as error:
        return Outcome(job.hash, record.UNFINISHED, INTERRUPTED, str(error))
    except ImportError as error:
        return Outcome(job.hash, record.UNFINISHED, ENVIRONMENT, install_hint(error))
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        if isinstance(error, OSError):
            text = system_error.message(error)
        return Outcome(job.hash, record.UNFINISHED, getattr(error, "exit_code", FAILED), text)


def _perform(study: Study, job: Job, source: Source, report: Report, stop: StopFlag) -> Outcome:
    folder, run = Path(job.folder), _restored_run(study, job)
    with _locked(folder, stop, report) as check_lock:
        finished = _prepare(folder, job, report)
        if finished is not None:
            return _finished(finished)
        return _execute(study, run, folder, job, source, report, stop, check_lock)


def install_hint(error: ImportError) -> str:
    """Describe what is missing or broken, and the command that installs it."""
    if isinstance(error, ConfigError):  # which has said it already
        return str(error)
    top = (error.name or "").partition(".")[0]
    for extra, packages in _EXTRAS.items():
        if top in packages or (not top and any(_names(name, error) for name in packages)):
            broken = "missing" if isinstance(error, ModuleNotFoundError) else f"broken ({error})"
            return (
                f"{top or extra} is {broken}: run `uv sync --package experiments --extra {extra}`"
            )
    # No hint for an unknown name: anyone may register it, and would have their code run.
    return f"{error}: run `uv sync --package experiments`, or see to that module yourself"


def _names(package: str, error: ImportError) -> bool:
    """Whether a message names a package or its library (libtorch_cpu.so), but not ray in array."""
    return re.search(rf"(?:\b|_|lib){package}", str(error)) is not None


def _restored_run(study: Study, job: Job) -> Run:
    if job.guest is not None:
        guest.found(job.guest)
    run = study.heard(job.run)
    if study.hash(run) != job.hash:
        raise RuntimeError(
            f"{study.name} no longer makes the run {job.hash}: it was edited just now"
        )
    return run


@contextmanager
def _locked(folder: Path, stop: StopFlag, report: Report) -> Iterator[Callable[[], None]]:
    """Hold the record's lock, which the system releases when its holder ends in any way.

    Yields a check that raises `LockLostError` if the lock file was replaced or removed.
    """
    from filelock import FileLock, Timeout

    durable.make_folder(folder.parent)
    path = folder.with_name(f".{folder.name}.lock")
    if path.is_symlink() or folder.is_symlink() or folder.parent.is_symlink():
        raise durable.WriteError(
            f"{path} or its folder is a symbolic link; records are folders of their own"
        )
    lock = FileLock(path)
    waiting = False
    while True:
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:
            if not waiting:
                report(
                    {
                        "event": "warning",
                        "text": f"{folder.name}: another process has locked it; waiting",
                    }
                )
            waiting = True
            if stop.asked():
                raise Interrupted("stopped while waiting for another process") from None
    held = _identity(path)

    def check() -> None:
        if held is None or _identity(path) != held:
            raise LockLostError(
                f"{path} was removed or replaced while the run was under way: another process may "
                "be writing this record, so that nothing more is written here; run it again"
            )

    try:
        yield check
    finally:
        lock.release()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.lstat()
    except FileNotFoundError:
        return None
    return facts.st_dev, facts.st_ino


def _prepare(folder: Path, job: Job, report: Report) -> Record | None:
    """Return a finished record to keep, or prepare a folder to run in and return None."""
    try:
        held = Record.open(folder)
    except FileNotFoundError:
        held = None
    except CorruptRecordError as error:
        if not (folder.is_symlink() or stored.is_folder(folder)):
            raise  # an archive beside it is damaged, which a run must not repair
        kept = durable.move_aside(folder, "corrupt")
        report({"event": "warning", "text": f"{error}; kept as {kept.name}, running again"})
        held = None
    if held is not None and held.finished and not job.over:
        return held
    if held is not None and job.over:
        _supersede(folder, held)
    durable.make_folder(folder)
    durable.clear_leftovers(folder)
    durable.remove(folder / "failed.json")
    return None


def _supersede(folder: Path, held: Record) -> None:
    """Move a finished record aside until the new one is finished; remove an unfinished one.

    A record in an archive stays there; the new folder takes precedence over it.
    """
    if not stored.is_folder(folder):
        return
    if held.finished:
        durable.remove(_superseded(folder))
        durable.move_aside(folder, "superseded")
    else:
        durable.remove(folder)


def _superseded(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.superseded")


def _execute(
    study: Study,
    run: Run,
    folder: Path,
    job: Job,
    source: Source,
    report: Report,
    stop: StopFlag,
    check_lock: Callable[[], None],
) -> Outcome:
    description = described(run, study.name, study.version)
    durable.write_json(folder / "run.json", description)
    sinks = Sinks(job.log, folder, description, report)
    recorder = Recorder(
        folder,
        source=source,
        stop=stop,
        report=report,
        check_lock=check_lock,
        sinks=sinks,
        checkpoint_seconds=job.checkpoint_seconds,
        force=job.force,
    )
    facts = {
        "study": study.name,
        "preset": job.preset,
        "settings": list(job.settings),
        "seed": run.seed,
        **job.provenance,
    }
    session = Session(folder, facts, recorder, source)
    try:
        study.execute(run, recorder)
    except Diverged as error:
        where = {"step": error.step, "reason": error.reason, **error.facts}
        durable.write_json(folder / "diverged.json", record.encode(where))
        return _sealed(session, record.DIVERGED)
    except (Interrupted, durable.WriteError, stored.ReadError, ImportError):
        session.end()
        raise
    except LockLostError:
        raise
    except ResumeRefusedError as error:
        session.cancel()
        return Outcome(job.hash, record.UNFINISHED, USAGE, str(error))
    except Exception as error:
        session.end()
        return _failed(folder, job, error)
    else:
        return _sealed(session, record.DONE)
    finally:
        recorder.close()
        sinks.close()


def _sealed(session: Session, status: str) -> Outcome:
    session.seal(status)
    durable.remove(_superseded(session.folder))
    return _finished(Record.open(session.folder))


def _finished(held: Record) -> Outcome:
    if held.status == record.DONE:
        return Outcome(held.hash, record.DONE, OK)
    facts = held.divergence
    return Outcome(
        held.hash,
        record.DIVERGED,
        DIVERGED,
        f"diverged at step {facts.get('step')}: {facts.get('reason')}",
    )


def _failed(folder: Path, job: Job, error: Exception) -> Outcome:
    text = "".join(traceback.format_exception(error))
    facts = {"type": type(error).__name__, "message": str(error), "traceback": text}
    durable.write_json(folder / "failed.json", facts)
    data = type(error).__name__ == "WordFileError"  # core knows nothing of exit codes
    code = DATA if data else getattr(error, "exit_code", FAILED)
    line = (str(error).splitlines() or [""])[0]
    return Outcome(job.hash, record.FAILED, code, f"{type(error).__name__}: {line}")
