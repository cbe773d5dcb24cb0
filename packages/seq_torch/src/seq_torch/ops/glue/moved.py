"""Old paths of modules, which work with a warning until the next minor version."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module


def moved(old: str, new: str) -> None:
    """Let the path `old`, which is being imported, name the module `new`."""
    warnings.warn(
        f"got an import of {old}, expected {new}, where it is now.", DeprecationWarning, 3
    )
    sys.modules[old] = import_module(new)
