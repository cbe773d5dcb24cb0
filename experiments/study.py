"""Studies: found by dotted name inside this package, or by the path of a file anywhere."""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from experiments import run as run_module
from experiments.exit_code import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    from experiments.record import Record
    from experiments.run import Run

ROOT = Path(__file__).resolve().parent
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
_OFFERED = ("VERSION", "PRESETS", "DEFAULT_PRESET", "runs", "execute")


@dataclass(frozen=True)
class Study:
    """A study module and the name under which its records are kept.

    Parameters
    ----------
    name
        ``toy.linear_cde``, or for a file outside the package its stem.
    locator
        What finds it again in another process: the dotted name or the absolute path.
    module
        The module: ``VERSION``, ``PRESETS``, ``DEFAULT_PRESET``, ``runs``, ``execute``; where what
        to run depends on what was found, ``due``, asked again when all that it listed has ended.
    """

    name: str
    locator: str
    module: ModuleType

    @property
    def version(self) -> int:
        """The study's version; raise it when its meaning changes, and all its hashes change."""
        return self.module.VERSION

    @property
    def file(self) -> Path:
        """The module's file."""
        return Path(self.module.__file__ or "")

    @property
    def builtin(self) -> bool:
        """Whether the study is one of this package, whose dotted name no other can have."""
        return "." in self.name

    def preset(self, name: str | None) -> str:
        """Check a preset's name; None is the default."""
        chosen = self.module.DEFAULT_PRESET if name is None else name
        if chosen not in self.module.PRESETS:
            raise ConfigError(unknown("preset", chosen, self.module.PRESETS, f" of {self.name}"))
        return chosen

    def runs(self, preset: str) -> list[Run]:
        """Make the runs of a preset."""
        try:
            return list(self.module.runs(preset))
        except (ValueError, TypeError) as error:
            raise ConfigError(f"{self.name}, preset {preset}: {error}") from error

    @property
    def searches(self) -> bool:
        """Whether the study says what is due next, instead of all its runs at once."""
        return hasattr(self.module, "due")

    def due(self, preset: str, runs: Sequence[Run], held: Mapping[Run, Record]) -> list[Run]:
        """List what a study that searches wants next, given its finished records."""
        return list(self.module.due(preset, runs, held))

    def hash(self, run: Run) -> str:
        """Content hash of one of the study's runs."""
        return run_module.content_hash(run, self.name, self.version)


def load(locator: str) -> Study:
    """Import a study.

    Parameters
    ----------
    locator
        A dotted name (``toy.linear_cde``) or a path to a Python file (``my_study.py``).

    Raises
    ------
    ConfigError
        If there is no such study, or the file does not offer what a study offers.
    """
    if locator.endswith(".py") or "/" in locator or "\\" in locator:
        study = _from_path(Path(locator))
    else:
        study = _from_name(locator)
    missing = [name for name in _OFFERED if not hasattr(study.module, name)]
    if missing:
        raise ConfigError(f"{locator} is not a study: it lacks {', '.join(missing)}")
    return study


def names() -> list[str]:
    """Dotted names of the studies in this package, without importing them."""
    paths = [path for path in ROOT.glob("*/*.py") if _is_study(path)]
    return sorted(f"{path.parent.name}.{path.stem}" for path in paths)


def siblings(folder: Path) -> list[Path]:
    """Files of the studies in a folder."""
    return sorted(path for path in folder.glob("*.py") if _is_study(path))


def import_file(path: Path, name: str) -> ModuleType:
    """Import a Python file as the module `name`, once; modules beside it can be imported."""
    held = sys.modules.get(name)
    if held is not None and getattr(held, "__file__", None) == str(path):
        return held
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # so that annotations in the file can be resolved
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, SyntaxError):
            raise ConfigError(f"{error.filename}:{error.lineno}: {error.msg}") from error
        raise
    finally:
        sys.path.remove(str(path.parent))
    return module


def unknown(kind: str, got: str, known: tuple[str, ...] | list[str], of: str = "") -> str:
    """One line that says what was not known, what is nearest to it, and what there is."""
    close = difflib.get_close_matches(got, known, n=1, cutoff=0.5)
    guess = f"; did you mean {close[0]!r}?" if close else ""
    return f"unknown {kind} {got!r}{of}{guess} (known: {', '.join(known) or 'none'})"


def _from_name(name: str) -> Study:
    if not _DOTTED.fullmatch(name) or name not in names():
        hint = (
            "" if "." in name else "; a study outside this package is given as the path of its file"
        )
        raise ConfigError(unknown("study", name, names()) + hint)
    return Study(name, name, importlib.import_module(f"experiments.{name}"))


def _from_path(path: Path) -> Study:
    path = path.expanduser().resolve()
    if path.is_relative_to(ROOT) and len(path.relative_to(ROOT).parts) == 2:
        return _from_name(f"{path.parent.name}.{path.stem}")
    if not path.is_file():
        beside = [str(other) for other in siblings(path.parent)]
        close = difflib.get_close_matches(str(path), beside, n=1, cutoff=0.5)
        guess = f"; did you mean {Path(close[0]).name!r}?" if close else ""
        raise ConfigError(f"no study at {path}: there is no such file{guess}")
    if not path.stem.isidentifier():
        raise ConfigError(f"{path.name}: a study's file name must be a Python identifier")
    _refuse_clash(path)
    return Study(path.stem, str(path), import_file(path, path.stem))


def _refuse_clash(path: Path) -> None:
    """Refuse a file that would take the place of another module (``json.py``)."""
    spec = importlib.util.find_spec(path.stem)
    if spec is not None and Path(spec.origin or "").resolve() != path:
        raise ConfigError(f"{path.name}: there is a module {path.stem!r} already; rename the file")


def _is_study(path: Path) -> bool:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return {"runs", "execute"} <= defined
