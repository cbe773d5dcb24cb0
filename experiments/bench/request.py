"""What is asked of the bench: a model, how much is measured, and what stands beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from experiments import guest
from experiments.arguments import Fields, Positional
from experiments.bench import measurements, size
from experiments.bench.baselines import BASELINES, FEATURES, NAMES, Baseline, Features
from experiments.bench.measurements import BenchRun
from experiments.bench.parts import PARTS
from experiments.exit_code import ConfigError
from experiments.study import unknown

Preset = Literal["smoke", "quick", "full"]
Match = Literal["width", "parameters", "state"]


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


def check(request: Request) -> None:
    """Raise ConfigError unless parts, baselines and minutes of a request are there."""
    for part in request.parts:
        if part not in PARTS:
            raise ConfigError(unknown("part", part, list(PARTS)))
    for name in request.against:
        if name not in (known := ["all", *BASELINES, *FEATURES]):
            raise ConfigError(unknown("baseline", name, known))
    if request.minutes is not None and not request.minutes > 0:
        raise ConfigError(f"--minutes {request.minutes}: expected more than 0")
    if not request.is_guest or ":" in request.model:
        return
    raise ConfigError(
        unknown("baseline", request.model, list(BASELINES))
        + "; a model of your own is given as FILE:NAME, like my_model.py:Recurrence"
    )


def subject_of(request: Request) -> Subject:
    """Give the runs of the model that is asked for."""
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


def against(request: Request) -> list[Baseline | Features]:
    """List what stands beside the model of a card; the model itself does not."""
    named = request.against
    if not named or "all" in named:
        named = (*BASELINES, *FEATURES)
    return [cast("Baseline | Features", name) for name in named if name != request.model]


def beside_of(request: Request, subject: Subject, name: Baseline | Features) -> Subject:
    """Give the runs of a baseline that agree with those of the model; features agree in width."""
    width = request.channels
    if request.match != "width" and name not in FEATURES:
        width = size.matched(subject.runs[0], cast("Baseline", name), request.match)
    runs = measurements.model_runs(
        request.preset, request.parts, model=name, width=width, depth=request.depth
    )
    title = NAMES[name] if width == request.channels else f"{NAMES[name]}, width {width}"
    return Subject(title, runs)
