"""The ``bench`` command: from a model to its card, within a budget, resumed after a stop."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

from experiments import exit_code, guest, record
from experiments import study as studies
from experiments.arguments import Fields, Positional
from experiments.bench import measurements, size
from experiments.bench.baselines import BASELINES, NAMES, Baseline
from experiments.bench.cards import Card, Measurement
from experiments.bench.contract import Contract
from experiments.bench.measurements import BenchRun
from experiments.bench.parts import PARTS
from experiments.commands import forecast
from experiments.commands.output import say, tell
from experiments.commands.run import Request as RunRequest
from experiments.commands.run import carry_out
from experiments.exit_code import ConfigError
from experiments.record import Record
from experiments.store import provenance
from experiments.study import PUBLISHED, unknown

Preset = Literal["smoke", "quick", "full"]
Match = Literal["width", "parameters", "state"]
STUDY = "bench.measurements"


@dataclass(frozen=True, kw_only=True)
class Request:
    """Which model is measured, how much, and what stands beside it."""

    model: Positional[str]
    """FILE:NAME of a model of your own (my_model.py:GatedRecurrence), or the name of a baseline."""
    preset: Preset = "quick"
    """How much is measured: smoke in about a minute, quick in minutes, full in hours."""
    against: Fields = ()
    """Baselines beside it, with commas, or all; those that have records if left out. Where one
    that is named has none, it is run."""
    match: Match = "width"
    """What baselines agree with the model in; for parameters and state by the nearest width."""
    width: int | None = None
    """Channels; the preset's if left out."""
    depth: int = 1
    """Layers."""
    parts: Fields = tuple(PARTS)
    """Parts of the card, with commas."""
    minutes: float | None = None
    """Time that the parts may take; those that do not fit, by estimate, are left out and named."""
    workers: int | None = None
    """Processes at once; as many as there are cores if left out."""
    results: Path = Path("results")
    """Folder of the records; the card goes to RESULTS/bench/NAME."""

    @property
    def is_guest(self) -> bool:
        """Whether the model is of a file, and not a baseline."""
        return self.model not in BASELINES

    @property
    def channels(self) -> int:
        """Width asked for, or that of the preset."""
        return self.width or measurements.WIDTHS[self.preset]

    @property
    def folder(self) -> Path:
        """The results folder, as an absolute path."""
        return self.results.expanduser().absolute()


@dataclass(frozen=True)
class Subject:
    """One column of a card: a model at its width.

    Parameters
    ----------
    name
        Name in tables.
    runs
        Its runs, of the parts asked for.
    locator
        ``FILE:NAME`` of a guest; None for a baseline.
    """

    name: str
    runs: list[BenchRun]
    locator: str | None = None


def bench(request: Request) -> int:
    """Measure, write the card, print it, and return the exit code.

    Raises
    ------
    ConfigError
        If the request is wrong; nothing was run.
    """
    from rich.console import Console

    from experiments.bench import report

    made = _made(request)
    if isinstance(made, int):
        return made
    folder = request.folder / "bench" / _folder_name(made.model)
    for path in report.write(made, folder):
        tell(str(path))
    report.show(made, Console())
    return exit_code.OK


def card(model: object, preset: Preset = "quick", **options: Any) -> Card:
    """Measure a model and give its card: the command ``bench`` from Python.

    Parameters
    ----------
    model
        ``"my_model.py:GatedRecurrence"``, a class or a function that stands in a file, or the name
        of a baseline.
    preset
        How much is measured.
    options
        Further fields of `Request`: against, match, width, depth, parts, minutes, workers, results.

    Raises
    ------
    ConfigError
        If the request is wrong, or the runs did not end.
    """
    made = _made(Request(model=_locator(model), preset=preset, **options))
    if isinstance(made, int):
        raise ConfigError(f"the bench ended with exit code {made}; the same call goes on")
    return made


def _locator(model: object) -> str:
    """Say where a class or a function stands, as ``FILE:NAME``."""
    if isinstance(model, str):
        return model
    name = getattr(model, "__name__", "")
    try:
        file = inspect.getsourcefile(cast("Any", model))
    except TypeError:
        file = None
    if not file or not name.isidentifier() or not Path(file).is_file():
        raise ConfigError(
            f"{model!r} stands in no file, expected a class or a function of one, since the bench "
            "runs it in other processes: write it to a file and give FILE:NAME"
        )
    return f"{file}:{name}"


