"""Old paths of modules that moved: importing one works, and warns with the new path."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType


class Moved(MetaPathFinder, Loader):
    """Import hook by which the old path of a moved module works for one minor version, and warns.

    Parameters
    ----------
    paths
        New dotted name of each old one.
    """

    def __init__(self, paths: Mapping[str, str]) -> None:
        self.paths = paths

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Say that this loader makes a module that moved."""
        return spec_from_loader(fullname, self) if fullname in self.paths else None

    def exec_module(self, module: ModuleType) -> None:
        """Put the module at its new path in the place of an empty one."""
        old = module.__name__
        warnings.warn(
            f"{old} is now {self.paths[old]}; the old path goes with the next minor version",
            DeprecationWarning,
            stacklevel=2,
        )
        sys.modules[old] = importlib.import_module(self.paths[old])
