"""The module of a guest's file, imported once for each version of its code.

A file may be edited while a process runs, and two guests, or files beside them, may share a name.
Modules of guests are therefore cached by the digest of their code, and a module of an earlier guest
is forgotten when a later guest needs its name.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from experiments import study as studies
from experiments.exit_code import ENVIRONMENT, ConfigError
from experiments.short_traceback import told
from experiments.store import neighbours

_DISTRIBUTIONS = {"fla": "flash-linear-attention"}  # whose name is not that of their module
_modules: dict[str, ModuleType] = {}  # by digest
_theirs: set[str] = set()  # files that guests were imported from


class MissingPackageError(ConfigError, ImportError):
    """A guest imports a package that is not installed."""

    exit_code = ENVIRONMENT


def imported(path: Path, digest: str) -> ModuleType:
    """Import a file whose code has this digest; it may import modules from its folder at any time.

    Raises
    ------
    ConfigError
        If the file does not import, or its name is taken by another module.
    MissingPackageError
        If it imports a package that is not installed.
    """
    if digest in _modules:
        return _modules[digest]
    own = neighbours.files(path)
    _forget(own)
    if path.stem.isidentifier() and all(Path(file).stem != path.stem for file in _theirs):
        studies.refuse_clash(path)
    try:
        module = studies.import_file(path, path.stem)
    except ConfigError:
        raise
    except Exception as error:
        raise _refused(path, error, own) from error
    _theirs.update(map(str, own.values()))
    if str(path.parent) not in sys.path:  # last, so that it hides nothing
        sys.path.append(str(path.parent))
    _modules[digest] = module
    return module


def _forget(own: dict[str, Path]) -> None:
    """Forget modules of earlier guests that have the names of these files."""
    for name in own:
        module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if getattr(sys.modules.get(module), "__file__", None) in _theirs:
            del sys.modules[module]


def _refused(path: Path, error: Exception, own: dict[str, Path]) -> ConfigError:
    said = f"{path.name} does not import: {told(error, own.values())}"
    bring = how_to_bring(error, path.parent)
    return MissingPackageError(f"{said}; {bring}") if bring else ConfigError(said)


def how_to_bring(error: BaseException, folder: Path) -> str:
    """Say how to bring the package that code in a folder lacks; nothing, where that is not why."""
    missing = _missing(error, folder)
    if missing is None:
        return ""
    package = _DISTRIBUTIONS.get(missing, missing.replace("_", "-"))
    return (
        f"bring that package with `uv run --with {package} python -m experiments ...`, "
        "if this is the name by which it is published"
    )


def _missing(error: BaseException, folder: Path) -> str | None:
    """Name of the missing package that made an import fail; None if that was not the reason."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return None
    name = error.name.partition(".")[0]
    beside = (folder / f"{name}.py").exists() or (folder / name).exists()
    known = name in sys.stdlib_module_names or importlib.util.find_spec(name) is not None
    return None if beside or known else name
