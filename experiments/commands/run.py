"""The ``run`` command: from a study's name to finished records and an exit code."""

from __future__ import annotations

import errno
import os
import secrets
import shlex
import signal
import sys
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from experiments import exit_code, record
from experiments.arguments import Repeated
from experiments.commands import forecast, progress
from experiments.commands.forecast import Cost
from experiments.commands.labels import labels as _labels
from experiments.commands.output import OutputError, say, tell
from experiments.engine.job import Job, Outcome
from experiments.engine.local import Engine, LocalEngine
from experiments.exit_code import ConfigError
from experiments.record import CorruptRecordError, Record
from experiments.run import canonical
from experiments.selection import Selection
from experiments.store import belonging, durable, journal, provenance, shelf, sinks, source
from experiments.store.stored import RejectedFileError
from experiments.study import PUBLISHED, Study, load

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from contextlib import AbstractContextManager

    from experiments.run import Run

EngineName = Literal["local", "ray"]
Rerun = Literal["stale", "failed", "all"]
_NAMED = 3  # runs that are named of those that ended alike


@dataclass(frozen=True, kw_only=True)
class Request(Selection):
    """Options of the run command: which runs, and how they are run."""

    dry_run: bool = False
    """Only list the runs with their settings and status, and estimate the cost of the rest."""
    workers: int | None = None
    """Number of processes at once; one per core, at most one per run, if left out."""
    threads: int | None = None
    """Threads for each process; the workers share the cores if left out."""
    rerun: Rerun | None = None
    """Run finished records again: those made from other source (stale), failed ones, or all."""
    force: bool = False
    """Resume even from a checkpoint that other source wrote; the record notes it."""
    checkpoint_seconds: float = 60.0
    """Time between checkpoints."""
    stall_seconds: float = 600.0
    """Silence after which a worker here is killed as hung; its run is tried once more."""
    engine: EngineName = "local"
    """Where the runs are computed: processes on this machine (local), or a Ray cluster that shares
    the results folder (ray)."""
    address: str | None = None
    """Address of a running Ray cluster, host:port or auto; if left out, one is started here."""
    gpus: float = 0.0
    """GPUs for each run on Ray, a fraction below 1 or a whole number."""
    live: bool = True
    """Write progress into a small file in the study's folder, at most every two seconds, from which
    `watch` shows it while the runs go on."""
    log: Repeated[sinks.Name] = ()
    """Send metrics to wandb or tensorboard too; repeat the option to use both."""


@dataclass(frozen=True)
class _Planned:
    """One run, the address of its record, and the record that exists already, if any."""

    run: Run
    path: Path
    held: Record | None
    over: bool

    @property
    def status(self) -> str | None:
        return self.held.status if self.held else None

    @property
    def skipped(self) -> bool:
        return self.held is not None and self.held.finished and not self.over


def run(request: Request) -> int:
    """Run everything that is not finished and return the exit code.

    Raises
    ------
    ConfigError
        If the request is wrong or the results folder cannot be used; nothing was run.
    ImportError
        If the requested engine or sink is not installed; nothing was run.
    """
    try:
        return _run(request)
    except OutputError as error:  # before anything was begun
        if not error.closed:
            tell(f"error: {error}")
        return exit_code.INTERRUPTED


def _run(request: Request) -> int:
    study = load(request.study)
    preset = study.preset(request.preset)
    runs = request.runs(study)
    if request.mixer is None and (said := request.left_alone(study)):
        say(said)
    if request.dry_run:
        return _dry_run(study, preset, runs, request)
    done = carry_out(study, preset, runs, request)
    with suppress(OutputError):
        where = (
            "" if request.results == Path("results") else f" {shlex.quote(str(request.results))}"
        )
        say(f"  these records as pages, in one file: python -m experiments report{where}")
    return done.code


@dataclass(frozen=True)
class Done:
    """How a command's runs ended.

    Parameters
    ----------
    code
        Exit code that they ask for.
    stopped
        Whether the command was stopped before all had ended.
    """

    code: int
    stopped: bool


