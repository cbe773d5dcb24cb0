"""What a results folder shows while runs go on: statuses, progress, last numbers, learning curves.

A number comes from a sealed record, from whole lines of a log, or from a file that is replaced in
one step, and is read anew each time: nothing is carried over from a run's earlier attempt. A run is
under way only while a process holds the lock of its record, or a living command says so.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from experiments import record
from experiments.commands.forecast import duration
from experiments.commands.labels import of_rows
from experiments.fields import leaves
from experiments.record import Record
from experiments.site import curves, plot
from experiments.site.figure import Panel
from experiments.site.run import failed
from experiments.site.template import render
from experiments.site.words import plain, slug, value
from experiments.store import journal, lock, shelf
from experiments.store.journal import Part, Told
from experiments.store.stored import ReadError

RUNNING, STOPPED, WAITING, DAMAGED = "running", "stopped", "waiting", "damaged"
ORDER = (RUNNING, record.FAILED, DAMAGED, STOPPED, WAITING, record.DIVERGED, record.DONE)
MOST_FIGURES = 4
_MOST_NUMBERS = 5
_PARTS = ("DONE", "failed.json", "metrics.jsonl", "notes.json", "run.json")


@dataclass(frozen=True)
class Run:
    """A run on the page.

    Parameters
    ----------
    id
        Its hash.
    study, label
        Its study, and what tells it from the study's other runs.
    status
        ``running``, ``stopped``, ``waiting``, ``damaged``, or the status of its record.
    share
        How much of it is done, from 0 to 1; None where that is not known.
    step
        Its last logged step.
    numbers
        The numbers of that step.
    message
        Why it failed, diverged or stopped.
    """

    id: str
    study: str
    label: str
    status: str
    share: float | None = None
    step: str = ""
    numbers: str = ""
    message: str = ""


@dataclass(frozen=True)
class Seen:
    """What was read of a record, and of which files that was."""

    identity: tuple[Any, ...]
    status: str
    settings: dict[str, Any] = field(default_factory=dict)
    step: str = ""
    numbers: str = ""
    message: str = ""


class Live:
    """The state of a results folder, read again where files have changed.

    Parameters
    ----------
    results
        The folder; it need not be there yet.
    """

    def __init__(self, results: Path) -> None:
        self.results = results
        self._seen: dict[Path, Seen] = {}
        self._drawn: dict[str, tuple[tuple[Any, ...], str]] = {}

    def state(self, chosen: Collection[str] = ()) -> dict[str, Any]:
        """Give all that the page shows, as plain values.

        Parameters
        ----------
        chosen
            Hashes of runs whose curves are drawn; of the first that run now if empty.
        """
        told, runs, paths = [], [], {}
        for folder in self._folders():
            journals = journal.read(folder)
            told += [(folder.name, each) for each in journals]
            found = self._runs(folder, journals)
            runs += found
            paths |= {run.id: folder / run.id for run in found}
        runs.sort(key=lambda run: ORDER.index(run.status))
        now = [run.id for run in runs if run.status == RUNNING]
        shown = [name for name in chosen if name in paths] or now[:MOST_FIGURES]
        counts = Counter(run.status for run in runs)
        return {
            "made": time.strftime("%H:%M:%S"),
            "counts": [[status, counts[status]] for status in ORDER if counts[status]],
            "commands": [_command(each, runs) for _, each in told if each.alive],
            "runs": [asdict(run) for run in runs],
            "figures": [self._figure(name, paths[name], runs) for name in shown],
        }

    def _folders(self) -> list[Path]:
        try:
            return shelf.study_folders(self.results)
        except ReadError:
            return []

    def _runs(self, folder: Path, journals: list[Told]) -> list[Run]:
        parts: dict[str, tuple[bool, Part]] = {}
        for told in journals:  # the word of a living command counts, then that of the newest
            for name, part in told.runs.items():
                if told.alive or not parts.get(name, (False,))[0]:
                    parts[name] = (told.alive, part)
        seen = {path.name: self._look(path) for path in _records(folder)}
        rows = {name: dict(leaves(each.settings)) for name, each in seen.items()}
        labels = dict(zip(rows, of_rows(list(rows.values())), strict=True))
        names = [*dict.fromkeys([*seen, *parts])]
        return [
            _run(folder, name, seen.get(name), parts.get(name), labels.get(name, ""))
            for name in names
            if archive_hash(name)
        ]

    def _look(self, path: Path) -> Seen:
        """Read a record unless its files are those that were read before."""
        identity = tuple(_identity(path / name) for name in _PARTS)
        held = self._seen.get(path)
        if held is None or held.identity != identity:
            held = self._seen[path] = _read(path, identity)
        return held

    def _figure(self, name: str, path: Path, runs: list[Run]) -> dict[str, str]:
        """Draw the learning curves of a run, unless they are drawn already."""
        label = next(run.label for run in runs if run.id == name)
        held = self._seen.get(path)
        identity = held.identity if held else ()
        if name not in self._drawn or self._drawn[name][0] != identity:
            drawing = plot.drawn(f"{name[:8]}: {label}", _panels(path))
            self._drawn[name] = identity, render("curves.html", figure=drawing, id=slug(name))
        return {"id": name, "html": self._drawn[name][1]}


def archive_hash(name: str) -> bool:
    """Whether a text is the name of a record."""
    return shelf.archive.HASH.fullmatch(name) is not None


def _records(folder: Path) -> list[Path]:
    """Folders of records; those in archives are finished, and nothing happens to them."""
    try:
        return [path for path in sorted(folder.iterdir()) if archive_hash(path.name)]
    except OSError:
        return []


def _identity(path: Path) -> tuple[int, int, int] | None:
    """Tell a content of a file from any other that it had or will have."""
    try:
        facts = path.lstat()
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns, facts.st_size


def _read(path: Path, identity: tuple[Any, ...]) -> Seen:
    try:
        held = Record.open(path)
        metrics, settings, message = held.metrics, held.description["run"], _message(held)
    except FileNotFoundError:  # begun, or moved aside, just now
        return Seen((), record.UNFINISHED)
    except record.UNREADABLE as error:
        return Seen(identity, DAMAGED, message=plain(str(error)))
    last = metrics[-1] if metrics else {}
    step = f"{last['step']:,}" if last else ""
    return Seen(identity, held.status, settings, step, _numbers(last), message)


def _panels(path: Path) -> list[Panel]:
    try:
        held = Record.open(path)
        return curves.panels(held.metrics, held.notes)
    except record.UNREADABLE:  # which the table of runs says
        return []


def _message(held: Record) -> str:
    if held.status == record.FAILED:
        text = failed(held)
    elif held.status == record.DIVERGED:
        text = f"step {held.divergence.get('step')}: {held.divergence.get('reason')}"
    else:
        text = ""
    return plain(text.partition("\n")[0])


def _numbers(line: Mapping[str, Any]) -> str:
    found = [
        f"{plain(name)} {value(held)}"
        for name, held in line.items()
        if name != "step" and isinstance(held, int | float) and not isinstance(held, bool)
    ]
    return ", ".join(found[:_MOST_NUMBERS])


def _run(
    folder: Path, name: str, seen: Seen | None, told: tuple[bool, Part] | None, label: str
) -> Run:
    alive, part = told or (False, None)
    status = _status(folder, name, seen, part if alive else None)
    share = part.share if part and alive and status == RUNNING else None
    message = seen.message if seen else ""
    if not message and part and status in (STOPPED, WAITING, RUNNING):
        message = plain(part.message)
    if not message and seen is None and status == STOPPED:
        message = "not begun"
    return Run(
        id=name,
        study=plain(folder.name),
        label=plain((part.label if part else "") or label) or name[:8],
        status=status,
        share=1.0 if status in record.FINISHED else share,
        step=seen.step if seen else "",
        numbers=seen.numbers if seen else "",
        message=message,
    )


def _status(folder: Path, name: str, seen: Seen | None, part: Part | None) -> str:
    """Tell how a run stands; `part` is the word of a living command."""
    if seen is not None and seen.status in (*record.FINISHED, DAMAGED):
        return seen.status
    begun = part is not None and part.state == journal.RUNNING
    if begun or lock.is_held(folder / f".{name}.lock"):
        return RUNNING
    if seen is not None:
        return record.FAILED if seen.status == record.FAILED else STOPPED
    return WAITING if part is not None and part.state == journal.WAITING else STOPPED


def _command(told: Told, runs: list[Run]) -> dict[str, Any]:
    """Tell how far a living command is."""
    status = {run.id: run.status for run in runs}
    ended = sum(status.get(name) in record.FINISHED for name in told.runs)
    at = time.strftime("%H:%M:%S", time.localtime(told.written))
    left = "time left not known yet"
    if told.seconds_left is not None:
        left = f"about {duration(told.seconds_left)} left"
    return {
        "title": plain(told.title),
        "done": ended,
        "runs": len(told.runs),
        "left": f"{left}, as of {at}",
    }
