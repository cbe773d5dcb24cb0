"""The code in the READMEs runs, each block by itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NEEDS = {"seq_torch": "needs_torch", "lcde_jax": "needs_jax"}
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks() -> list:
    """Every block, under the name of its README and what it imports of ours."""
    found = []
    for path in (ROOT / "README.md", *sorted((ROOT / "packages").glob("*/README.md"))):
        for number, code in enumerate(BLOCK.findall(path.read_text(encoding="utf-8"))):
            (package,) = {"lcde_jax", "seq_torch"} & set(re.split(r"\W+", code)) or {"seqtheory"}
            name = f"{path.parent.name if path.parent != ROOT else 'root'}-{number}-{package}"
            marks = getattr(pytest.mark, NEEDS[package]) if package in NEEDS else ()
            found.append(pytest.param(code, package, id=name, marks=marks))
    return found


def test_there_are_some():
    assert len(blocks()) >= 8


@pytest.mark.parametrize(("code", "package"), blocks())
def test_a_block_runs(code, package, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # one of them writes a file
    exec(compile(code, package, "exec"), {})