def carry_out(
    study: Study, preset: str, runs: Sequence[Run], request: Request, *, title: str | None = None
) -> Done:
    """Run what is not finished of these runs, under signals, and say how they ended.

    Parameters
    ----------
    study, preset
        What the runs are of.
    runs
        The runs; which of them are due may depend on the records of others.
    request
        How they are run.
    title
        What to call all of them together, in one line of progress; each by its own name if None.
    """
    engine = _engine(request, len(runs))
    sinks.require(request.log)
    folder = _results_folder(request.folder, study.name)
    if said := belonging.settle(study, folder):
        say(said)
    planned = [_plan(study, run, folder, request) for run in runs]
    labels = dict(zip([item.path.name for item in planned], _labels(runs), strict=True))
    costs = _costs(study, planned, request)
    if title is None:
        skipped = len(planned) - len(costs)
        say(
            f"{study.name}, preset {preset}: {len(planned)} runs, {skipped} already finished; "
            f"{engine}; records in {folder}"
        )
        if costs:
            say(forecast.total(costs.values(), _share(request, len(costs))[0]))
    outcomes: list[Outcome] = []
    with _journal(request, folder, f"{study.name}, preset {preset}", labels, costs) as told:
        while todo := _due(study, preset, planned, outcomes):
            jobs = _jobs(todo, study, preset, request, engine.threads)
            names = {job.hash: labels[job.hash] for job in jobs}
            outcomes += _map(engine, jobs, names, costs, title, told)
            if engine.stopped_by is not None:
                break
    with suppress(OutputError):  # nobody reads any more; the code still says how it ended
        _summarise(planned, outcomes, labels, title or f"{study.name}, preset {preset}")
    if engine.stopped_by is not None and any(o.status == record.UNFINISHED for o in outcomes):
        by_user = engine.stopped_by == signal.SIGINT
        return Done(exit_code.SIGINT if by_user else exit_code.INTERRUPTED, stopped=True)
    return Done(_code(planned, outcomes), stopped=False)


def _costs(study: Study, planned: Sequence[_Planned], request: Request) -> dict[str, Cost]:
    """Forecast what each run that is not skipped will cost, by hash."""
    todo = [item for item in planned if not item.skipped]
    costs = forecast.forecast(study, [item.run for item in todo], (request.folder, PUBLISHED))
    return {item.path.name: cost for item, cost in zip(todo, costs, strict=True)}


def _engine(request: Request, runs: int) -> Engine:
    """Make the requested engine; a running cluster is limited by its own resources only."""
    workers, threads = _share(request, runs)
    if request.engine == "local":
        if request.address is not None or request.gpus:
            raise ConfigError("--address and --gpus need --engine ray")
        return LocalEngine(workers, threads, request.stall_seconds)
    from experiments.engine.ray_cluster import RayEngine

    if request.address is not None:
        workers, threads = request.workers, request.threads or 1
    return RayEngine(workers, threads, request.address, request.gpus)


