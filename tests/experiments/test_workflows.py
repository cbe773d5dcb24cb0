"""The workflows name sessions that exist, in words that a shell can read."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def sessions() -> set[str]:
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    named = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and "nox.session" in map(ast.unparse, node.decorator_list)
    }
    values = {
        ast.unparse(node.targets[0]): node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
    }
    return named | {f"tests({room})" for room in ast.literal_eval(values["TESTS"])}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_run_sessions_that_exist(path):
    text = path.read_text(encoding="utf-8")
    matrix = re.findall(r'sessions: "([^"]+)"', text)
    commands = re.findall(r"run: nox -s ([^$\n]+?)(?: -- .*)?$", text, re.MULTILINE)
    named = {name for line in matrix + commands for name in shlex.split(line)}
    assert named
    assert named - {"toy"} <= sessions()
    for line in matrix:  # pasted into a command: a bare parenthesis would be bash syntax
        assert "(" not in re.sub(r"'[^']*'", "", line)
