"""Finding the records for a figure or a table."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from experiments import record
from experiments import study as studies
from experiments.commands.output import tell
from experiments.exit_code import ConfigError
from experiments.overrides import NoMatchError
from experiments.store import belonging, recovery, shelf
from experiments.store.stored import RejectedFileError
from experiments.study import PUBLISHED, ROOT, Study

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments.record import Record
    from experiments.run import Run
    from experiments.selection import Selection


class Loader:
    """Finds the records of a study's presets, in the results first and then among the published.

    Parameters
    ----------
    folder
        The study folder.
    selection
        The command's selection, whose options apply to every preset that is loaded.
    quiet
        Whether to print no line for each preset.
    """

    def __init__(self, folder: Path, selection: Selection, *, quiet: bool = False) -> None:
        self._folder, self._selection, self._quiet = folder, selection, quiet
        # Of `toy.linear_cde` the options concern that file alone: others lack its fields.
        self.named = _file_name(selection.study, folder)
        self._folders = (selection.folder, PUBLISHED)

    def __call__(self, preset: str | None, model_file: str = "linear_cde") -> list[Record]:
        """Find the records of one preset of ``model_file.py``, in the order of its runs.

        None stands for the file's default preset. The list is empty, and a line says so, where the
        file or its preset does not exist or no run was made yet.
        """
        study = self.study(model_file)
        if study is None or not self.has(model_file, preset):
            tell(f"{self._folder.name}.{model_file}, preset {preset}: there is no such preset")
            return []
        runs = self._runs(study, study.preset(preset))
        if said := belonging.check(study, self._folders[0] / study.name):
            tell(said)
        found = record.find(study.name, study.version, runs, self._folders)
        records = [held for held in found if held.finished or _readable(held)]
        if not self._quiet:
            self._tell(study, study.preset(preset), records, len(runs))
        return records

    def _runs(self, study: Study, preset: str) -> list[Run]:
        """List the runs of a preset.

        If a half of a study lacks a field of ``--set``, or cannot have its new value, its runs are
        not changed. If it has no run that meets ``--only``, it is left out.
        """
        selection = replace(self._selection, preset=preset)
        plain = replace(selection, only=(), settings=(), words=None, seeds=None)
        if self.named not in (None, study.file.stem):
            return plain.runs(study, beside=True)
        try:
            runs = selection.runs(study, beside=True)
        except NoMatchError as error:
            tell(f"{study.name} is left out: {error}")
            return []
        except ConfigError as error:
            tell(f"{study.name} is left as it is: {error}")
            return plain.runs(study, beside=True)
        if said := selection.left_alone(study):
            tell(f"{study.name}, preset {preset}: {said}")
        return runs

    def has(self, model_file: str, preset: str | None) -> bool:
        """Whether ``model_file.py`` is a study that has the preset."""
        study = self.study(model_file)
        return study is not None and preset in (None, *study.module.PRESETS)

    def study(self, model_file: str) -> Study | None:
        """Load the study in ``model_file.py``; None if there is no such file."""
        path = self._folder / f"{model_file}.py"
        return studies.load(str(path)) if path.is_file() else None

    def _tell(self, study: Study, preset: str, records: list[Record], expected: int) -> None:
        for folder in self._folders:
            here = [r for r in records if r.path.parent.parent == folder]
            if here:
                made = recovery.summary(here)
                tell(f"{study.name}, preset {preset}: {len(here)} records from {folder}, {made}")
        if len(records) < expected:
            missing = expected - len(records)
            tell(
                f"{study.name}, preset {preset}: {missing} of {expected} runs have no record; "
                f"python -m experiments run {_spelt(study)} --preset {preset}"
            )


def _readable(held: Record) -> bool:
    """Whether an unfinished record can be read; if not, a line says that it is left out."""
    try:
        for name in record.PARTS:
            getattr(held, name)
    except (RejectedFileError, FileNotFoundError) as error:
        tell(f"left out, unfinished and damaged: {error}")
        return False
    return True


def _spelt(study: Study) -> str:
    """Spell a study as a shell command would: its dotted name, or the path of its file."""
    return shlex.quote(study.locator)


def prepared(selection: Selection) -> tuple[Path, str | None, Loader]:
    """Find the folder of a study, and make a loader of its records.

    Raises
    ------
    ConfigError
        If there is no such study, preset or field, or no record.
    """
    folder, files = _study_folder(selection.study)
    loader = Loader(folder, selection)
    found = [studies.load(str(path)) for path in files]
    named = [study for study in found if loader.named in (None, study.file.stem)]
    _check_preset(selection.preset, named, named[0].name if loader.named else folder.name)
    known = [s for s in named if selection.preset in (None, *s.module.PRESETS)]
    refusals: list[ConfigError] = []
    for study in known:
        try:
            runs = selection.runs(study, beside=True)
        except ConfigError as error:
            refusals.append(error)
            continue
        if _any_record(study, runs, selection):
            return folder, selection.preset, loader
    if len(refusals) == len(known):
        raise next((e for e in refusals if "did you mean" in str(e)), refusals[0])
    preset = known[0].preset(selection.preset)
    raise ConfigError(
        f"no records of {known[0].name}, preset {preset}, in {studies.places(selection.results)}; "
        f"make them with python -m experiments run {_spelt(known[0])} --preset {preset}"
    )


def _any_record(study: Study, runs: Sequence[Run], selection: Selection) -> bool:
    places = (selection.folder, PUBLISHED)
    held = {path.name for place in places for path in shelf.records(place / study.name)}
    return any(study.hash(run) in held for run in runs)


def _check_preset(name: str | None, found: list[Study], asked: str) -> None:
    known = list(dict.fromkeys(preset for study in found for preset in study.module.PRESETS))
    if name is not None and name not in known:
        raise ConfigError(studies.unknown("preset", name, known, f" of {asked}"))


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