def _made(request: Request) -> Card | int:
    _check(request)
    study = studies.load(STUDY)
    try:
        subject = _subject(request)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"bench: {error}") from error
    say(f"{subject.name}: {len(subject.runs)} runs, preset {request.preset}")
    code = _run(request, subject, "contract")
    if code != exit_code.OK:
        return code
    left_out = _blocked(request, subject)
    subject, over = _within(request, study, without_parts(subject, left_out))
    left_out |= over
    for part in request.parts:
        code = exit_code.OK if part == "contract" else _run(request, subject, part)
        if code not in (exit_code.OK, exit_code.DIVERGED, exit_code.FAILED):
            return code
    beside = [_beside(request, study, subject, name) for name in _against(request)]
    for other in beside:
        if request.against and (code := _run(request, other, None)) != exit_code.OK:
            return code
    return _card(request, study, [subject, *beside], left_out)


def _check(request: Request) -> None:
    for part in request.parts:
        if part not in PARTS:
            raise ConfigError(unknown("part", part, list(PARTS)))
    for name in request.against:
        if name not in (*BASELINES, "all"):
            raise ConfigError(unknown("baseline", name, ["all", *BASELINES]))
    if request.minutes is not None and not request.minutes > 0:
        raise ConfigError(f"--minutes {request.minutes}: expected more than 0")
    if not request.is_guest or ":" in request.model:
        return
    raise ConfigError(
        unknown("baseline", request.model, list(BASELINES))
        + "; a model of your own is given as FILE:NAME, like my_model.py:Recurrence"
    )


def _subject(request: Request) -> Subject:
    parts = list(dict.fromkeys(["contract", *request.parts]))
    options: dict[str, Any] = {"width": request.width, "depth": request.depth}
    if not request.is_guest:
        model = cast("Baseline", request.model)
        runs = measurements.model_runs(request.preset, parts, model=model, **options)
        return Subject(NAMES[model], runs)
    found = guest.found(request.model)
    runs = measurements.model_runs(request.preset, parts, guest=found, **options)
    title = found.name
    if title in NAMES.values():  # a column of its own beside the baseline of that name
        title = f"{title} ({Path(request.model.rpartition(':')[0]).name})"
    return Subject(title, runs, request.model)


def without_parts(subject: Subject, parts: Iterable[str]) -> Subject:
    """Leave out the runs of some parts."""
    return replace(subject, runs=[run for run in subject.runs if run.part_name not in parts])


def _run(request: Request, subject: Subject, part: str | None) -> int:
    """Run what is not finished of a part, or of all of them."""
    runs = subject.runs if part is None else measurements.of_part(subject.runs, part)
    if not runs:
        return exit_code.OK
    how = RunRequest(
        study=STUDY,
        preset=request.preset,
        mixer=subject.locator,
        workers=1 if part == "cost" else request.workers,  # nothing else while time is taken
        threads=1,
        results=request.results,
    )
    title = f"{subject.name}, {part or 'all parts'}"
    done = carry_out(studies.load(STUDY), request.preset, runs, how, title=title)
    return done.code


def _blocked(request: Request, subject: Subject) -> dict[str, str]:
    """Say which parts mean nothing for a model that breaks its contract, and why."""
    (held,) = _records(request, subject, "contract")
    found = Contract.heard(held.notes["contract"])
    say(found.verdict)
    for finding in found.failed:
        say(f"  {finding.point}: {finding.seen}")
        say(f"    do: {finding.advice}")
    return {part: why for part, why in found.blocks.items() if part in request.parts}


def _within(request: Request, study: Any, subject: Subject) -> tuple[Subject, dict[str, str]]:
    """Leave out the parts that do not fit into the budget; say what all will cost."""
    if request.minutes is None:
        return subject, {}
    spare, over = 60 * request.minutes, dict[str, str]()
    for part in request.parts:
        runs = measurements.of_part(subject.runs, part)
        seconds = _seconds(request, study, runs)
        if seconds > spare:
            over[part] = f"about {forecast.duration(seconds)} do not fit into the budget"
            tell(f"{part} is left out: {over[part]}")
        else:
            spare -= seconds
    return without_parts(subject, over), over


