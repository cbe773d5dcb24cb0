"""Studies, found by a dotted name in this package or by the path of any file."""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments import run as run_module
from experiments.exit_code import FAILED, ConfigError
from seqtheory import _plain_file
from seqtheory.plain import restored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import ModuleType

    from experiments.record import Record
    from experiments.recorder import Recorder
    from experiments.run import Run

ROOT = Path(__file__).resolve().parent
PUBLISHED = ROOT / "published"
_LIMIT = 2**24  # bytes of a study's file
_OFFERED = ("VERSION", "PRESETS", "DEFAULT_PRESET", "runs", "execute")


@dataclass(frozen=True)
class Study:
    """A study module, and the name of the folder of its records.

    Parameters
    ----------
    name
        Dotted name such as ``toy.linear_cde``; for a file outside this package, its stem.
    locator
        The dotted name, or the absolute path of the file, with which another process can load the
        study.
    module
        The module, which defines ``VERSION``, ``PRESETS``, ``DEFAULT_PRESET``, ``runs`` and
        ``execute``. A study whose later runs depend on the results of earlier ones also defines
        ``due``, which is called again whenever all runs that it listed have ended.
    """

    name: str
    locator: str
    module: ModuleType

    @property
    def version(self) -> int:
        """The study's version; raise it when the study's meaning changes: its hashes change too."""
        return self.module.VERSION

    @property
    def file(self) -> Path:
        """The module's file."""
        return Path(self.module.__file__ or "")

    @property
    def builtin(self) -> bool:
        """Whether the study belongs to this package, so that its dotted name is unique."""
        return "." in self.name

    def preset(self, name: str | None) -> str:
        """Check a preset's name and return it; None gives the default preset."""
        chosen = self.module.DEFAULT_PRESET if name is None else name
        if chosen not in self.module.PRESETS:
            raise ConfigError(unknown("preset", chosen, self.module.PRESETS, f" of {self.name}"))
        return chosen

    def heard(self, plain: Mapping[str, Any]) -> Run:
        """Rebuild a run from its plain description (see `seqtheory.plain`).

        Raises
        ------
        ConfigError
            If the description does not fit the study's run class, because another version of the
            study wrote it.
        """
        kind = vars(self.module).get(str(plain.get("type")), run_module.Run)
        try:
            return restored(dict(plain), kind, "run")
        except ValueError as error:
            raise ConfigError(
                f"{self.name} cannot read a run that another version of it described: {error}; "
                "run it again, or read it with the version that made it"
            ) from error

    def bench(self, mixer: str, preset: str) -> list[Run]:
        """Make the runs of a preset with the guest ``FILE:NAME`` in place of a model.

        Raises
        ------
        ConfigError
            If the study takes no guests, or the guest does not exist.
        """
        from experiments import guest

        if not self.takes_guests:
            raise ConfigError(f"{self.name} takes no guests: it offers no bench(mixer, preset)")
        found = guest.found(mixer)
        return self._made(preset, lambda: self.module.bench(found, preset))

    def runs(self, preset: str) -> list[Run]:
        """Make the runs of a preset."""
        return self._made(preset, lambda: self.module.runs(preset))

    def _made(self, preset: str, make: Callable[[], Sequence[Run]]) -> list[Run]:
        try:
            with self._at_home():
                return list(make())
        except (ValueError, TypeError, StudyExitError) as error:
            raise ConfigError(f"{self.name}, preset {preset}: {error}") from error

    def execute(self, run: Run, recorder: Recorder) -> None:
        """Do a run."""
        with self._at_home():
            self.module.execute(run, recorder)

    @property
    def takes_guests(self) -> bool:
        """Whether the study accepts mixers from other files (see `experiments.guest`)."""
        return hasattr(self.module, "bench")

    @property
    def searches(self) -> bool:
        """Whether the study defines ``due``: its later runs depend on results of earlier ones."""
        return hasattr(self.module, "due")

    def due(self, preset: str, runs: Sequence[Run], held: Mapping[Run, Record]) -> list[Run]:
        """List the next runs of a searching study, given its finished records."""
        with self._at_home():
            return list(self.module.due(preset, runs, held))

    def hash(self, run: Run) -> str:
        """Content hash of one of the study's runs."""
        return run_module.content_hash(run, self.name, self.version)

    def _at_home(self) -> AbstractContextManager[None]:
        """Apply `at_home` to a study outside this package; others import by full names."""
        return nullcontext() if self.builtin else at_home(self.file)


class StudyExitError(RuntimeError):
    """A study called ``sys.exit``, which would end a process that other runs share."""

    exit_code = FAILED


def load(locator: str) -> Study:
    """Import a study.

    Parameters
    ----------
    locator
        A dotted name (``toy.linear_cde``) or a path to a Python file (``my_study.py``).

    Raises
    ------
    ConfigError
        If there is no such study, or the module lacks a name that a study must define.
    """
    if locator.endswith(".py") or "/" in locator or "\\" in locator:
        study = _from_path(Path(locator))
        _check_offer(study)
        return study
    return named(locator)


def named(name: str) -> Study:
    """Import a study of this package by its dotted name, as `load` does; never another file."""
    study = _from_name(name)
    _check_offer(study)
    return study


