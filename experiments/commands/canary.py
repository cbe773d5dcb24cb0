"""The ``canary`` command: a few numbers of every study, to notice changes of its numerics.

One run of each study's preset ``smoke`` is made, and some of its headline numbers (see
`experiments.report.comparison`) are compared with the stored ones. Families of processors differ in
the last digits, so numbers are stored for each family.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments import exit_code
from experiments import study as studies
from experiments.commands.output import say
from experiments.engine.job import Job, Outcome
from experiments.engine.local import LocalEngine
from experiments.record import FINISHED, Record, decode, encode
from experiments.report.comparison import Comparison, compare, headline
from experiments.run import canonical
from experiments.store import durable, provenance, stored
from experiments.study import ROOT

FILE = ROOT.parent / "tests" / "experiments" / "canaries.json"
TOLERANCE = 1e-6
_PRESET = "smoke"
_MOST = 12  # numbers of one run
_WRITE = "python -m experiments canary --write"


@dataclass(frozen=True)
class Finding:
    """The result of one study's canary.

    Parameters
    ----------
    study
        The study's dotted name.
    numbers
        The numbers measured; empty if the run failed.
    reason
        Why the run failed, or why there is nothing to compare with; else empty.
    failed
        Whether the run failed although its framework and its data are present.
    since
        Commit at which the stored numbers were measured.
    comparison
        Comparison of the stored numbers with those measured; None if there was nothing to compare.
    """

    study: str
    numbers: dict[str, float]
    reason: str = ""
    failed: bool = False
    since: str = ""
    comparison: Comparison | None = None

    @property
    def changed(self) -> bool:
        """Whether a number is missing, or deviates by more than the tolerance."""
        if (held := self.comparison) is None:
            return self.failed
        return bool(held.missing) or (held.mixed is not None and held.mixed.deviation > TOLERANCE)

    def told(self) -> str:
        """Describe the result in one line, with what to do about it."""
        held = self.comparison
        if held is None:
            return f"{self.study}: {self.reason}"
        if not self.changed:
            return f"{self.study}: numerics unchanged since {self.since} ({held.compared} numbers)"
        if held.missing or held.mixed is None:
            what = f"changed: there is no {held.missing[0]} any more"
        else:
            what = f"changed by up to {held.mixed.deviation:.2g} ({held.mixed.metric})"
        return (
            f"{self.study}: numerics since {self.since} {what}; if that is meant, run {_WRITE} and "
            "name the figures that are to be made again in CHANGELOG.md"
        )


def canary(*, write: bool = False, file: Path = FILE) -> int:
    """Compare the numbers of every study that can run here with the stored ones, or store them."""
    found = findings(file)
    for each in found:
        say(each.told())
    if write:
        save(file, found)
        say(f"wrote {file}")
        return exit_code.OK
    return exit_code.FAILED if any(each.changed for each in found) else exit_code.OK


def findings(file: Path = FILE, names: Sequence[str] | None = None) -> list[Finding]:
    """Measure the named studies, or all of this package, and compare with the file."""
    family, held = provenance.processor_family(), _read(file)
    with tempfile.TemporaryDirectory() as results:
        jobs = [_job(name, Path(results)) for name in names or studies.names()]
        engine, outcomes = LocalEngine(1, 1), dict[str, Outcome]()
        while waiting := [job for job in jobs if job.hash not in outcomes]:
            ended = engine.map(waiting, lambda event: None)
            outcomes |= {each.hash: each for each in ended if each.message != "not started"}
            if engine.stopped_by is not None:
                raise KeyboardInterrupt
        return [
            _judged(job, outcomes[job.hash], held.get(job.study, {}).get(family)) for job in jobs
        ]


def _job(name: str, results: Path) -> Job:
    """Make the job of the last run of a study's smallest preset."""
    study = studies.load(name)
    run = study.runs(_PRESET)[-1]
    return Job(
        study=name,
        run=canonical(run),
        hash=study.hash(run),
        preset=_PRESET,
        settings=(),
        folder=str(results / name / study.hash(run)),
        over=False,
        force=False,
        checkpoint_seconds=1e9,
        provenance={"threads": 1},
    )


def _judged(job: Job, ended: Outcome, held: dict[str, Any] | None) -> Finding:
    """Compare the numbers of a finished job with the stored ones."""
    if ended.status not in FINISHED:
        failed = ended.code not in (exit_code.ENVIRONMENT, exit_code.DATA)  # neither is here
        return Finding(job.study, {}, f"could not be run: {ended.message}", failed=failed)
    found = list(headline(Record.open(Path(job.folder))).items())
    numbers = {f"{job.hash} {name}": value for name, value in found[:: -(-len(found) // _MOST)]}
    if held is None:
        family = provenance.processor_family()
        reason = f"no numbers of processors {family!r} are on file; {_WRITE} adds them"
        return Finding(job.study, numbers, reason)
    known = compare(held["numbers"], numbers)
    return Finding(job.study, numbers, since=held["commit"], comparison=known)


def _read(file: Path) -> dict[str, dict[str, Any]]:
    return decode(stored.read_json(file)) if file.is_file() else {}


def save(file: Path, found: Sequence[Finding]) -> None:
    """Store numbers that are new or changed; unchanged ones keep their commit.

    Parameters
    ----------
    file
        JSON file with the numbers, commit and versions of each study and family of processors.
    found
        The results of the canaries.
    """
    held, facts = _read(file), provenance.collect()
    versions = {"python": facts["python"], **provenance.library_versions()}
    commit = (facts["git"] or {}).get("commit", "no commit")[:8]
    for each in found:
        if each.numbers and (each.comparison is None or each.changed):
            entry = {"commit": commit, "versions": versions, "numbers": each.numbers}
            held.setdefault(each.study, {})[provenance.processor_family()] = entry
    durable.write_json(file, encode(dict(sorted(held.items()))))