def _seconds(request: Request, study: Any, runs: Sequence[BenchRun]) -> float:
    """Estimate what some runs will cost: by records of this model, else of Mamba."""
    folders = (request.folder, PUBLISHED)
    held = record.find(study.name, study.version, runs, [request.folder])
    there = {found.run for found in held}
    todo = [run for run in runs if run not in there]
    own = forecast.forecast(study, todo, folders)
    alike = [replace(run, model="mamba", guest=None) for run in todo]
    other = forecast.forecast(study, alike, folders)
    seconds = [a.seconds or b.seconds or 0.0 for a, b in zip(own, other, strict=True)]
    return sum(seconds) / (request.workers or provenance.available_cores())


def _against(request: Request) -> list[Baseline]:
    """List the baselines of a card; the model itself is none."""
    named = BASELINES if not request.against or "all" in request.against else request.against
    return [cast("Baseline", name) for name in named if name != request.model]


def _beside(request: Request, study: Any, subject: Subject, name: Baseline) -> Subject:
    """Give the runs of a baseline that agree with those of the model."""
    width = request.channels
    if request.match != "width":
        width = size.matched(subject.runs[0], name, request.match)
    runs = measurements.model_runs(
        request.preset, request.parts, model=name, width=width, depth=request.depth
    )
    title = NAMES[name] if request.match == "width" else f"{NAMES[name]}, width {width}"
    return Subject(title, runs)


def _records(request: Request, subject: Subject, part: str) -> list[Record]:
    study = studies.load(STUDY)
    runs = measurements.of_part(subject.runs, part)
    folders = (request.folder, PUBLISHED)
    found = record.find(study.name, study.version, runs, folders)
    return [held for held in found if held.finished]


def _card(
    request: Request, study: Any, subjects: Sequence[Subject], left_out: dict[str, str]
) -> Card:
    found: list[Measurement] = []
    for part in request.parts:
        for subject in subjects:
            records = _records(request, subject, part)
            made = PARTS[part].measured(records) if records else []
            found += [replace(m, model=subject.name) for m in made]
    held = {m.model for m in found}
    first, *others = subjects
    missing = [subject.name for subject in others if subject.name not in held]
    if missing:
        tell(
            f"no records of {', '.join(missing)} at this size: they are left out; --against names "
            "those that are to be run"
        )
    found += [_absent(first.name, part, why) for part, why in left_out.items()]
    return Card(
        model=first.name,
        preset=request.preset,
        width=request.channels,
        depth=request.depth,
        match=request.match,
        baselines=tuple(subject.name for subject in others if subject.name in held),
        measurements=tuple(sorted(found, key=lambda m: list(PARTS).index(m.part))),
        facts=_facts(request, study),
    )


def _absent(model: str, part: str, why: str) -> Measurement:
    return Measurement(
        part=part, item="all", metric="not measured", model=model, value=None, note=why
    )


def _facts(request: Request, study: Any) -> tuple[tuple[str, str], ...]:
    facts = provenance.collect()
    hardware = facts["hardware"]
    options = "".join(
        f" --{name} {value}"
        for name, value, default in (
            ("preset", request.preset, "quick"),
            ("match", request.match, "width"),
            ("width", request.width, None),
            ("depth", request.depth, 1),
        )
        if value != default
    )
    return (
        ("command", f"python -m experiments bench {_shown(request.model)}{options}"),
        ("seeds", str(measurements.SEEDS[request.preset])),
        ("commit", str(facts["git"]["commit"])[:12]),
        ("python", f"{sys.version_info.major}.{sys.version_info.minor}"),
        ("torch", str(facts["packages"].get("torch", "none"))),
        ("processor", f"{hardware['cpu']}, {hardware['cores']} cores, one thread a run"),
        ("version of the bench", str(study.version)),
        ("date", datetime.now(UTC).date().isoformat()),
    )


def _shown(model: str) -> str:
    """Name the model as the command did, without the folders of this machine."""
    file, colon, name = model.rpartition(":")
    return f"{Path(file).name}:{name}" if colon else model


def _folder_name(model: str) -> str:
    kept = "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in model)
    return kept.strip("._") or "model"
