"""What SECURITY.md promises is what the repository's own settings and code say."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = " ".join((ROOT / "SECURITY.md").read_text(encoding="utf-8").split())
CODE = [*(ROOT / "packages").glob("*/src/**/*.py"), *(ROOT / "experiments").rglob("*.py")]


@pytest.mark.parametrize(
    "said",
    [
        "## Versions",
        "## Reporting",
        "## What is a boundary",
        "## What is no boundary",
        "Records, archives of records, attestations, checkpoints",
        "safetensors",
        "Guests and studies are code.",
        "A seal is no signature.",
    ],
)
def test_it_says_what_is_and_what_is_not_a_boundary(said: str) -> None:
    assert said in TEXT


def test_nothing_is_unpickled() -> None:
    loads = re.compile(r"\bpickle\.loads?\(|\btorch\.load\(|allow_pickle=True|\bjoblib\.load\(")
    assert len(CODE) > 400
    assert [path for path in CODE if loads.search(path.read_text(encoding="utf-8"))] == []


def test_the_cool_down_and_the_weekly_look_are_as_it_says() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["uv"]
    assert settings["exclude-newer"] == "7 days"
    assert "no release younger than seven days" in TEXT
    scheduled = (ROOT / ".github" / "workflows" / "scheduled.yml").read_text(encoding="utf-8")
    assert re.search(r'cron: "\d+ \d+ \* \* \d"', scheduled)
    assert "- run: nox -s audit\n" in scheduled


def test_the_changelog_has_the_heading_that_it_names() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert "Security" in [kind["name"] for kind in settings["towncrier"]["type"]]
