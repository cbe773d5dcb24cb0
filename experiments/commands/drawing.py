"""The ``plot`` and ``table`` commands, which need records but no framework."""

from __future__ import annotations

import importlib
import os
import shlex
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from experiments import record
from experiments import study as studies
from experiments.commands.output import say
from experiments.exit_code import ConfigError
from experiments.overrides import override
from experiments.record import Record
from experiments.store import belonging, durable, recovery, shelf
from experiments.store.stored import RejectedFileError
from experiments.study import PUBLISHED, ROOT, Study

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from experiments.run import Run


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to draw; see ``python -m experiments plot --help``."""

    study: str
    preset: str | None = None
    settings: tuple[str, ...] = ()
    seeds: int | None = None
    results: Path = Path("results")
    mixer: str | None = None


class Loader:
    """Finds the records of a study's presets, in the results first and then among the published.

    Parameters
    ----------
    folder
        The study folder.
    request
        The command's options; its overrides apply to every preset that is loaded.
    quiet
        Whether to print no line for each preset.
    """

    def __init__(self, folder: Path, request: Request, *, quiet: bool = False) -> None:
        self._folder, self._request, self._quiet = folder, request, quiet
        # Of `toy.linear_cde` the overrides concern that file alone: others lack its fields.
        self.named = _file_name(request.study, folder)
        self._folders = (request.results.expanduser().absolute(), PUBLISHED)
        self.found = 0

    def __call__(self, preset: str | None, model_file: str = "linear_cde") -> list[Record]:
        """Find the records of one preset of ``model_file.py``, in the order of its runs.

        None stands for the file's default preset. The list is empty, and a line says so, where the
        file or its preset does not exist or no run was made yet.
        """
        study = self.study(model_file)
        settings, seeds = self._request.settings, self._request.seeds
        if self.named not in (None, model_file):
            settings, seeds = (), None
        if study is None or preset not in (None, *study.module.PRESETS):
            say(f"{self._folder.name}.{model_file}, preset {preset}: there is no such preset")
            return []
        chosen = study.preset(preset)
        runs = override(_runs(study, chosen, self._request), settings, seeds)
        if said := belonging.check(study, self._folders[0] / study.name):
            say(said)
        found = record.find(study.name, study.version, runs, self._folders)
        records = [held for held in found if held.finished or _readable(held)]
        self.found += len(records)
        if not self._quiet:
            self._tell(study, chosen, records, len(runs))
        return records

    def study(self, model_file: str) -> Study | None:
        """Load the study in ``model_file.py``; None if there is no such file."""
        path = self._folder / f"{model_file}.py"
        return studies.load(str(path)) if path.is_file() else None

    def _tell(self, study: Study, preset: str, records: list[Record], expected: int) -> None:
        for folder in self._folders:
            here = [r for r in records if r.path.parent.parent == folder]
            if here:
                made = recovery.summary(here)
                say(f"{study.name}, preset {preset}: {len(here)} records from {folder}, {made}")
        if len(records) < expected:
            missing = expected - len(records)
            say(
                f"{study.name}, preset {preset}: {missing} of {expected} runs have no record; "
                f"python -m experiments run {_spelt(study)} --preset {preset}"
            )


def _runs(study: Study, preset: str, request: Request) -> list[Run]:
    """List the runs of a preset, followed by those of a guest if the study takes guests."""
    taken = request.mixer is not None and study.takes_guests
    return [*study.runs(preset), *(study.bench(str(request.mixer), preset) if taken else ())]


def plot(request: Request) -> list[Path]:
    """Draw a study's figures into its results folder and return their paths."""
    os.environ["MPLBACKEND"] = "agg"  # figures are written to files, never shown in windows
    folder, preset, loader = _prepare(request)
    target = _target(request, folder)
    say(f"drawing the figures of {folder.name} into {target}")
    draw = member(folder, "figure", "draw")
    with _at_home(folder):
        paths = draw(loader, preset, target)
    for path in paths:
        say(str(path))
    return paths


