"""Every file-system call of a run fails, or is the process's last, each in its turn.

``python system_calls.py SITUATION FAULT FOLDER`` prints one JSON line per call: which call it was,
how the disturbed run ended, and whether the next run left the very record of an undisturbed one.

Faults are put into `os` and `io`, through which all of Python's own file access goes, for paths
below FOLDER alone. Each case is a forked child: the parent has imported everything and touches no
record. What costs time and tells nothing here is spared: no call waits for the disk, since a killed
process takes no power with it, and the files of the house are read once.
"""

from __future__ import annotations

import builtins
import dataclasses
import errno
import functools
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from experiments.engine.job import Job, Outcome, StopFlag, perform
from experiments.record import Record
from experiments.store import source
from experiments.study import load
from seqtheory.plain import described

STUDY = Path(__file__).with_name("noted_study.py")
KILLED = 137
PATHS = [
    "open",
    "mkdir",
    "rmdir",
    "unlink",
    "remove",
    "rename",
    "replace",
    "stat",
    "lstat",
    "scandir",
    "listdir",
    "truncate",
    "readlink",
]
DESCRIPTORS = ["read", "write", "fsync", "close", "fstat", "ftruncate"]
OPENING = {"open", "scandir", "listdir"}
WRITING = {"open", "write", "fsync", "close", "mkdir", "rename", "replace", "truncate", "ftruncate"}


@dataclasses.dataclass(frozen=True)
class Fault:
    """What befalls a call, and the names of the calls that it can befall; none are all."""

    calls: frozenset[str]
    strike: Callable[[], None]


