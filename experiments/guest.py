"""Guests: mixers from files outside this repository, on the benches of its studies.

A study that compares models offers ``bench(mixer, preset)``, which gives the runs of that preset
with a guest in place of one of the study's models. ``python -m experiments run STUDY --mixer
FILE:NAME`` runs them. A guest is a class or function in a Python file that takes a width and
returns a torch module, whose outputs have the shape ``(batch, time, width)`` of its inputs;
settings of `seq_torch`; or a layer of another package (see `as_mixer`).

A run holds the guest's name and a digest of its file and of the files that it imports from its
folder, but not the path: records do not depend on where the file is, an edited guest is run again,
and tables need neither the file nor torch.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from experiments import guest_file
from experiments import study as studies
from experiments.exit_code import ConfigError
from experiments.store import neighbours, source
from seqtheory.checks import require_choice
from seqtheory.plain import added

_MODEL = "guest"
_files: dict[str, Path] = {}  # by digest: where this process has seen that file


@dataclass(frozen=True, kw_only=True)
class Guest:
    """A mixer of a file outside this repository: its name, and a digest of the file.

    Parameters
    ----------
    name
        Name of a class, function or settings in the file.
    source
        Sixteen hexadecimal digits of the SHA-256 of the syntax trees, without docstrings, of the
        file and of the files that it imports from its folder (see `experiments.store.neighbours`).
    """

    name: str
    source: str


AnyRun = TypeVar("AnyRun")
no_guest: Any = added(None)
"""Field of a run that may hold a guest; runs without one keep their hashes."""


def found(locator: str) -> Guest:
    """Find the guest ``FILE:NAME``, without importing its file.

    Raises
    ------
    ConfigError
        If there is no such file, it is not valid Python, or it does not define the name.
    """
    file, colon, name = locator.rpartition(":")
    if not colon or not name.isidentifier():
        raise ConfigError(f"{locator}: expected FILE:NAME, like my_model.py:Recurrence")
    path = _resolved(file)
    content = source.content(path)
    if content is None:
        raise ConfigError(f"{locator}: there is no file {path}")
    try:
        body = ast.parse(content).body
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"{locator}: {path} is no Python: {error}") from error
    known = list(dict.fromkeys(name for node in body for name in _defined(node)))
    if name not in known and "*" not in known:
        raise ConfigError(studies.unknown("mixer", name, known, f" in {path.name}"))
    digest = neighbours.digest(path)[:16]
    _files[digest] = path
    return Guest(name=name, source=digest)


def folder(locator: str | None) -> Path | None:
    """Folder of a guest's file, whose modules count as source of the run."""
    return None if locator is None else _resolved(locator.rpartition(":")[0]).parent


def files(guest: Guest) -> list[Path]:
    """Files of a guest that this process has found: its own, and those it imports beside it."""
    return list(neighbours.files(_files[guest.source]).values()) if guest.source in _files else []


def imported(guest: Guest) -> Any:
    """Import a guest: a class, a function, or settings.

    Raises
    ------
    ConfigError
        If the guest's file was edited after `found`, was not found in this process, or cannot be
        imported; `MissingPackageError` if a package is missing.
    """
    path = _files.get(guest.source)
    if path is None or neighbours.digest(path)[:16] != guest.source:
        raise ConfigError(
            f"the file of {guest.name} is not the one that the run was made from "
            f"({guest.source}); give it again as --mixer FILE:{guest.name}"
        )
    module = guest_file.imported(path, guest.source)
    if not hasattr(module, guest.name):
        known = [name for name in vars(module) if not name.startswith("_")]
        raise ConfigError(studies.unknown("mixer", guest.name, known, f" in {path.name}"))
    return getattr(module, guest.name)


def guest_mixer(framework: ModuleType, guest: Guest | None) -> Any:
    """Give the settings of a guest as a mixer of `seq_torch` (see `as_mixer`)."""
    if guest is None:
        raise ValueError("got no guest, expected one: model='guest' needs it")
    return as_mixer(framework, imported(guest))


def as_mixer(framework: ModuleType, kind: Any) -> Any:
    """Give a guest's class, function or settings as settings of a mixer of `seq_torch`.

    Parameters
    ----------
    framework
        The package `seq_torch`.
    kind
        A `seq_torch.MixerConfig`, or a subclass of it whose fields all have defaults; or anything
        that `seq_torch.ModuleConfig` accepts: a class or a function of the width, or a layer that
        takes ``hidden_size``, ``d_model`` or ``dim`` and may return a tuple; or a class or function
        of JAX (see `experiments.jax_module`).

    Raises
    ------
    ConfigError
        If `kind` is a class of settings that needs values.
    """
    if "jax" in sys.modules:  # which the file of a guest of JAX has imported
        from experiments import jax_module

        if jax_module.is_jax(kind):
            return framework.ModuleConfig(make=jax_module.JaxMake(kind))
    if isinstance(kind, framework.MixerConfig):
        return kind
    if not (isinstance(kind, type) and issubclass(kind, framework.MixerConfig)):
        return framework.ModuleConfig(make=kind)
    try:
        return kind()
    except TypeError as error:
        raise ConfigError(
            f"{error}: settings are made without arguments here; name some that have all their "
            f"values, as in settings = {kind.__name__}(...)"
        ) from error


def in_place_of(model: str, runs: Iterable[AnyRun], guest: Guest) -> list[AnyRun]:
    """Copy the runs of one model, or of the first one where that is missing, for a guest."""
    held: list[Any] = list(runs)
    models = [getattr(run, "model", None) for run in held]
    left = model if model in models else next((m for m in models if m is not None), None)
    chosen = [run for run, m in zip(held, models, strict=True) if m == left and m is not None]
    return list(dict.fromkeys(replace(run, model=_MODEL, guest=guest) for run in chosen))


def require_model(model: str, guest: Guest | None, known: Sequence[str]) -> None:
    """Raise ValueError unless `model` is a known model, or is "guest" and a guest is given."""
    if guest is None:
        require_choice("model", model, known)
    if guest is not None and model != _MODEL:
        raise ValueError(f"model={model!r} beside a guest: expected {_MODEL!r}")


def model_name(run: Any) -> str:
    """Name of a run's model in tables: the guest's name, or that of the study's model."""
    guest = getattr(run, "guest", None)  # which not every study takes
    return run.model if guest is None else guest.name


def _defined(node: ast.stmt) -> list[str]:
    """Names that a statement of a module binds; a star for an import of unknown names."""
    match node:
        case ast.ClassDef() | ast.FunctionDef():
            return [node.name]
        case ast.Assign():
            return [target.id for target in node.targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name() as target):
            return [target.id]
        case ast.ImportFrom():
            return [alias.asname or alias.name for alias in node.names]
        case ast.If() | ast.Try() | ast.With():
            inner = [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt)]
            handled = [n for h in getattr(node, "handlers", []) for n in h.body]
            return [name for n in (*inner, *handled) for name in _defined(n)]
    return []


def _resolved(file: str) -> Path:
    try:
        return Path(file).expanduser().resolve()
    except (RuntimeError, ValueError, OSError) as error:  # no such user, a ring of links
        raise ConfigError(f"no mixer at {file!r}: {error}") from error
