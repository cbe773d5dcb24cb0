"""Selections: which runs of which study a command is about."""

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
    """Which runs: what the commands that run, draw, tabulate and export have in common."""

    study: Positional[str]
    """A study: toy.linear_cde, its folder (toy, both halves) where records are read, or the path of
    a file (my_study.py)."""
    preset: str | None = None
    """One of the study's presets; its default if left out."""
    only: Conditions = ()
    """Keep the runs of the preset whose field has this value: model=mamba,lstm, task.group=A5."""
    settings: Settings = ()
    """Change a field in every run: lr=1e-3,3e-4 sweeps, task.length=50 reaches inside,
    widths=(16,32) is one tuple. Several are applied together."""
    seeds: int | None = None
    """Number of seeds for each run, counted up from its own."""
    words: Path | None = None
    """Folder of word-problem files GROUP=LENGTH.csv to train on instead of drawn words."""
    mixer: str | None = None
    """FILE:NAME of a mixer of your own: its runs are run in place of the preset's, and read beside
    them."""
    results: Path = Path("results")
    """Folder of the records; figures and tables go there too."""

    @property
    def overrides(self) -> tuple[str, ...]:
        """What ``--set`` and ``--words`` change."""
        if self.words is None:
            return self.settings
        return (*self.settings, f'words="{self.words.expanduser().absolute()}"')

    @property
    def folder(self) -> Path:
        """The results folder, as an absolute path."""
        return self.results.expanduser().absolute()

    def runs(self, study: Study, *, beside: bool = False) -> list[Run]:
        """List the runs asked for: of a preset, selected, then changed.

        Parameters
        ----------
        study
            The study, or one half of it.
        beside
            Whether a mixer's runs stand beside those of the preset, where the study takes it,
            instead of taking their place.

        Raises
        ------
        NoFieldError
            If no run of this study has a field that was named.
        ConfigError
            If the preset, a field or a value is wrong.
        """
        preset = study.preset(self.preset)
        made = study.runs(preset) if beside or self.mixer is None else []
        if self.mixer is not None and (study.takes_guests or not beside):
            made = [*made, *study.bench(self.mixer, preset)]
        return override(select(made, self.only), self.overrides, self.seeds)

    def left_alone(self, study: Study) -> str:
        """Say how many runs lack a field that is changed; empty where all have it."""
        runs = select(study.runs(study.preset(self.preset)), self.only)
        number = lacking(runs, self.overrides)
        names = ", ".join(text.partition("=")[0] for text in self.overrides)
        return f"{number} of {len(runs)} runs lack {names} and stay as they are" if number else ""
