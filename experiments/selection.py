"""Selections: the runs of a study that a command works on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.arguments import Conditions, Positional, Settings
from experiments.overrides import lacking, override, select

if TYPE_CHECKING:
    from experiments.run import Run
    from experiments.study import Study


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Options that select runs, for the commands that run, draw, tabulate and export."""

    study: Positional[str]
    """A study: toy.linear_cde, its folder (toy, both halves) where records are read, or the path of
    a file (my_study.py)."""
    preset: str | None = None
    """One of the study's presets; the study's default if left out."""
    only: Conditions = ()
    """Keep the runs of the preset whose field has this value: model=mamba,lstm, task.group=A5."""
    settings: Settings = ()
    """Change a field in every run: lr=1e-3,3e-4 sweeps, task.length=50 reaches inside,
    widths=(16,32) is one tuple. Several are applied together."""
    seeds: int | None = None
    """Number of seeds for each run, counted up from the run's own seed."""
    words: Path | None = None
    """Folder of word-problem files GROUP=LENGTH.csv to train on instead of drawn words."""
    mixer: str | None = None
    """FILE:NAME of a mixer of your own: `run` does its runs instead of those of the preset, other
    commands read its records in addition."""
    results: Path = Path("results")
    """Folder of the records; figures and tables are written there too."""

    @property
    def overrides(self) -> tuple[str, ...]:
        """The overrides given by ``--set`` and ``--words``."""
        if self.words is None:
            return self.settings
        return (*self.settings, f'words="{self.words.expanduser().absolute()}"')

    @property
    def folder(self) -> Path:
        """The results folder, as an absolute path."""
        return self.results.expanduser().absolute()

    def runs(self, study: Study, *, beside: bool = False) -> list[Run]:
        """List the runs of a preset, filtered by ``--only`` and then changed by ``--set``.

        Parameters
        ----------
        study
            The study, or one half of it.
        beside
            Whether a mixer's runs are added to those of the preset, if the study takes guests,
            instead of replacing them.

        Raises
        ------
        NoFieldError
            If no run of this study has one of the named fields.
        ConfigError
            If the preset, a field or a value is wrong.
        """
        preset = study.preset(self.preset)
        made = study.runs(preset) if beside or self.mixer is None else []
        if self.mixer is not None and (study.takes_guests or not beside):
            made = [*made, *study.bench(self.mixer, preset)]
        return override(select(made, self.only), self.overrides, self.seeds)

    def left_alone(self, study: Study) -> str:
        """Describe how many runs lack a field of ``--set``; empty if none does."""
        runs = select(study.runs(study.preset(self.preset)), self.only)
        number = lacking(runs, self.overrides)
        names = ", ".join(text.partition("=")[0] for text in self.overrides)
        return f"{number} of {len(runs)} runs lack {names} and stay as they are" if number else ""
