"""Imports inside a package go down its layers, which CONTRIBUTING shows, and never in a circle.

A room is a module or a folder right below its package. Imports inside functions count; those
under TYPE_CHECKING, which never run, do not; nor does the package's own ``__init__``, which
collects public names and stands above all.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {
    "seqtheory": ROOT / "packages" / "core" / "src" / "seqtheory",
    "lcde_jax": ROOT / "packages" / "lcde_jax" / "src" / "lcde_jax",
    "seq_torch": ROOT / "packages" / "seq_torch" / "src" / "seq_torch",
    "experiments": ROOT / "experiments",
}
# What still goes up, and where it will end: nothing else may.
EXCEPTIONS = {
    ("experiments", "engine", "commands"): "engine/local.py prints by commands/output.py",
    ("experiments", "study", "guest"): "study.py asks guest.py inside a function",
}


def modules(package: str) -> dict[str, Path]:
    """Every module of a package by its full name; a folder is its ``__init__``."""
    folder = PACKAGES[package]
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(tree: ast.AST, *, into_functions: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """The import statements of a module that run."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        lazy = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        if lazy and not into_functions:
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        yield from imported(node, into_functions=into_functions)


def names(node: ast.Import | ast.ImportFrom, here: str, path: Path) -> list[str]:
    """Full names of what a statement imports; ``from x import y`` gives ``x.y``."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    up = node.level - (path.name == "__init__.py")
    parts = here.split(".")[: len(here.split(".")) - up] if node.level else []
    base = ".".join([*parts, node.module] if node.module else parts)
    return [f"{base}.{alias.name}" for alias in node.names]


@functools.cache
def arrows(package: str, *, into_functions: bool) -> dict[str, set[str]]:
    """For each module the modules of its package that it imports."""
    own = modules(package)
    found: dict[str, set[str]] = {}
    for here, path in own.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        targets = [
            name
            for node in imported(tree, into_functions=into_functions)
            for name in names(node, here, path)
        ]
        ends = {name if name in own else name.rpartition(".")[0] for name in targets}
        found[here] = {name for name in ends if name in own and name != here}
    return found


def circle(graph: dict[str, set[str]]) -> list[str]:
    """What is left when all that nothing left imports, or that imports nothing left, is taken."""
    left = set(graph)
    while True:
        ends = {a for a in left if not graph[a] & left}
        ends |= {a for a in left if not any(a in graph[b] for b in left)}
        if not ends:
            return sorted(left)
        left -= ends


@functools.cache
def layers(package: str) -> list[set[str]]:
    """The layers of a package from the lowest, as the table of CONTRIBUTING has them."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(rf"^\| `{package}` \| (\d+) \| (.*) \|$", text, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, len(rows) + 1))
    return [set(rooms.split()) for _, rooms in rows]


def room(module: str) -> str:
    return module.split(".")[1]


def rooms(package: str) -> dict[str, set[str]]:
    """For each room the other rooms that it imports."""
    found: dict[str, set[str]] = {}
    for here, targets in arrows(package, into_functions=True).items():
        if here != package:
            ends = {room(name) for name in targets if name != package}
            found.setdefault(room(here), set()).update(ends - {room(here)})
    for of, above, below in EXCEPTIONS:
        if of == package:
            found[above].remove(below)  # an exception that is gone leaves the table
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_no_import_goes_in_a_circle(package):
    assert circle(arrows(package, into_functions=False)) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_room_stands_in_one_layer(package):
    declared = sorted(name for layer in layers(package) for name in layer)
    assert declared == sorted(rooms(package)), "the table of layers in CONTRIBUTING.md is the place"


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_go_down(package):
    level = {name: number for number, layer in enumerate(layers(package)) for name in layer}
    wrong = [
        f"{package}.{above} imports {package}.{below}"
        for above, ends in rooms(package).items()
        for below in sorted(ends)
        if level.get(above, 0) <= level.get(below, 0)
    ]
    assert not wrong, "an import goes to a lower layer of the table in CONTRIBUTING.md"


def test_a_circle_is_seen():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == ["b", "c"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
