"""The ``reproduce`` command: run randomly drawn published records again, and compare."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from experiments import exit_code, record
from experiments import study as studies
from experiments.commands.output import say
from experiments.engine.job import Job
from experiments.engine.local import LocalEngine
from experiments.exit_code import ConfigError
from experiments.record import Record
from experiments.report import attestation
from experiments.report.attestation import Attestation
from experiments.report.comparison import compare, headline
from experiments.store import provenance
from experiments.store.stored import ReadError
from experiments.study import PUBLISHED


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to run again; see ``python -m experiments reproduce --help``."""

    sample: int = 20
    seed: int = 0
    study: str | None = None
    minutes: float | None = None
    workers: int = 1
    attestations: Path = attestation.FOLDER


def reproduce(request: Request) -> int:
    """Draw records, run them again, and write an attestation of each rerun."""
    for name, value in (("sample", request.sample), ("workers", request.workers)):
        if value < 1:
            raise ConfigError(f"--{name} {value}: expected at least 1")
    if request.minutes is not None and not request.minutes > 0:
        raise ConfigError(f"--minutes {request.minutes}: expected more than 0")
    there = published(request.study)
    if not there:
        raise ConfigError(f"no published records in {PUBLISHED}: they are in the repository alone")
    facts = provenance.collect()
    drawn = draw(there, request.sample, request.seed, request.minutes)
    drawn.sort(key=lambda held: (_gpus(held) != facts["hardware"]["gpus"], seconds(held)))
    today = attestation.file_name(provenance.now(), facts["hardware"]["cpu"])
    path = request.attestations / today
    known = {each.hash for each in attestation.read(path)}
    todo = [held for held in drawn if held.hash not in known]
    say(
        f"{len(drawn)} of {len(there)} published records drawn by seed {request.seed}, "
        f"{len(drawn) - len(todo)} of them attested already in {path}"
    )
    with tempfile.TemporaryDirectory() as results:
        return _Reruns(todo, facts, path, Path(results)).run(request.workers)


def published(study: str | None = None) -> list[Record]:
    """List the published records of all studies of this package, or of one, without repetition."""
    found: dict[str, Record] = {}
    for each in map(studies.load, [study] if study else studies.names()):
        for preset in each.module.PRESETS:
            held = record.find(each.name, each.version, each.runs(preset), [PUBLISHED])
            found |= {one.hash: one for one in held}
    return list(found.values())


def draw(
    records: Sequence[Record], count: int, seed: int, minutes: float | None = None
) -> list[Record]:
    """Draw records at random, in rounds that take one record of every preset of every study.

    Every preset that has records is covered if `count` is at least the number of presets. With a
    budget, only records that took at most ``minutes / count`` are drawn; a preset in which all
    records took longer contributes its shortest one.

    Parameters
    ----------
    records
        To draw from.
    count
        Largest number of records to draw.
    seed
        Seed of the draw.
    minutes
        Budget for the sum of the recorded wall times of the drawn records; None for no limit.
    """
    chance, share = np.random.default_rng(seed), (minutes or float("inf")) * 60 / count
    groups: dict[tuple[str, str], list[Record]] = {}
    for held in sorted(records, key=lambda each: (seconds(each), each.hash)):
        groups.setdefault((held.study, held.provenance["preset"]), []).append(held)
    shuffled: list[list[Record]] = []
    for _, group in sorted(groups.items()):
        short = [held for held in group if seconds(held) <= share] or group[:1]
        shuffled.append([short[place] for place in chance.permutation(len(short))])
    rounds = [sorted(filter(None, row), key=seconds) for row in _transposed(shuffled)]
    return [held for row in rounds for held in row][:count]


def seconds(held: Record) -> float:
    """Wall time in the record, summed over its sessions."""
    return float(held.provenance["wall_seconds"])


def _transposed(groups: Sequence[Sequence[Record]]) -> Iterator[list[Record]]:
    for place in range(max(map(len, groups), default=0)):
        yield [group[place] for group in groups if place < len(group)]


