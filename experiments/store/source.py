"""Digests of what a record was made from; a record is stale when any of them differs today.

Besides its description, three things determine the numbers of a run: the **code** that it executed,
the **environment** (Python, the numerical libraries, the threads) and the **data** files that it
read.

The code is every imported module of this project's packages and of the study's own folder, except
the machinery: modules that a worker imports before it knows its study, which transport numbers but
compute none. The digest of a module is that of its syntax tree without docstrings, so that prose,
comments and layout may be edited.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.store import inputs, provenance, stored
from seqtheory import _plain_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from experiments.record import Record

    Origin = dict[str, dict[str, str]]

PACKAGES = ("seqtheory", "lcde_jax", "seq_torch", "experiments")
STUDY = "study"
GUEST = "guest"
PARTS = ("code", "environment", "data")
_ABSENT = "missing"
_LIMIT = 2**24  # bytes of a module
_STARTS = ("engine/worker", "engine/ray_task")
_came_from: dict[str, tuple[object, bytes | None]] = {}  # module and content, by file
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Source:
    """Source code as it was when it was imported, even if a file was edited since.

    A process that does several runs keeps the modules that it has imported; all other files are
    read again for each run.

    Parameters
    ----------
    study_file
        The study module's file.
    threads
        Number of threads that the run may use; None if unknown.
    data
        Digests of the data files read so far; more may be added later (see
        `experiments.store.inputs`).
    guest
        Folder of the guest's file (see `experiments.guest`); None without a guest.
    """

    def __init__(
        self,
        study_file: Path,
        threads: int | None = None,
        data: Mapping[str, str] | None = None,
        guest: Path | None = None,
    ) -> None:
        self._roots, self._threads = _roots(study_file, guest), threads
        self._data: Mapping[str, str] = {} if data is None else data
        self._content: dict[str, bytes | None] = {}
        self._read_loaded()
        for root, folder in self._roots.items():
            if root not in (STUDY, GUEST):  # these may hold many other files: only imports are read
                for name, file in _files(root, folder):
                    if name not in self._content:
                        self._content[name] = content(Path(file))

    def used(self) -> Origin:
        """Digests of the code imported and the data read so far, and the environment."""
        code = {name: code_digest(self._content[name]) for name in sorted(self._read_loaded())}
        return {
            "code": code,
            "environment": _environment(self._threads),
            "data": dict(sorted(self._data.items())),
        }

    def differences(self, then: Origin) -> list[str]:
        """Describe each difference between the present source and `then`, one phrase each."""
        self._read_loaded()

        def code(name: str) -> str | None:
            if name in self._content:
                return code_digest(self._content[name])
            return _current(self._roots, name)

        return _differences(then, code, self._threads)

    def _read_loaded(self) -> set[str]:
        """Read the files imported so far, and return their names."""
        loaded = set()
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None) or ""
            if (name := _name(self._roots, file)) is not None:
                loaded.add(name)
                if file not in _came_from or _came_from[file][0] is not module:
                    known = name in self._content
                    _came_from[file] = module, self._content[name] if known else content(Path(file))
                self._content[name] = _came_from[file][1]
        return loaded


def stale(record: Record, study_file: Path, threads: int | None = None) -> list[str] | None:
    """Describe what differs between the source of a record and today's; empty if nothing does.

    Parameters
    ----------
    record
        The record to compare.
    study_file
        The study module's file.
    threads
        Number of threads to compare with the record's; None to skip this comparison.

    Returns
    -------
    One phrase per difference; None if the record's digests are of an older form, which cannot be
    compared. A package or data file that is not on this machine counts as unchanged.
    """
    if record.origin is None:
        return None
    roots = _roots(study_file)
    return _differences(record.origin, lambda name: _current(roots, name), threads)


def is_origin(value: object) -> bool:
    """Whether a value read from a file has the form of `Source.used`."""
    return isinstance(value, dict) and all(
        isinstance(part := value.get(name), dict)
        and all(isinstance(item, str) for item in part.values())
        for name in PARTS
    )


@functools.cache
def machinery() -> frozenset[str]:
    """Names of this package's modules that a worker imports before it knows its study."""
    folder, found, waiting = Path(__file__).parents[1], set(), list(_STARTS)
    while waiting:
        name = waiting.pop()
        path = folder / f"{name}.py"
        if name in found or not path.is_file():
            continue
        found |= {name, f"{name.rpartition('/')[0]}/__init__"}
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module:
                waiting += _imports(node.module.split("."), [alias.name for alias in node.names])
    return frozenset(found)


