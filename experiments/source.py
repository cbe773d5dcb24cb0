"""Digests of the source that computes: when they differ, a record is stale.

A record depends on those files of the packages that it imported and on its study's own. The
machinery around them (this folder's files, figures, tables) is left out, since it moves numbers
from place to place and makes none.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiments.record import Record

PACKAGES = ("seqtheory", "lcde_jax", "seq_torch")
STUDY = "study"


class Source:
    """Digests taken when a process starts, so that an edit during a run cannot be mistaken for it.

    Parameters
    ----------
    study_file
        The study module's file.
    """

    def __init__(self, study_file: Path) -> None:
        self._roots = _roots(study_file)
        self._files = {
            name: _digest(file)
            for root, folder in self._roots.items()
            if root != STUDY  # its folder may hold anything; what is imported is read below
            for name, file in _files(root, folder)
        }
        self._read_loaded()

    def used(self) -> dict[str, str]:
        """Digest of each file imported so far: ``package/path.py``, ``study/file.py``."""
        loaded = self._read_loaded()
        return {name: self._files[name] for name in sorted(loaded)}

    def available(self) -> dict[str, str]:
        """Digest of each file of the packages, imported or not, and of the study's own."""
        self._read_loaded()
        return dict(self._files)

    def _read_loaded(self) -> set[str]:
        """Names of the files imported so far, whose digests are then known."""
        loaded = set()
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None) or ""
            if (name := self._name(file)) is not None:
                loaded.add(name)
                if name not in self._files:
                    self._files[name] = _digest(Path(file))
        return loaded

    def _name(self, file: str) -> str | None:
        for root, folder in self._roots.items():
            if file.startswith(f"{folder}{os.sep}") and file.endswith(".py"):
                path = file[len(str(folder)) + 1 :].replace(os.sep, "/")
                if root != STUDY or "/" not in path:  # a folder below the study's is not its own
                    return f"{root}/{path}"
        return None


def stale(record: Record, study_file: Path) -> list[str]:
    """Names of the files that differ between a record and now; empty if none does.

    A package that is not installed here cannot be compared and counts as unchanged.
    """
    roots = _roots(study_file)
    differing = []
    for name, digest in record.source.items():
        root, _, path = name.partition("/")
        if root in roots and _digest(roots[root] / path) != digest:
            differing.append(name)
    return sorted(differing)


def _roots(study_file: Path) -> dict[str, Path]:
    """Folders whose files are compared, by the name that stands before their paths."""
    found = {STUDY: study_file.resolve().parent}
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec and spec.origin:
            found[name] = Path(spec.origin).parent
    return found


def _files(root: str, folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*.py"):
        yield f"{root}/{path.relative_to(folder).as_posix()}", path


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "unreadable"