def names() -> list[str]:
    """Dotted names of the studies in this package, without importing them."""
    paths = [path for path in ROOT.glob("*/*.py") if _is_study(path)]
    return sorted(f"{path.parent.name}.{path.stem}" for path in paths)


def siblings(folder: Path) -> list[Path]:
    """Files of the studies in a folder."""
    return sorted(path for path in folder.glob("*.py") if _is_study(path))


def import_file(path: Path, name: str) -> ModuleType:
    """Import a Python file once, as the module `name`; it may import modules of its folder."""
    held = sys.modules.get(name)
    if held is not None and getattr(held, "__file__", None) == str(path):
        return held
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # so that annotations in the file can be resolved
    try:
        with at_home(path):
            spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, SyntaxError):
            raise ConfigError(f"{error.filename}:{error.lineno}: {error.msg}") from error
        if isinstance(error, StudyExitError):
            raise ConfigError(str(error)) from error
        raise
    return module


@contextmanager
def at_home(path: Path) -> Iterator[None]:
    """Let the code of a file import modules from its folder, and keep it from ending the process.

    Raises
    ------
    StudyExitError
        If the code raises `SystemExit`.
    """
    folder = str(path.parent)
    sys.path.insert(0, folder)
    try:
        yield
    except SystemExit as error:
        raise StudyExitError(
            f"{path} called sys.exit({error.code!r}); raise an error that says what is wrong"
        ) from error
    finally:
        if folder in sys.path:  # the code may have changed the path itself
            sys.path.remove(folder)


def places(results: Path) -> str:
    """Name the folders in which records are searched, or note that published ones are missing.

    Published records belong to the repository; the package installed from a wheel has none.
    """
    if PUBLISHED.is_dir():
        return f"{results} and {PUBLISHED}"
    return f"{results} (published records are in the repository alone, at experiments/published)"


def unknown(kind: str, got: str, known: tuple[str, ...] | list[str], of: str = "") -> str:
    """Message about an unknown name, with the nearest known name and all known names."""
    close = difflib.get_close_matches(got, known, n=1, cutoff=0.5)
    guess = f"; did you mean {close[0]!r}?" if close else ""
    return f"unknown {kind} {got!r}{of}{guess} (known: {', '.join(known) or 'none'})"


@cache
def _from_name(name: str) -> Study:
    folder, _, stem = name.partition(".")
    path = ROOT / folder / f"{stem}.py"
    if not (folder.isidentifier() and stem.isidentifier() and _is_study(path)):
        hint = (
            "" if "." in name else "; a study outside this package is given as the path of its file"
        )
        raise ConfigError(unknown("study", name, names()) + hint)
    return Study(name, name, importlib.import_module(f"experiments.{name}"))


def _from_path(path: Path) -> Study:
    try:
        path = path.expanduser().resolve()
        there = path.is_file()
    except (
        RuntimeError,
        ValueError,
        OSError,
    ) as error:  # no such user, a ring of links, a name too long
        raise ConfigError(f"no study at {str(path)!r}: {error}") from error
    if path.is_relative_to(ROOT) and len(path.relative_to(ROOT).parts) == 2:
        return _from_name(f"{path.parent.name}.{path.stem}")
    if not there:
        beside = [str(other) for other in siblings(path.parent)]
        close = difflib.get_close_matches(str(path), beside, n=1, cutoff=0.5)
        guess = f"; did you mean {Path(close[0]).name!r}?" if close else ""
        raise ConfigError(f"no study at {path}: there is no such file{guess}")
    if not path.stem.isidentifier():
        raise ConfigError(f"{path.name}: a study's file name must be a Python identifier")
    refuse_clash(path)
    return Study(path.stem, str(path), import_file(path, path.stem))


def refuse_clash(path: Path) -> None:
    """Refuse a file whose name would hide another module (``json.py``)."""
    try:
        spec = importlib.util.find_spec(path.stem)
    except ValueError as error:  # ``__main__.py``
        raise ConfigError(
            f"{path.name}: {path.stem!r} is the name of another module; rename the file"
        ) from error
    if spec is None or spec.origin is None:  # a mere folder of that name, perhaps its records
        return
    if Path(spec.origin).resolve() != path:
        raise ConfigError(f"{path.name}: there is a module {path.stem!r} already; rename the file")


def _check_offer(study: Study) -> None:
    module, name = study.module, study.locator
    if missing := [offer for offer in _OFFERED if not hasattr(module, offer)]:
        raise ConfigError(f"{name} is not a study: it lacks {', '.join(missing)}")
    presets = module.PRESETS
    if not (isinstance(presets, (tuple, list)) and all(isinstance(p, str) for p in presets)):
        raise ConfigError(f"{name}: PRESETS is {presets!r}, expected a tuple of names")
    if module.DEFAULT_PRESET not in presets:
        raise ConfigError(
            f"{name}: DEFAULT_PRESET is {module.DEFAULT_PRESET!r}, expected one of {presets!r}"
        )
    if isinstance(module.VERSION, bool) or not isinstance(module.VERSION, int):
        raise ConfigError(f"{name}: VERSION is {module.VERSION!r}, expected an integer")
    for function in ("runs", "execute"):
        if not callable(getattr(module, function)):
            raise ConfigError(f"{name}: {function} is no function")


def _is_study(path: Path) -> bool:
    try:
        tree = ast.parse(_plain_file.content(path, _LIMIT, ConfigError))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return {"runs", "execute"} <= defined