def _share(request: Request, runs: int) -> tuple[int, int]:
    """Choose workers and threads: as many workers as runs and cores allow, sharing the cores."""
    for name in ("workers", "threads"):
        value = getattr(request, name)
        if value is not None and value < 1:
            raise ConfigError(f"--{name} {value}: expected at least 1")
    if not request.checkpoint_seconds >= 0:
        got = request.checkpoint_seconds
        raise ConfigError(f"--checkpoint-seconds {got}: expected 0 or more")
    if not request.stall_seconds > 0:
        raise ConfigError(f"--stall-seconds {request.stall_seconds}: expected more than 0")
    cores = provenance.available_cores()
    workers = min(request.workers or cores, max(runs, 1))
    return workers, request.threads or max(cores // workers, 1)


def _results_folder(path: Path, study: str) -> Path:
    """Make the study's folder and prove it writable before any work is done."""
    folder = path / study
    if folder.is_symlink():
        raise ConfigError(f"{folder} is a symbolic link; link the whole results folder if you must")
    try:
        durable.make_folder(folder)
        probe = folder / f".probe.{secrets.token_hex(4)}"
        durable.write_bytes(probe, b"\n")
        durable.remove(probe)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        if error.errno in (errno.EEXIST, errno.ENOTDIR):
            reason = "something on the way to it is a file, not a folder"
        raise ConfigError(
            f"cannot write records in {folder}: {reason}; choose with --results"
        ) from error
    return folder


def _plan(study: Study, run: Run, folder: Path, request: Request) -> _Planned:
    path = folder / study.hash(run)
    try:
        held = Record.open(path, run)
    except (FileNotFoundError, CorruptRecordError):  # the worker moves a corrupt record aside
        return _Planned(run, path, None, over=False)
    return _Planned(run, path, held, over=_starts_over(held, study, request))


def _starts_over(held: Record, study: Study, request: Request) -> bool:
    if request.rerun == "stale":
        try:
            return source.stale(held, study.file, request.threads) != []
        except RejectedFileError:
            return True
    return request.rerun == "all" or (request.rerun == "failed" and held.status == record.FAILED)


def _due(
    study: Study, preset: str, planned: Sequence[_Planned], outcomes: Sequence[Outcome]
) -> list[_Planned]:
    """List the runs that a searching study wants next and that this command has not tried."""
    tried = {outcome.hash for outcome in outcomes}
    waiting = [item for item in planned if not item.skipped and item.path.name not in tried]
    if not waiting or not study.searches:
        return waiting
    done = {outcome.hash for outcome in outcomes if outcome.status in record.FINISHED}
    held = {item.run: item.held for item in planned if item.skipped and item.held}
    ended = [item for item in planned if item.path.name in done]
    held |= {item.run: Record.open(item.path, item.run) for item in ended}
    due = set(study.due(preset, [item.run for item in planned], held))
    return [item for item in waiting if item.run in due]


def _jobs(
    todo: Sequence[_Planned], study: Study, preset: str, request: Request, threads: int
) -> list[Job]:
    facts = {**provenance.collect(), "threads": threads} if todo else {}
    return [
        Job(
            study=study.locator,
            run=canonical(item.run),
            hash=item.path.name,
            preset=preset,
            settings=request.overrides,
            folder=str(item.path),
            over=item.over,
            force=request.force,
            checkpoint_seconds=request.checkpoint_seconds,
            provenance=facts,
            log=tuple(dict.fromkeys(request.log)),
            guest=request.mixer,
        )
        for item in todo
    ]


def _dry_run(study: Study, preset: str, runs: Sequence[Run], request: Request) -> int:
    """List the runs and their status, and estimate the cost of the rest; nothing is written."""
    planned = [_plan(study, run, request.folder / study.name, request) for run in runs]
    published = {path.name for path in shelf.records(PUBLISHED / study.name)}
    todo = [item.run for item in planned if not item.skipped]
    known = iter(forecast.forecast(study, todo, (request.folder, PUBLISHED)))
    costs = [forecast.Cost(None) if item.skipped else next(known) for item in planned]
    states = [
        str(item.status)
        if item.skipped
        else item.status or ("published" if item.path.name in published else "to run")
        for item in planned
    ]
    forecast.listed(runs, states, costs)
    workers, _ = _share(request, len(todo))
    rest = [cost for item, cost in zip(planned, costs, strict=True) if not item.skipped]
    say(
        f"{study.name}, preset {preset}: {len(runs)} runs, {len(runs) - len(todo)} finished in "
        f"{request.folder}; {forecast.total(rest, workers)}"
    )
    return exit_code.OK


def _map(
    engine: Engine,
    jobs: Sequence[Job],
    labels: dict[str, str],
    costs: dict[str, Cost],
    title: str | None,
    told: journal.Journal | None,
) -> list[Outcome]:
    if not jobs:
        return []
    known = {job.hash: s for job in jobs if job.hash in costs and (s := costs[job.hash].seconds)}
    with progress.reporter(labels, sys.stdout, known, title) as reporter:

        def hear(event: dict[str, Any]) -> None:
            if told is not None:
                told.on_event(event, reporter.seconds_left())
            reporter.on_event(event)

        return engine.map(jobs, hear)


def _journal(
    request: Request, folder: Path, title: str, labels: dict[str, str], todo: Collection[str]
) -> AbstractContextManager[journal.Journal | None]:
    """Keep a journal of the runs that are to be done, if one is wanted."""
    if not (request.live and todo):
        return nullcontext()
    return journal.kept(folder, title, {name: labels[name] for name in todo}, tell)


def _summarise(
    planned: Sequence[_Planned], outcomes: Sequence[Outcome], labels: dict[str, str], title: str
) -> None:
    statuses = _statuses(planned, outcomes)
    counts = {status: statuses.count(status) for status in dict.fromkeys(statuses)}
    say(f"{title}: " + ", ".join(f"{n} {s}" for s, n in counts.items()))
    _tell_unfinished([o for o in outcomes if o.status not in record.FINISHED and o.message], labels)
    if record.FAILED in counts:
        say("  for a traceback: python -m experiments show HASH; the same command tries them again")
    elif record.UNFINISHED in counts:
        say("  the same command goes on where they stopped")


def _tell_unfinished(outcomes: Sequence[Outcome], labels: dict[str, str]) -> None:
    """Name the unfinished runs: a few for each message, and the number of the others."""
    alike: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        alike.setdefault(outcome.message, []).append(outcome)
    for message, group in alike.items():
        for outcome in group[:_NAMED]:
            say(f"  {outcome.hash} {labels[outcome.hash]}: {message}")
        if len(group) > _NAMED:
            say(f"  and {len(group) - _NAMED} more: {message}")


def _statuses(planned: Sequence[_Planned], outcomes: Sequence[Outcome]) -> list[str]:
    skipped = [item.status for item in planned if item.skipped and item.status]
    return [*skipped, *(outcome.status for outcome in outcomes)]


def _code(planned: Sequence[_Planned], outcomes: Sequence[Outcome]) -> int:
    """Return the code of the gravest outcome; divergence counts only if every run diverged."""
    if _statuses(planned, outcomes) == [record.DIVERGED]:
        return exit_code.DIVERGED
    codes = {outcome.code for outcome in outcomes} - {exit_code.DIVERGED}
    order = (
        exit_code.ENVIRONMENT,
        exit_code.DATA,
        exit_code.FAILED,
        exit_code.USAGE,
        exit_code.INTERRUPTED,
    )
    return next((code for code in order if code in codes), exit_code.OK)