def table(request: Request) -> Path:
    """Write a study's table as Markdown, print it, and return its path."""
    folder, preset, loader = _prepare(request)
    make = member(folder, "table", "table")
    with _at_home(folder):
        text = make(loader, preset)
    target = _target(request, folder)
    path = target / "table.md"
    durable.write_text(path, text)
    say(text)
    say(str(path))
    return path


def _readable(held: Record) -> bool:
    """Whether an unfinished record can be read; if not, a line says that it is left out."""
    try:
        for name in record.PARTS:
            getattr(held, name)
    except (RejectedFileError, FileNotFoundError) as error:
        say(f"left out, unfinished and damaged: {error}")
        return False
    return True


def _spelt(study: Study) -> str:
    """Spell a study as a shell command would: its dotted name, or the path of its file."""
    return shlex.quote(study.locator)


def _target(request: Request, folder: Path) -> Path:
    """Make the folder of the study's figures and tables, named as the study's own folder is."""
    target = request.results.expanduser().absolute() / folder.name
    try:
        durable.make_folder(target)
    except durable.WriteError as error:
        raise ConfigError(f"{error}; choose with --results") from error
    return target


def _prepare(request: Request) -> tuple[Path, str | None, Loader]:
    folder, files = _study_folder(request.study)
    loader = Loader(folder, request)
    found = [studies.load(str(path)) for path in files]
    named = [study for study in found if loader.named in (None, study.file.stem)]
    _check_preset(request.preset, named, folder.name)
    places = (request.results.expanduser().absolute(), PUBLISHED)
    known = [s for s in named if request.preset in (None, *s.module.PRESETS)]
    for study in known:
        made = _runs(study, study.preset(request.preset), request)
        runs = override(made, request.settings, request.seeds)
        held = {path.name for place in places for path in shelf.records(place / study.name)}
        if any(study.hash(run) in held for run in runs):
            return folder, request.preset, loader
    preset = known[0].preset(request.preset)
    raise ConfigError(
        f"no records of {known[0].name}, preset {preset}, in {studies.places(request.results)}; "
        f"make them with python -m experiments run {_spelt(known[0])} --preset {preset}"
    )


def _check_preset(name: str | None, found: list[Study], folder: str) -> None:
    known = list(dict.fromkeys(preset for study in found for preset in study.module.PRESETS))
    if name is not None and name not in known:
        raise ConfigError(studies.unknown("preset", name, known, f" of {folder}"))


def _file_name(name: str, folder: Path) -> str | None:
    """Name of the study file that a dotted name or a path refers to; None for a whole folder."""
    stem = Path(name).stem if name.endswith(".py") else name.partition(".")[2]
    return stem if (folder / f"{stem}.py").is_file() else None


def _study_folder(name: str) -> tuple[Path, list[Path]]:
    """Find a study folder and its study files, from ``toy``, ``toy.linear_cde`` or a path."""
    known = sorted({dotted.partition(".")[0] for dotted in studies.names()})
    path = Path(name).expanduser().resolve()
    if name.partition(".")[0] in known and "/" not in name:
        folder = ROOT / name.partition(".")[0]
    elif path.is_dir() or name.endswith(".py") or "/" in name or "\\" in name:
        folder = path.parent if path.suffix == ".py" else path
    else:
        raise ConfigError(studies.unknown("study", name, known))
    files = studies.siblings(folder)
    if not files:
        raise ConfigError(f"{folder} holds no study")
    return folder, files


def member(folder: Path, file: str, function: str) -> Callable[..., Any]:
    """Import a function of the study folder's figure or table file."""
    path = folder / f"{file}.py"
    if not path.is_file():
        raise ConfigError(f"{folder.name} has no {file}.py")
    found = getattr(_imported(path), function, None)
    if not callable(found):
        raise ConfigError(f"{path} offers no function {function}")
    return found


def _at_home(folder: Path) -> AbstractContextManager[None]:
    """Apply `studies.at_home` to figures and tables outside this package."""
    return nullcontext() if folder.parent == ROOT else studies.at_home(folder / "figure.py")


def _imported(path: Path) -> ModuleType:
    if path.parent.parent == ROOT:
        return importlib.import_module(f"experiments.{path.parent.name}.{path.stem}")
    return studies.import_file(path, f"{path.parent.name}_{path.stem}")