@dataclass
class _Reruns:
    """The state of one command: the records still to run, and the time that they will take."""

    todo: list[Record]
    facts: dict[str, Any]
    path: Path
    results: Path
    started: float = field(default_factory=time.monotonic)
    began: dict[str, float] = field(default_factory=dict)
    done: list[Attestation] = field(default_factory=list)

    def run(self, workers: int) -> int:
        """Run all records again in order; only a signal stops the command early."""
        while waiting := [held for held in self.todo if held.hash not in self.began]:
            threads, alike = next(groupby(waiting, _threads))
            engine = LocalEngine(workers, threads)
            engine.map([self._job(held) for held in alike], self._heard)
            if engine.stopped_by is not None:
                say("stopped; the same command goes on with the records that are left")
                return exit_code.INTERRUPTED
        exact = sum(each.exact for each in self.done)
        say(f"{len(self.done)} reruns, {exact} agree to the digit")
        return exit_code.OK

    def _job(self, held: Record) -> Job:
        preset, threads = held.provenance["preset"], _threads(held)
        return Job(
            study=held.study,
            run=held.description["run"],
            hash=held.hash,
            preset=preset,
            settings=tuple(held.provenance["settings"]),
            folder=str(self.results / held.study / held.hash),
            over=False,
            force=False,
            checkpoint_seconds=1e9,
            provenance={**self.facts, "threads": threads},
        )

    def _heard(self, event: dict[str, Any]) -> None:
        """Handle an event of the engine; write an attestation if the event is an outcome."""
        if event["event"] == "started":
            self.began[event["hash"]] = time.monotonic()
        elif event["event"] == "outcome" and event["code"] != exit_code.INTERRUPTED:
            held = next(each for each in self.todo if each.hash == event["hash"])
            self.done.append(self._attested(held, event))
            attestation.append(self.path, self.done[-1])
            self._tell(self.done[-1])

    def _attested(self, held: Record, event: dict[str, Any]) -> Attestation:
        status, message, numbers = event["status"], event["message"], None
        try:
            rerun = Record.open(self.results / held.study / held.hash)
            if rerun.finished:
                numbers = compare(headline(held), headline(rerun))
        except (ValueError, ReadError, FileNotFoundError) as error:
            status, message = "unreadable", str(error)
        git, hardware = self.facts["git"] or {}, self.facts["hardware"]
        return Attestation(
            date=provenance.now(),
            study=held.study,
            preset=held.provenance["preset"],
            hash=held.hash,
            published=_made(held),
            commit=git.get("commit"),
            dirty=git.get("dirty"),
            processor=hardware["cpu"],
            family=provenance.processor_family(),
            gpus=hardware["gpus"],
            threads=_threads(held),
            versions={"python": self.facts["python"], **self.facts["packages"]},
            seconds=round(time.monotonic() - self.began[held.hash], 1),
            status=status,
            message=message,
            numbers=numbers,
        )

    def _tell(self, found: Attestation) -> None:
        over = {each.hash for each in self.done}
        before = sum(seconds(held) for held in self.todo if held.hash in over)
        left = sum(seconds(held) for held in self.todo if held.hash not in over)
        minutes = left * (time.monotonic() - self.started) / max(before, 1e-9) / 60
        say(
            f"{len(self.done)}/{len(self.todo)} {found.study} {found.preset} {found.hash}: "
            f"{found.summary()}; {found.seconds:.0f} s, about {minutes:.0f} min left"
        )


def _threads(held: Record) -> int:
    return int(held.provenance["threads"])


def _gpus(held: Record) -> list[str]:
    return list(held.provenance["hardware"].get("gpus", []))


def _made(held: Record) -> dict[str, Any]:
    git, hardware = held.provenance["git"] or {}, held.provenance["hardware"]
    return {
        "status": held.status,
        "commit": git.get("commit"),
        "dirty": git.get("dirty"),
        "processor": hardware["cpu"],
        "gpus": _gpus(held),
        "seconds": seconds(held),
    }
