"""Digests of the source that computes: when they differ, a record is stale.

A record depends on the packages it imported and on its study's own file. The machinery around them
(this folder's files, figures, tables) is left out, since it moves numbers from place to place and
makes none.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiments.record import Record

PACKAGES = ("seqtheory", "lcde_jax", "seq_torch")


class Source:
    """Digests taken when a process starts, so that an edit during a run cannot be mistaken for it.

    Parameters
    ----------
    study_file
        The study module's file.
    """

    def __init__(self, study_file: Path) -> None:
        self._folder = str(study_file.parent)
        self._packages = installed()
        self._files: dict[str, str] = {}
        self._own_files()

    def used(self) -> dict[str, str]:
        """Digest of each package imported so far, and of the study's file and its own helpers."""
        loaded = {name: value for name, value in self._packages.items() if name in sys.modules}
        return {**loaded, **self._own_files()}

    def available(self) -> dict[str, str]:
        """Digest of each installed package, imported or not, and of the study's own files."""
        return {**self._packages, **self._own_files()}

    def _own_files(self) -> dict[str, str]:
        for module in list(sys.modules.values()):
            folder, _, name = (getattr(module, "__file__", None) or "").rpartition(os.sep)
            if folder == self._folder and f"study/{name}" not in self._files:
                self._files[f"study/{name}"] = _file_digest(Path(folder, name))
        return self._files


def installed() -> dict[str, str]:
    """Digest of every installed package of this project, found without importing it."""
    folders = {name: _folder(name) for name in PACKAGES}
    return {name: _folder_digest(folder) for name, folder in folders.items() if folder}


def stale(record: Record, study_file: Path) -> list[str]:
    """Names whose source differs between a record and now; empty if none does.

    A package that is not installed here cannot be compared and counts as unchanged.
    """
    then, packages = record.source, installed()
    folder = study_file.resolve().parent
    now = {
        name: _file_digest(folder / name.removeprefix("study/"))
        if name.startswith("study/")
        else packages.get(name, value)
        for name, value in then.items()
    }
    return sorted(name for name, value in then.items() if now[name] != value)


def _folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


@cache
def _folder_digest(folder: Path) -> str:
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.py")}
    return _combined({name: _file_digest(path) for name, path in files.items()})


def _file_digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "unreadable"


def _combined(digests: Mapping[str, str]) -> str:
    lines = "".join(f"{name} {value}\n" for name, value in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