class Disturbed:
    """Stands in for the calls of `os` and `io`, counts those below a folder and disturbs one.

    Parameters
    ----------
    folder
        Only calls on paths below it, or on files opened there, count.
    at
        Number of the call that is disturbed, from 1; 0 for none.
    fault
        What befalls it.
    """

    def __init__(self, folder: Path, at: int, fault: Fault) -> None:
        self.folder, self.at, self.fault = str(folder), at, fault
        self.count, self.call = 0, ""
        self.descriptors: set[int] = set()

    def install(self) -> None:
        for name in PATHS:
            setattr(os, name, self._on_path(name, getattr(os, name)))
        for name in DESCRIPTORS:
            setattr(os, name, self._on_descriptor(name, getattr(os, name)))
        io.open = builtins.open = self._on_path("open", io.open)

    def _on_path(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def disturbed(path: Any, *arguments: Any, **options: Any) -> Any:
            ours = self._ours(path, options.get("dir_fd"))
            if ours:
                self._counted(name, path)
            found = call(path, *arguments, **options)
            if ours and isinstance(found, int):
                self.descriptors.add(found)
            return found

        return disturbed

    def _on_descriptor(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def disturbed(descriptor: int, *arguments: Any) -> Any:
            if descriptor in self.descriptors:
                if name == "close":  # a failed close has closed all the same
                    self.descriptors.discard(descriptor)
                    call(descriptor)
                    self._counted(name, descriptor)
                    return None
                self._counted(name, descriptor)
            return call(descriptor, *arguments)

        return disturbed

    def _ours(self, path: Any, folder: int | None) -> bool:
        if isinstance(path, int):
            return path in self.descriptors
        if folder is not None:
            return folder in self.descriptors
        return isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith(self.folder)

    def _counted(self, name: str, where: object) -> None:
        if self.fault.calls and name not in self.fault.calls:
            return
        self.count += 1
        if self.count == self.at:
            self.call = f"{name} {str(where).removeprefix(self.folder)}"
            self.fault.strike()


def fault(name: str) -> Fault:
    """Death of the process, or an error, at the calls that can meet it."""
    if name == "kill":
        return Fault(frozenset(), killed)
    calls = {"EIO": set(), "ENOSPC": WRITING, "EMFILE": OPENING}[name]
    return Fault(frozenset(calls), lambda: failing(getattr(errno, name)))


def killed() -> None:
    os._exit(KILLED)


def failing(number: int) -> None:
    raise OSError(number, os.strerror(number))


def job(folder: Path, *, over: bool = False) -> Job:
    study = load(str(STUDY))
    (run,) = study.runs("smoke")
    name = study.hash(run)
    return Job(
        study=str(STUDY),
        run=described(run),
        preset="smoke",
        settings=(),
        hash=name,
        folder=str(folder / name),
        over=over,
        force=False,
        checkpoint_seconds=0.0,
        provenance={},
    )


class StopAfter(StopFlag):
    """Asks for a stop after it was asked about one so often."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times

    def asked(self) -> bool:
        self.left -= 1
        return self.left < 0


SITUATIONS: dict[str, Callable[[Path], Job]] = {}


def situation(prepare: Callable[[Path], Job]) -> Callable[[Path], Job]:
    SITUATIONS[prepare.__name__] = prepare
    return prepare


@situation
def fresh(folder: Path) -> Job:
    return job(folder)


@situation
def interrupted(folder: Path) -> Job:
    """A run that was stopped after its first step, whose checkpoint waits."""
    assert perform(job(folder), ignored, StopAfter(1)).status == "unfinished"
    return job(folder)


@situation
def finished(folder: Path) -> Job:
    """A finished record that is to be made anew (``--rerun all``)."""
    assert perform(job(folder), ignored, StopFlag()).status == "done"
    return job(folder, over=True)


@situation
def kept(folder: Path) -> Job:
    """A finished record that there is no reason to touch."""
    assert perform(job(folder), ignored, StopFlag()).status == "done"
    return job(folder)


def ignored(event: dict[str, Any]) -> None:
    """Nobody listens."""


def in_child(work: Callable[[], Any]) -> tuple[int, Any]:
    """Exit code of a forked child that does `work`, and what that returned."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.close(reading)
        answer = json.dumps(work()).encode()
        os.write(writing, answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        answer = stream.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), json.loads(answer) if answer else None


def disturbed_run(work: Job, root: Path, at: int, fault: Fault) -> dict[str, Any]:
    disturbance = Disturbed(root, at, fault)
    disturbance.install()
    outcome: Outcome = perform(work, ignored, StopFlag())
    return {"count": disturbance.count, "call": disturbance.call, **dataclasses.asdict(outcome)}


def contents(folder: Path) -> dict[str, str]:
    """Every file of a record but those that hold times; opening it checks each against its seal."""
    Record.open(folder)
    return {
        path.name: path.read_bytes().hex()
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name not in ("provenance.json", "DONE")
    }


def compared(work: Job, expected: dict[str, str]) -> str:
    """Perform the job undisturbed and say what is not as it should be."""
    outcome = perform(dataclasses.replace(work, over=False), ignored, StopFlag())
    if outcome.status != "done":
        return f"the next run ended as {outcome.status}: {outcome.message}"
    found = contents(Path(work.folder))
    wrong = [name for name in expected | found if expected.get(name) != found.get(name)]
    left = [path.name for path in Path(work.folder).rglob("*.tmp")]
    return f"differ: {wrong}" * bool(wrong) + f"left over: {left}" * bool(left)


def cases(name: str, fault: Fault, root: Path) -> Iterator[dict[str, Any]]:
    """Disturb call after call until a run comes to its end without meeting the fault."""
    prepare = SITUATIONS[name]
    undisturbed = root / "undisturbed"
    perform(job(undisturbed), ignored, StopFlag())
    expected = contents(Path(job(undisturbed).folder))
    prepared, folder = root / "prepared", root / "case"
    prepared.mkdir()
    over = prepare(prepared).over
    work = job(folder, over=over)
    for at in range(1, 10_000):
        shutil.copytree(prepared, folder)
        code, ended = in_child(lambda at=at: disturbed_run(work, folder, at, fault))
        if ended is not None and ended["count"] < at:
            return
        aside = [path.name for path in folder.rglob("*.corrupt*")]  # whatever fails, it was whole
        wrong = f"moved aside: {aside}" if aside else in_child(lambda: compared(work, expected))[1]
        yield {"at": at, "code": code, **(ended or {"status": "killed"}), "wrong": wrong}
        shutil.rmtree(folder)


def main() -> None:
    """Print a line per case."""
    name, what, root = sys.argv[1:]
    os.fsync = lambda descriptor: None
    source.content = functools.cache(source.content)
    for case in cases(name, fault(what), Path(root).resolve()):
        print(json.dumps(case), flush=True)


if __name__ == "__main__":
    main()
