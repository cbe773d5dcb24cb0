"""The Ray engine: each job is a task of a Ray cluster, started here or running already.

Records are in a folder that all machines share, and equal those of the local engine. Workers
coordinate only through a record's lock and checkpoints: a run whose worker was lost is submitted
again and resumes from its last checkpoint.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import re
import shlex
import signal
import socket
import sys
import time
from collections import Counter, deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.engine.job import Job, Outcome
from experiments.engine.local import HungSinks, thread_environment, while_heard
from experiments.engine.ray_task import Board, work
from experiments.engine.signals import Signals
from experiments.exit_code import ENVIRONMENT, FAILED, INTERRUPTED, ConfigError
from experiments.record import UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments.engine.local import OnEvent

_LOSSES = 3  # a run is given up after it has lost its worker this many times
_SECONDS = 0.2
_START_SECONDS = 120.0  # time in which the first worker of a sweep must start
_OBJECT_STORE = 80 * 2**20  # bytes; only jobs and outcomes are sent


class RayEngine:
    """Tasks on a Ray cluster.

    Parameters
    ----------
    workers
        Number of runs at once; None for no limit but the cluster's resources.
    threads
        Number of CPUs that each run takes, and of threads that each library in it may use.
    address
        Address of a running cluster, ``host:port`` or ``auto``; None starts a cluster on this
        machine that listens on loopback only.
    gpus
        GPUs that each run takes: a fraction below 1, or a whole number. Other GPUs are hidden from
        it.

    Raises
    ------
    ImportError
        If Ray is not installed.
    ConfigError
        If the address or the number of GPUs is invalid.
    """

    def __init__(self, workers: int | None, threads: int, address: str | None, gpus: float) -> None:
        if not gpus >= 0 or (gpus > 1 and gpus % 1 != 0):
            raise ConfigError(f"--gpus {gpus:g}: expected a fraction below 1, or a whole number")
        if address not in (None, "auto") and not re.fullmatch(r"[^:/]+:\d{1,5}", address):
            raise ConfigError(f"--address {address}: expected host:port or auto")
        self.workers, self.threads, self.address, self.gpus = workers, threads, address, gpus
        self.stopped_by: int | None = None
        self._ray = _import_ray(alone=address is None)

    def __str__(self) -> str:
        place = self.address or "this machine"
        runs = "" if self.workers is None else f"workers {self.workers}, "
        return f"Ray on {place} ({runs}threads {self.threads}, GPUs {self.gpus:g} per run)"

    def map(self, jobs: Sequence[Job], on_event: OnEvent) -> list[Outcome]:
        """Run the jobs and return one outcome for each, in order.

        Raises
        ------
        ConfigError
            If no cluster answers at the address, or it has no room for a single run.
        KeyboardInterrupt
            At the second SIGINT; Ray ends the tasks with the command.
        """
        sweep = _Sweep(self, self._ray, jobs, on_event)
        with Signals(sweep.stop) as signals:
            try:
                self._connect()
                signals.again()  # Ray has replaced the handler of SIGTERM
                self._check_room(on_event)
                outcomes = sweep.run()
            finally:
                self._ray.shutdown()
        self.stopped_by = signals.received
        return outcomes

    def task_options(self) -> dict[str, Any]:
        """Options of each Ray task: resources, and no retries, which this engine does itself."""
        return {"num_cpus": self.threads, "num_gpus": self.gpus, "max_retries": 0}

    def _connect(self) -> None:
        quiet = {"log_to_driver": False, "logging_level": "CRITICAL"}
        environment = {"env_vars": self._environment()}
        if self.address is not None:
            try:
                if self.address != "auto":
                    _knock(self.address)
                self._ray.init(address=self.address, runtime_env=environment, **quiet)
            except (OSError, RuntimeError, ValueError) as error:
                reason = (str(error).splitlines() or [""])[0]
                raise ConfigError(f"--address {self.address}: no Ray cluster ({reason})") from error
            return
        self._ray.init(
            address="local",
            num_cpus=(self.workers or 1) * self.threads,
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE,
            # Ray passes the name to a shell unquoted, and a name with a space would start nothing.
            runtime_env={**environment, "py_executable": shlex.quote(sys.executable)},
            **quiet,
        )

    def _environment(self) -> dict[str, str]:
        """Environment of the tasks: number of threads, and JAX's share of a GPU's memory."""
        environment = thread_environment(self.threads)
        if self.gpus == 0:
            environment["CUDA_VISIBLE_DEVICES"] = ""
        elif self.gpus < 1:
            environment["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{0.9 * self.gpus:.3f}"
        return environment

    def _check_room(self, on_event: OnEvent) -> None:
        """Warn if no machine has room for one run, for which Ray would wait for ever in silence."""
        needed = {"CPU": self.threads, "GPU": self.gpus}
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        if any(all(node.get(k, 0) >= v for k, v in needed.items()) for node in nodes):
            return
        text = f"no machine of the cluster has {self.threads} CPUs and {self.gpus:g} GPUs for a run"
        if self.address is None:
            raise ConfigError(text)
        on_event({"event": "warning", "text": f"{text}; waiting until one has"})


class _Sweep:
    """The state of one `map`: jobs waiting, tasks under way, outcomes so far."""

    def __init__(self, engine: RayEngine, ray: Any, jobs: Sequence[Job], on_event: OnEvent) -> None:
        self._engine, self._ray = engine, ray
        self._on_event = while_heard(on_event, lambda: self.stop(signal.SIGTERM))
        self._order = [job.hash for job in jobs]
        self._waiting = deque(jobs)
        self._tasks: dict[Any, Job] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._started: set[str] = set()
        self._losses: Counter[str] = Counter()
        self._sinks = HungSinks()
        self._before = {job.hash: _provenance(job) for job in jobs if job.over}
        self._stopping = False

    def stop(self, _: int) -> None:
        """Start no further task, and ask the running ones to write a checkpoint."""
        self._stopping = True

    def run(self) -> list[Outcome]:
        board = self._ray.remote(Board).options(num_cpus=0, **self._here()).remote()
        perform = self._ray.remote(**self._engine.task_options())(work)
        self._await(board)
        while self._submit(perform, board):
            count = len(self._tasks)
            ready, _ = self._ray.wait(list(self._tasks), num_returns=count, timeout=_SECONDS)
            stopping = self._stopping
            for event in self._ray.get(board.take.remote(stopping)):
                self._tell(event)
            if stopping:  # from here on, a task that begins reads it on the board
                self._withdraw()
            for task in ready:
                self._settle(task, self._tasks.pop(task))
        missing = Outcome("", UNFINISHED, INTERRUPTED, "not started")
        return [
            self._outcomes.get(name) or dataclasses.replace(missing, hash=name)
            for name in self._order
        ]

    def _await(self, board: Any) -> None:
        """Wait until Ray has started the board, or until a stop was requested."""
        asked, end = board.take.remote(False), time.monotonic() + _START_SECONDS
        while not self._stopping and not self._ray.wait([asked], timeout=_SECONDS)[0]:
            if time.monotonic() > end:
                raise ConfigError(
                    f"Ray started no worker on this machine within {_START_SECONDS:.0f} s; "
                    "what its workers said is in the newest folder below /tmp/ray"
                )

    def _here(self) -> dict[str, Any]:
        """Keep the board on the command's machine, without which the sweep ends anyway."""
        strategies = importlib.import_module("ray.util.scheduling_strategies")
        node = self._ray.get_runtime_context().get_node_id()
        strategy = strategies.NodeAffinitySchedulingStrategy(node, soft=False)
        return {"scheduling_strategy": strategy}

    def _submit(self, perform: Any, board: Any) -> bool:
        """Submit as many jobs as allowed; return whether any task is under way."""
        limit = 0 if self._stopping else self._engine.workers or len(self._order)
        while self._waiting and len(self._tasks) < limit:
            job = self._sinks.left_out_of(self._waiting.popleft())
            title = f"{Path(job.study).name} {job.hash}"  # what `ps` shows
            task = perform.options(name=title).remote(job, board)
            self._tasks[task] = job
        return bool(self._tasks)

    def _withdraw(self) -> None:
        """Cancel the tasks that no worker has begun."""
        self._waiting.clear()
        for task, job in self._tasks.items():
            if job.hash not in self._started:
                self._ray.cancel(task)

    def _tell(self, event: dict[str, Any]) -> None:
        if event["event"] == "started":
            if event["hash"] in self._started:  # this worker replaces a lost one
                return
            self._started.add(event["hash"])
        if self._sinks.is_news(event):
            self._on_event(event)

    def _settle(self, task: Any, job: Job) -> None:
        errors = self._ray.exceptions
        lost = (
            errors.WorkerCrashedError,
            errors.NodeDiedError,
            errors.LocalRayletDiedError,
            errors.OutOfMemoryError,
            errors.ObjectLostError,
        )
        try:
            outcome = self._ray.get(task)
        except errors.TaskCancelledError:
            return
        except lost as error:
            return self._lost(job, type(error).__name__)
        except errors.RayError as error:
            outcome = Outcome(job.hash, UNFINISHED, ENVIRONMENT, _last_line(error))
        self._finish(outcome)

    def _lost(self, job: Job, how: str) -> None:
        """Submit again the run of a worker that died."""
        self._losses[job.hash] += 1
        if self._stopping:
            return self._finish(Outcome(job.hash, UNFINISHED, INTERRUPTED, f"lost ({how})"))
        if self._losses[job.hash] > _LOSSES:
            text = f"its worker was lost {self._losses[job.hash]} times ({how})"
            return self._finish(Outcome(job.hash, UNFINISHED, FAILED, text))
        text = f"{job.hash[:8]}: its worker was lost ({how}); another goes on with it"
        self._on_event({"event": "warning", "text": text})
        begun = job.over and _provenance(job) != self._before[job.hash]
        self._waiting.appendleft(dataclasses.replace(job, over=False) if begun else job)

    def _finish(self, outcome: Outcome) -> None:
        self._outcomes[outcome.hash] = outcome
        self._on_event({"event": "outcome", **dataclasses.asdict(outcome)})
        if outcome.code == ENVIRONMENT:  # every other run would fail in this way
            self._withdraw()


def _import_ray(*, alone: bool) -> Any:
    """Set the environment variables that Ray reads at import, then import it."""
    os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"  # it would build an environment per worker
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # `_environment` does it
    if alone:  # as on Windows and macOS: the node's address is 127.0.0.1, and so its servers'
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    return importlib.import_module("ray")


def _knock(address: str) -> None:
    """Raise at once if nothing listens at an address, which Ray would try for minutes."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10):
        pass


def _provenance(job: Job) -> bytes:
    """Content of the record's provenance, which changes as soon as a run begins."""
    try:
        return (Path(job.folder) / "provenance.json").read_bytes()
    except OSError:
        return b""


def _last_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1].strip() if lines else ''}"
