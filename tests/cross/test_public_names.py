"""Every public name is frozen: whatever moves stays importable where it was.

Of the packages these are the public names of all modules; of `experiments` what studies
import, and beyond that the modules alone.

A name is removed only after a minor release that warned (see CONTRIBUTING.md); its line then leaves
``public_names.json`` in the same commit. New names join by running this file as a script.
"""

from __future__ import annotations

import ast
import importlib
import json
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FROZEN_FILE = Path(__file__).with_name("public_names.json")
FROZEN: dict[str, list[str]] = json.loads(FROZEN_FILE.read_text(encoding="utf-8"))
SOURCES = {
    "seqtheory": ROOT / "packages/core/src",
    "lcde_jax": ROOT / "packages/lcde_jax/src",
    "seq_torch": ROOT / "packages/seq_torch/src",
    "experiments": ROOT,
}
OF_A_STUDY = tuple(
    f"experiments.{name}"
    for name in ("run", "study", "record", "recorder", "fitting", "claim", "exit_code", "overrides")
)


def modules(package: str) -> list[tuple[str, Path]]:
    """Public modules of a package, by name: no part of it begins with an underscore."""
    root = SOURCES[package]
    found = []
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not any(part.startswith("_") for part in parts):
            found.append((".".join(parts), path))
    return found


def public_names(module: str, path: Path) -> list[str]:
    """What a module's ``__all__`` lists; without one its own public classes and functions."""
    body = ast.parse(path.read_bytes()).body
    for node in body:
        if isinstance(node, ast.Assign) and "__all__" in map(ast.unparse, node.targets):
            try:
                return sorted(ast.literal_eval(node.value))
            except ValueError:  # made when the module is imported
                break
    if module.startswith("experiments.") and module not in OF_A_STUDY:
        return []
    kinds = (ast.ClassDef, ast.FunctionDef)
    return sorted(n.name for n in body if isinstance(n, kinds) and not n.name.startswith("_"))


@pytest.mark.parametrize("module", FROZEN)
def test_a_module_offers_all_that_it_offered(module: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a path that moved says so
        loaded = importlib.import_module(module)
        missing = [name for name in FROZEN[module] if not hasattr(loaded, name)]
    assert not missing


def test_the_list_holds_every_public_module() -> None:
    known = {name for package in SOURCES for name, _ in modules(package)}
    assert not known - FROZEN.keys(), "run this file as a script to add them"


if __name__ == "__main__":
    today = {n: public_names(n, path) for package in SOURCES for n, path in modules(package)}
    union = {n: sorted({*FROZEN.get(n, ()), *today.get(n, ())}) for n in {*FROZEN, *today}}
    FROZEN_FILE.write_text(json.dumps(dict(sorted(union.items())), indent=0) + "\n", "utf-8")
