"""The neighbours of a file from outside this repository: files that it imports from its folder.

They are found in the syntax trees, without importing anything; imports inside functions count too.
Imports by a name that is computed at run time are not found. The packages of this project are no
neighbours, wherever they are.
"""

from __future__ import annotations

import ast
import hashlib
from typing import TYPE_CHECKING

from experiments.store.source import PACKAGES, code_digest, content

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def files(path: Path) -> dict[str, Path]:
    """Find a file and everything that it imports below its folder, by paths within that folder."""
    folder, found, waiting = path.parent, {}, [path]
    while waiting:
        file = waiting.pop()
        name = file.relative_to(folder).as_posix()
        if name not in found:
            found[name] = file
            waiting += [beside for beside in _beside(file, folder) if beside.is_file()]
    return dict(sorted(found.items()))


def digest(path: Path) -> str:
    """SHA-256 of the syntax trees of a file and its neighbours, without docstrings.

    A file without neighbours has the digest of its own tree. With neighbours, the neighbours' names
    count too; the name of the file itself never counts.
    """
    own, *others = sorted(files(path).items(), key=lambda item: item[1] != path)
    lines = [code_digest(content(own[1]))]
    lines += [f"{name} {code_digest(content(file))}" for name, file in others]
    return lines[0] if not others else hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _beside(file: Path, folder: Path) -> Iterator[Path]:
    """Files that the imports of a file may refer to, and the packages that contain them."""
    try:
        tree = ast.parse(content(file) or b"")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    here = file.relative_to(folder).parts[:-1]
    for node in ast.walk(tree):
        for parts in _imported(node, here):
            if parts and parts[0] in PACKAGES:
                continue
            for depth in range(1, len(parts) + 1):
                place = folder.joinpath(*parts[:depth])
                yield place / "__init__.py"
                yield place.with_name(f"{place.name}.py")


def _imported(node: ast.AST, here: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Modules that a statement imports, as paths from the folder; ``here`` is the package."""
    if isinstance(node, ast.Import):
        return [tuple(alias.name.split(".")) for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = here[: len(here) - node.level + 1] if node.level else ()
    module = (*base, *(node.module.split(".") if node.module else ()))
    return [module, *((*module, alias.name) for alias in node.names if alias.name != "*")]
