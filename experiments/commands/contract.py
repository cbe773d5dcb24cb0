"""The figure and the table of a study folder, with checks of their signatures and results."""

from __future__ import annotations

import importlib
import inspect
import traceback
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from experiments import study as studies
from experiments.exit_code import ConfigError
from experiments.study import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager


def member(folder: Path, file: str, function: str) -> Callable[..., Any]:
    """Import a function of the study folder's figure or table file.

    ``figure.py`` offers ``draw(load, preset, folder)``, which writes figures into that folder and
    returns the list of their paths; ``table.py`` offers ``table(load, preset)``, which returns
    Markdown. ``load(preset, file)`` gives the records of a preset of the study ``file.py``.

    Raises
    ------
    ConfigError
        If there is no such file or function, or the function takes other arguments. A call raises
        it too if the function fails in a file outside this package, or returns another type.
    """
    path = folder / f"{file}.py"
    if not path.is_file():
        raise ConfigError(f"{folder.name} has no {file}.py")
    found = getattr(_imported(path), function, None)
    signature, kind = _CONTRACTS[function]
    if not callable(found):
        raise ConfigError(f"{path} offers no function {function}; expected {signature}")
    _check_signature(found, signature, path)

    def checked(*arguments: Any) -> Any:
        try:
            with _at_home(folder):
                given = found(*arguments)
        except Exception as error:
            foreseen = isinstance(error, OSError) or hasattr(error, "exit_code")
            if foreseen or path.is_relative_to(ROOT):
                raise
            line = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(line.filename).name}:{line.lineno}"
            raise ConfigError(
                f"{signature} of {path} failed: {type(error).__name__}: {error} ({place})"
            ) from error
        if not isinstance(given, kind):
            got = type(given).__name__
            raise ConfigError(f"{signature} of {path} gave {got}, expected {_NAMES[kind]}")
        return given

    return checked


_CONTRACTS: dict[str, tuple[str, type]] = {
    "draw": ("draw(load, preset, folder)", list),
    "table": ("table(load, preset)", str),
}
_NAMES = {list: "a list of the paths that it wrote", str: "text in Markdown"}


def _check_signature(found: Callable[..., Any], signature: str, path: Path) -> None:
    try:
        inspect.signature(found).bind(*signature.partition("(")[2].split(","))
    except TypeError as error:
        got = f"{found.__name__}{inspect.signature(found)}"
        raise ConfigError(f"{path} offers {got}, expected {signature}: {error}") from error


def _at_home(folder: Path) -> AbstractContextManager[None]:
    """Apply `studies.at_home` to figures and tables outside this package."""
    return nullcontext() if folder.parent == ROOT else studies.at_home(folder / "figure.py")


def _imported(path: Path) -> ModuleType:
    if path.parent.parent == ROOT:
        return importlib.import_module(f"experiments.{path.parent.name}.{path.stem}")
    return studies.import_file(path, f"{path.parent.name}_{path.stem}")