def _imports(module: list[str], names: list[str]) -> list[str]:
    """Files of this package that ``from module import names`` may read, without their suffix."""
    package, *rooms = module
    if package != "experiments":
        return []
    return ["/".join(rooms), *("/".join([*rooms, name]) for name in names)]


def _differences(then: Origin, code: Callable[[str], str | None], threads: int | None) -> list[str]:
    now = {
        "code": code,
        "environment": lambda name: _setting(name, threads),
        "data": lambda name: inputs.digest(inputs.meant(name)),
    }
    found = []
    for part in PARTS:
        for name, value in then[part].items():
            current = now[part](name)
            if current is not None and current != value:
                shown = (value, current) if part == "environment" else (value[:8], current[:8])
                found.append(f"{name} was {shown[0]}, is {shown[1]}")
    return found


def _environment(threads: int | None) -> dict[str, str]:
    """Python, threads and the versions of those numerical libraries that were imported."""
    found = {"python": platform.python_version()}
    if threads is not None:
        found["threads"] = str(threads)
    imported = {name: v for name, v in provenance.library_versions().items() if _imported(name)}
    return {**found, **imported}


def _setting(name: str, threads: int | None) -> str | None:
    if name == "threads":
        return None if threads is None else str(threads)
    if name == "python":
        return platform.python_version()
    return provenance.library_versions().get(name)


def _imported(distribution: str) -> bool:
    return distribution.replace("-", "_") in sys.modules


def _roots(study_file: Path, guest: Path | None = None) -> dict[str, Path]:
    """Folders whose files are compared, by the name that stands before their paths."""
    found = {}
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec and spec.origin:
            found[name] = Path(spec.origin).parent
    own = study_file.resolve()
    if not any(own.is_relative_to(folder) for folder in found.values()):
        found[STUDY] = own.parent  # last: a package below it keeps its own name
    if guest is not None:
        found[GUEST] = guest
    return found


def _name(roots: Mapping[str, Path], file: str) -> str | None:
    """Name of a file that counts as source; None for any other file."""
    for root, folder in roots.items():
        if not file.startswith(f"{folder}{os.sep}") or not file.endswith(".py"):
            continue
        path = file[len(str(folder)) + 1 :].replace(os.sep, "/")
        if root == "experiments" and path.removesuffix(".py") in machinery():
            return None
        return None if root in (STUDY, GUEST) and _installed(file, folder) else f"{root}/{path}"
    return None


def _installed(file: str, folder: Path) -> bool:
    """Whether a file below a study's folder belongs to a virtual environment in that folder."""
    prefixes = [p for p in (sys.prefix, sys.base_prefix) if Path(p).is_relative_to(folder)]
    return "site-packages" in file or any(file.startswith(f"{p}{os.sep}") for p in prefixes)


def _files(name: str, folder: Path | str) -> Iterator[tuple[str, str]]:
    """Modules of a package, with their names; empty for a folder that is no package."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and entry.name.isidentifier():
                yield from _files(f"{name}/{entry.name}", entry.path)
            elif entry.name.endswith(".py"):
                yield f"{name}/{entry.name}", entry.path


def _current(roots: Mapping[str, Path], name: str) -> str | None:
    """Digest of a file's present content; None if its package is not installed."""
    root, _, path = name.partition("/")
    return code_digest(content(roots[root] / path)) if root in roots else None


def content(path: Path) -> bytes | None:
    """Content of a module; None if there is no file, and an error if it cannot be read."""
    with stored.naming(path):
        try:
            return _plain_file.content(path, _LIMIT, ValueError)
        except (FileNotFoundError, ValueError):
            return None


@functools.lru_cache(maxsize=4096)
def code_digest(content: bytes | None) -> str:
    """SHA-256 of the syntax tree without docstrings, or of the bytes if they are no Python."""
    if content is None:
        return _ABSENT
    try:
        words = list(_words(ast.parse(content)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()


def _words(node: ast.AST) -> Iterator[str]:
    """Serialise a syntax tree without empty fields, of which each Python version adds some."""
    yield type(node).__name__
    for field, value in ast.iter_fields(node):
        items = value if isinstance(value, list) else [value]
        if field == "body" and isinstance(node, _DOCUMENTED) and ast.get_docstring(node):
            items = items[1:]
        if value is None or not items:
            continue
        yield f"{field} {len(items)}"
        for item in items:
            yield from _words(item) if isinstance(item, ast.AST) else (repr(item),)
