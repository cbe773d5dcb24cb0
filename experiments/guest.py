"""Guests: mixers from files outside this repository, on the benches of its studies.

A study that compares models offers ``bench(mixer, preset)``, the runs of that preset with a guest
in place of one of its own models, and ``python -m experiments run STUDY --mixer FILE:NAME`` runs
them. A guest is a class or a function of a torch file that takes a width and gives a module
from ``(batch, time, width)`` to the same shape, or a subclass of `seq_torch.MixerConfig`.

A run holds the guest's name and a digest of its file, and not the path: records of one source are
the same wherever it lies, an edited guest is run again, and tables need neither file nor torch.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from experiments import study as studies
from experiments.exit_code import ConfigError
from experiments.store import source
from seqtheory.checks import require_choice
from seqtheory.plain import added

_MODEL = "guest"
_files: dict[str, Path] = {}  # by digest: where this process has seen that file


@dataclass(frozen=True, kw_only=True)
class Guest:
    """A mixer by its name, and what its file says.

    Parameters
    ----------
    name
        Class or function in the file.
    source
        Sixteen hexadecimal digits of the SHA-256 of the file's syntax tree without docstrings.
    """

    name: str
    source: str


AnyRun = TypeVar("AnyRun")
no_guest: Any = added(None)
"""Field of a run that may hold a guest; runs without one keep their hashes."""


def found(locator: str) -> Guest:
    """Find a guest by ``FILE:NAME``, without importing it.

    Raises
    ------
    ConfigError
        If there is no such file, it is no Python, or it defines no such name.
    """
    file, colon, name = locator.rpartition(":")
    if not colon or not name.isidentifier():
        raise ConfigError(f"--mixer {locator}: expected FILE:NAME, like my_model.py:Recurrence")
    path = _resolved(file)
    content = source.content(path)
    if content is None:
        raise ConfigError(f"--mixer {locator}: there is no file {path}")
    try:
        body = ast.parse(content).body
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"--mixer {locator}: {path} is no Python: {error}") from error
    known = list(dict.fromkeys(name for node in body for name in _defined(node)))
    if name not in known:
        raise ConfigError(studies.unknown("mixer", name, known, f" in {path.name}"))
    digest = source.code_digest(content)[:16]
    _files[digest] = path
    return Guest(name=name, source=digest)


def folder(locator: str | None) -> Path | None:
    """Folder of a guest's file, whose code counts as code of the run."""
    return None if locator is None else _resolved(locator.rpartition(":")[0]).parent


def _resolved(file: str) -> Path:
    return Path(file).expanduser().resolve()


def imported(guest: Guest) -> Any:
    """Import a guest's class or function.

    Raises
    ------
    ConfigError
        If its file was edited since it was found, or was not found in this process.
    """
    path = _files.get(guest.source)
    if path is None or source.code_digest(source.content(path))[:16] != guest.source:
        raise ConfigError(
            f"the file of {guest.name} is not the one that the run was made from "
            f"({guest.source}); give it again as --mixer FILE:{guest.name}"
        )
    return getattr(studies.import_file(path, path.stem), guest.name)


def guest_mixer(framework: ModuleType, guest: Guest | None) -> Any:
    """Give the settings of a guest as a mixer of `seq_torch`: its own, or a `ModuleConfig`."""
    if guest is None:
        raise ValueError("got no guest, expected one: model='guest' needs it")
    kind = imported(guest)
    own = isinstance(kind, type) and issubclass(kind, framework.MixerConfig)
    return kind() if own else framework.ModuleConfig(make=kind)


def in_place_of(model: str, runs: Iterable[AnyRun], guest: Guest) -> list[AnyRun]:
    """Take the runs of one model, and put a guest in its place."""
    chosen: list[Any] = [run for run in runs if getattr(run, "model", None) == model]
    return list(dict.fromkeys(replace(run, model=_MODEL, guest=guest) for run in chosen))


def require_model(model: str, guest: Guest | None, known: Sequence[str]) -> None:
    """Raise unless a run names one of a study's own models, or has a guest and says so."""
    if guest is None:
        require_choice("model", model, known)
    if guest is not None and model != _MODEL:
        raise ValueError(f"model={model!r} beside a guest: expected {_MODEL!r}")


def model_name(run: Any) -> str:
    """Name of a run's model in tables: the guest's own, or that of the study's."""
    guest = getattr(run, "guest", None)  # which not every study takes
    return run.model if guest is None else guest.name


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    return []
