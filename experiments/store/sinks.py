"""Sinks: copies of a run's metrics, sent to W&B or TensorBoard.

``metrics.jsonl`` stays the authoritative record. Each sink works in its own thread, so that neither
an error in it nor a failing network can stop or slow a run: the first failure is reported in one
warning, and the run continues without that sink. A sink that hangs at the end of a run is left out
of the following runs too. The packages are extras, imported only when needed::

    uv sync --package experiments --extra wandb        WANDB_MODE=offline writes to disk alone
    uv sync --package experiments --extra tensorboard  uvx tensorboard --logdir results
"""

from __future__ import annotations

import importlib
import importlib.util
import queue
import sys
import threading
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

Name = Literal["wandb", "tensorboard"]
_PACKAGES = {"wandb": "wandb", "tensorboard": "tensorboardX"}
_CLOSE_SECONDS = 30.0
_hung: set[str] = set()  # sinks that did not finish in time in this process


class Sink(Protocol):
    """Receives metrics besides the record."""

    def log(self, step: int, metrics: Mapping[str, float | str]) -> None:
        """Send one line of metrics."""
        ...

    def close(self) -> None:
        """Send everything that was not sent yet."""
        ...


def require(names: Sequence[str]) -> None:
    """Check that the packages of the sinks are installed; called before any work.

    Raises
    ------
    ModuleNotFoundError
        If a package is missing; the error has its name.
    """
    for name in names:
        if missing(name):
            package = _PACKAGES[name]
            raise ModuleNotFoundError(f"--log {name} needs {package}", name=package)


def missing(name: str) -> bool:
    """Whether the package that a sink needs is not installed."""
    package = _PACKAGES[name]
    if package in sys.modules:
        return sys.modules[package] is None
    return importlib.util.find_spec(package) is None


class Sinks:
    """The sinks of one run.

    Parameters
    ----------
    names
        Names of the sinks; usually none.
    folder
        The record's folder; its name identifies the run.
    description
        Study, version and run, as in ``run.json``.
    report
        Receives warnings.
    """

    def __init__(
        self,
        names: Sequence[str],
        folder: Path,
        description: Mapping[str, Any],
        report: Callable[[dict[str, Any]], None],
    ) -> None:
        self._names = tuple(name for name in names if name not in _hung)
        self._folder, self._description = folder, description
        self._report = report
        self._feeds: list[_Feed] = []

    def begin(self, resumed_from: int | None) -> None:
        """Open the sinks; a resumed run sends lines after the resumed step again."""
        first = 0 if resumed_from is None else resumed_from + 1

        def opener(name: str) -> Callable[[], Sink]:
            return lambda: SINKS[name](self._folder, self._description, first)

        self._feeds = [_Feed(name, opener(name), self._report) for name in self._names]

    def log(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Send one line; lists become one entry per element (``position_accuracy/3``)."""
        if self._feeds:
            flat = dict(_flat(metrics))
            for feed in self._feeds:
                feed.send(step, flat)

    def close(self) -> None:
        """Wait a limited time for the sinks to finish; called when the record is sealed."""
        for feed in self._feeds:
            feed.end()
        for feed in self._feeds:
            feed.wait()
        self._feeds = []


class _Feed:
    """One sink and its thread; the run's thread reports a failure there, once."""

    def __init__(
        self, name: str, open_sink: Callable[[], Sink], report: Callable[[dict[str, Any]], None]
    ) -> None:
        self._name, self._open, self._report = name, open_sink, report
        self._lines: queue.SimpleQueue[tuple[int, Mapping[str, Any]] | None] = queue.SimpleQueue()
        self._failure: BaseException | None = None
        self._reported = False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def send(self, step: int, metrics: Mapping[str, Any]) -> None:
        self._tell()
        if not self._reported:
            self._lines.put((step, metrics))

    def end(self) -> None:
        self._lines.put(None)

    def wait(self) -> None:
        self._thread.join(_CLOSE_SECONDS)
        if self._thread.is_alive() and self._failure is None and not self._reported:
            self._reported = True
            _hung.add(self._name)
            text = (
                f"--log {self._name} stopped: it did not finish within {_CLOSE_SECONDS:.0f} s, and "
                "is left out from now on; the records have everything"
            )
            self._report({"event": "warning", "hung_sink": self._name, "text": text})
        self._tell()

    def _tell(self) -> None:
        if self._failure is not None and not self._reported:
            self._reported = True
            reason = (str(self._failure).splitlines() or [""])[0]
            text = f"{type(self._failure).__name__}: {reason}; the record has everything"
            self._report({"event": "warning", "text": f"--log {self._name} stopped: {text}"})

    def _work(self) -> None:
        try:
            sink = self._open()
            try:
                while (line := self._lines.get()) is not None:
                    sink.log(*line)
            finally:
                sink.close()
        except BaseException as error:  # a library may well raise SystemExit
            self._failure = error


class TensorBoard:
    """Event files in the record's own folder, under ``tensorboard``."""

    def __init__(self, folder: Path, description: Mapping[str, Any], first_step: int) -> None:
        writer = importlib.import_module("tensorboardX").SummaryWriter
        # Its files are named by the second: two sessions within one second would share a file.
        suffix = f".{first_step:09d}"
        path = str(folder / "tensorboard")
        self._writer = writer(path, purge_step=first_step, filename_suffix=suffix)

    def log(self, step: int, metrics: Mapping[str, float | str]) -> None:
        """Write numbers as scalars and strings as text."""
        for name, value in metrics.items():
            add = self._writer.add_text if isinstance(value, str) else self._writer.add_scalar
            add(name, value, step)

    def close(self) -> None:
        """Flush the file."""
        self._writer.close()


class WeightsAndBiases:
    """A W&B run whose id is the run's hash, in the project ``seqtheory``, grouped by study.

    ``WANDB_MODE=offline`` keeps it on disk, in the record's folder under ``wandb``;
    ``wandb sync FOLDER`` sends it later.
    """

    def __init__(self, folder: Path, description: Mapping[str, Any], first_step: int) -> None:
        wandb = importlib.import_module("wandb")
        self._run = wandb.init(
            project="seqtheory",
            group=str(description["study"]),
            id=folder.name,
            config=dict(description),
            dir=str(folder),
            resume="allow",
            reinit="create_new",
        )
        self._run.define_metric("*", step_metric="step")  # a resumed run sends some steps again

    def log(self, step: int, metrics: Mapping[str, float | str]) -> None:
        """Send a line, with the step as one of its values and as the axis of the others."""
        self._run.log({"step": step, **metrics})

    def close(self) -> None:
        """Send everything that was not sent yet."""
        self._run.finish()


SINKS: dict[str, Callable[[Path, Mapping[str, Any], int], Sink]] = {
    "tensorboard": TensorBoard,
    "wandb": WeightsAndBiases,
}


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, float | str]]:
    prefix = f"{name}/" if name else ""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{prefix}{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _flat(item, f"{prefix}{index}")
    elif value is not None:
        yield name, value
