"""Every reader takes what it is given, or refuses it by its own error: fuzzed from a fixed seed."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TABLES = [Path(__file__).with_name(name) for name in ("file_readers.py", "record_readers.py")]


def names(table: Path) -> list[str]:
    """Keys of a table, which is not imported here: each reader has a process of its own."""
    (readers,) = (
        node.value
        for node in ast.parse(table.read_text()).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "READERS"
    )
    assert isinstance(readers, ast.Dict)
    return [ast.literal_eval(key) for key in readers.keys if key is not None]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is bounded on Linux")
@pytest.mark.parametrize(
    ("table", "reader"),
    [pytest.param(table, name, id=name) for table in TABLES for name in names(table)],
)
def test_a_reader_gives_a_value_or_its_error(
    table: Path, reader: str, fuzzed: Callable[..., list[dict[str, Any]]]
) -> None:
    assert fuzzed(table, reader) == []
