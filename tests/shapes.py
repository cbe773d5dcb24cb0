"""Check at every call that arguments and results are what annotations say, shapes included.

A plugin of pytest (``-p tests.shapes``). It reads the modules of the three packages anew, so that
the first call of a function or method compiles its annotations: beartype judges the types, and
jaxtyping the shapes, whose named dimensions agree within a call. Names that a module imports for
type checkers alone are imported then, when no circle of imports can arise any more.

Left out are annotations with `Self`, functions that numba or triton compile, and inner functions.
"""

from __future__ import annotations

import ast
import functools
import importlib.abc
import importlib.machinery
import inspect
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from beartype import BeartypeConf, FrozenDict, beartype
from jaxtyping import jaxtyped

PACKAGES = ("seqtheory", "lcde_jax", "seq_torch")
COMPILED_BY = ("numba", "njit", "triton")
NUMBERS = {  # each holds the smaller ones, and NumPy's
    int: int | np.integer,
    float: float | int | np.integer | np.floating,
    complex: complex | float | int | np.number,
}
CHECKER = beartype(conf=BeartypeConf(hint_overrides=FrozenDict(NUMBERS)))
NAME = "_checked_by_annotations"
_for_checkers: dict[str, types.CodeType] = {}  # what a module imports for type checkers, by module


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Check the calls of a function against its annotations, which the first call compiles.

    A call that raises is not judged: tests hand over what must be refused, too.
    """
    results: list[Any] = []

    def result(*_: Any, **__: Any) -> Any:
        return results.pop()

    @functools.cache
    def judge() -> Callable[..., Any]:
        names = function.__globals__
        if (block := _for_checkers.pop(names["__name__"], None)) is not None:
            exec(block, names)
        annotations = function.__annotations__.items()
        kept = {name: said for name, said in annotations if "Self" not in str(said)}
        # A function of the module's own globals, in which the annotations are looked up.
        same = types.FunctionType(result.__code__, names, closure=result.__closure__)
        functools.update_wrapper(same, function)
        same.__annotations__ = kept
        same.__signature__ = inspect.signature(function)
        del same.__wrapped__
        return jaxtyped(typechecker=CHECKER)(same)

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        found = function(*arguments, **options)
        results.append(found)
        judge()(*arguments, **options)
        return found

    return call


class Loader(importlib.machinery.SourceFileLoader):
    """Loads a module whose functions and methods are `checked`."""

    def exec_module(self, module: types.ModuleType) -> None:
        tree = ast.parse(self.get_data(self.path), self.path)
        for block in [node for node in tree.body if _is_for_checkers(node)]:
            code = ast.Module(block.body, [])
            _for_checkers[module.__name__] = compile(code, self.path, "exec")
        decorate(tree)
        vars(module)[NAME] = checked
        exec(compile(tree, self.path, "exec", dont_inherit=True), vars(module))


def _is_for_checkers(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def decorate(body: ast.Module | ast.ClassDef) -> None:
    """Give each function of a module or class the decorator nearest to it."""
    for node in body.body:
        if isinstance(node, ast.ClassDef):
            decorate(node)
        elif isinstance(node, ast.FunctionDef):
            said = " ".join(map(ast.unparse, node.decorator_list))
            if not any(word in said for word in COMPILED_BY):
                mark = ast.copy_location(ast.Name(NAME, ast.Load()), node)
                node.decorator_list.append(mark)


class Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of the three packages where they are found without it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] not in PACKAGES:
            return None
        for finder in sys.meta_path:
            if finder is self or (spec := finder.find_spec(name, path, None)) is None:
                continue
            if isinstance(spec.loader, importlib.machinery.SourceFileLoader):
                spec.loader = Loader(spec.loader.name, spec.loader.path)
            return spec
        return None


def pytest_configure(config: pytest.Config) -> None:
    """Stand before the other finders, while none of the packages is imported."""
    # Hypothesis watches `random`, by which beartype picks the items of a list that it looks at.
    config.addinivalue_line("filterwarnings", "ignore:Do not use the `random` module")
    assert not set(PACKAGES) & set(sys.modules), "the packages are imported already"
    sys.meta_path.insert(0, Finder())
