"""Every operation is one folder of one shape, and its table names the backends that are there."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

import seq_torch
from seq_torch import ops
from seq_torch.ops.glue import backend

FOLDER = Path(ops.__file__).parent
OPERATIONS = sorted(path.parent.name for path in FOLDER.glob("*/scan.py"))
ALWAYS = {"__init__", "scan", "problem", "reference"}
WHERE_THEY_EXIST = {"parallel", "chunked", "fused", "operator", "cuda"}
# What one operation alone has: the cut of its kernels and their layout; its kinds of matrices, and
# a table of them; a choice, and the routes by which another operation runs it.
BESIDE = {
    "selective": {"split", "layout"},
    "structured": {"transitions", "tokens"},
    "one_hot": {"choice", "routed"},
}
BY_ANOTHER = {"one_hot": {"fused", "chunked", "parallel"}}  # of the structured scan


def table(operation: str) -> tuple[backend.Backend, ...]:
    return import_module(f"seq_torch.ops.{operation}.scan").BACKENDS


def test_every_scan_has_a_folder():
    assert {f"{name}_scan" for name in OPERATIONS} == {n for n in ops.__all__ if "_scan" in n}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_folder_holds_the_files_of_the_shape(operation):
    names = {path.stem for path in (FOLDER / operation).glob("*.py")}
    assert names >= ALWAYS
    assert names - ALWAYS - WHERE_THEY_EXIST == BESIDE.get(operation, set())
    assert ("fused" in names) == ("operator" in names)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_table_lists_the_backends_that_have_a_file(operation):
    names = [each.name for each in table(operation)]
    files = {path.stem for path in (FOLDER / operation).glob("*.py")} & set(backend.BACKENDS)
    assert len(names) == len(set(names))
    assert set(names) == files | BY_ANOTHER.get(operation, set())


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_docstring_offers_the_backends_of_the_table(operation):
    documentation = getattr(ops, f"{operation}_scan").__doc__
    said = re.search(r"\n    backend\n(.+?)\n\n", documentation, re.DOTALL)[1]
    assert set(re.findall(r"``\"(\w+)\"``", said)) == {"auto", *(e.name for e in table(operation))}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_reference_runs_everywhere(operation):
    (reference,) = (each for each in table(operation) if each.name == "reference")
    assert reference.obstacles is backend.nothing


def test_the_glue_knows_no_operation_by_name():
    for path in (FOLDER / "glue").glob("*.py"):
        assert not re.search(r"\b\w+_scan\b", path.read_text(encoding="utf-8")), path


def test_the_package_uses_no_path_that_moved():
    files = {p.stem for p in FOLDER.glob("*.py") if "Moved to" in p.read_text(encoding="utf-8")}
    moved = files | seq_torch.ops._MOVED.keys()
    assert "backend" in moved
    wrong = re.compile(rf"(?:from \.+(?:ops)?\.|from seq_torch\.ops\.)(?:{'|'.join(moved)}) import")
    for path in Path(seq_torch.__file__).parent.rglob("*.py"):
        inside = path.parent in (FOLDER / "glue", FOLDER / "kernels")
        assert inside or not wrong.search(path.read_text(encoding="utf-8")), path
