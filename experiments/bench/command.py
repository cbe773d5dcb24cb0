"""The ``bench`` command: from a model to its card, within a budget, resumed after a stop."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from experiments import exit_code, record
from experiments import study as studies
from experiments.bench import measurements
from experiments.bench.assembly import assembled, folder_name, records_of
from experiments.bench.cards import Card
from experiments.bench.contract import Contract
from experiments.bench.measurements import BenchRun
from experiments.bench.parts import PARTS
from experiments.bench.request import (
    Preset,
    Request,
    Subject,
    against,
    beside_of,
    check,
    subject_of,
    without_parts,
)
from experiments.commands import forecast
from experiments.commands.output import say, tell
from experiments.commands.run import Request as RunRequest
from experiments.commands.run import carry_out
from experiments.exit_code import ConfigError
from experiments.store import provenance
from experiments.study import PUBLISHED, Study

STUDY = "bench.measurements"


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
    folder = request.folder / "bench" / folder_name(made.model)
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
    check(request)
    study = studies.load(STUDY)
    try:
        subject = subject_of(request)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"bench: {error}") from error
    say(f"{subject.name}: {len(subject.runs)} runs, preset {request.preset}")
    code = _together(study, request, subject, ["contract"])
    if code != exit_code.OK:
        return code
    left_out = _blocked(study, request, subject)
    subject, over = _within(study, request, without_parts(subject, left_out))
    left_out |= over
    beside = [beside_of(request, subject, name) for name in against(request)]
    own = [part for part in request.parts if part != "contract"]
    planned: list[tuple[Subject, Sequence[str]]] = [(subject, own)]
    planned += [(o, _parts_beside(study, request, o, "cost" not in left_out)) for o in beside]
    for each, parts in planned:
        if (code := _run(study, request, each, parts)) != exit_code.OK:
            return code
    return assembled(study, request, [subject, *beside], left_out)


def _run(study: Study, request: Request, subject: Subject, parts: Sequence[str]) -> int:
    """Run parts of a model, the cost by itself; runs that diverged or failed the card counts."""
    others = [part for part in parts if part != "cost"]
    for some in (["cost"] if "cost" in parts else [], others):
        code = _together(study, request, subject, some)
        if code not in (exit_code.OK, exit_code.DIVERGED, exit_code.FAILED):
            return code
    return exit_code.OK


def _together(study: Study, request: Request, subject: Subject, parts: Sequence[str]) -> int:
    """Run at once what is neither finished nor published of some parts."""
    runs = _own_runs(study, subject, parts)
    if not runs:
        return exit_code.OK
    how = RunRequest(
        study=STUDY,
        preset=request.preset,
        mixer=subject.locator,
        workers=1 if "cost" in parts else request.workers,  # nothing else while time is taken
        threads=1,
        results=request.results,
    )
    title = f"{subject.name}, {parts[0] if len(parts) == 1 else f'{len(parts)} parts'}"
    done = carry_out(study, request.preset, runs, how, title=title)
    return done.code


def _own_runs(study: Study, subject: Subject, parts: Sequence[str]) -> list[BenchRun]:
    """List the runs of some parts, but those whose records are published.

    Costs are of one machine, and guests have no published records.
    """
    runs = [run for part in parts for run in measurements.of_part(subject.runs, part)]
    if subject.locator:
        return runs
    known = {held.run for held in record.find(study.name, study.version, runs, [PUBLISHED])}
    return [run for run in runs if run.part_name == "cost" or run not in known]


def _parts_beside(study: Study, request: Request, other: Subject, costs: bool) -> Sequence[str]:
    """All parts of a baseline that was named; of another with records, the cost here and now."""
    if request.against:
        return request.parts
    costs = costs and "cost" in request.parts
    known = costs and any(records_of(study, request, other, part) for part in PARTS)
    return ["cost"] if known else []


def _blocked(study: Study, request: Request, subject: Subject) -> dict[str, str]:
    """Say which parts mean nothing for a model that breaks its contract, and why."""
    (held,) = records_of(study, request, subject, "contract")
    found = Contract.heard(held.notes["contract"])
    say(found.verdict)
    for finding in found.failed:
        say(f"  {finding.point}: {finding.seen}")
        say(f"    do: {finding.advice}")
    return {part: why for part, why in found.blocks.items() if part in request.parts}


def _within(study: Study, request: Request, subject: Subject) -> tuple[Subject, dict[str, str]]:
    """Leave out the parts that do not fit into the budget; say what all will cost."""
    if request.minutes is None:
        return subject, {}
    spare, over = 60 * request.minutes, dict[str, str]()
    for part in request.parts:
        runs = _own_runs(study, subject, [part])
        seconds = _seconds(study, request, runs)
        if seconds > spare:
            over[part] = f"about {forecast.duration(seconds)} do not fit into the budget"
            tell(f"{part} is left out: {over[part]}")
        else:
            spare -= seconds
    return without_parts(subject, over), over


def _seconds(study: Study, request: Request, runs: Sequence[BenchRun]) -> float:
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
