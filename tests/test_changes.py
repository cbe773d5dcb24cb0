"""Fragments of the changelog stand where the tool that joins them looks, and say something."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CHANGES = ROOT / "changes"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["towncrier"]
PACKAGES = {section["path"] for section in SETTINGS["section"]}
KINDS = {kind["directory"] for kind in SETTINGS["type"]}
FRAGMENTS = sorted(path for path in CHANGES.rglob("*") if path.is_file() and path.parent != CHANGES)


def misplaced(path: Path) -> str:
    """Say what is wrong with a fragment's place or name, or nothing."""
    folder, *rest = path.parts
    if folder not in PACKAGES or len(rest) != 1:
        return f"{path}: expected changes/PACKAGE/NAME.KIND.md, PACKAGE one of {sorted(PACKAGES)}"
    name = rf"{SETTINGS['issue_pattern']}\.({'|'.join(sorted(KINDS))})\.md"
    return "" if re.fullmatch(name, rest[0]) else f"{path}: expected a name like {name}"


def test_nothing_else_lies_beside_the_fragments() -> None:
    assert {path.name for path in CHANGES.iterdir()} <= {
        "README.md",
        Path(SETTINGS["template"]).name,
        *PACKAGES,
    }


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.name)
def test_a_fragment_is_well_named_and_is_text_alone(path: Path) -> None:
    assert not misplaced(path.relative_to(CHANGES))
    text = path.read_text(encoding="utf-8")
    assert re.match(r"[^\s#*-]", text), f"{path}: begin with the sentence: no heading, no bullet"
    assert text.endswith("\n")
    assert "\n\n" not in text


@pytest.mark.parametrize(
    ("place", "refused"),
    [
        ("seq-torch/retnet.added.md", False),
        ("core/retnet.added.md", True),
        ("seq-torch/retnet.feature.md", True),
        ("seq-torch/retnet.added", True),
        ("seq-torch/Ret_net.added.md", True),
        ("seq-torch/deeper/retnet.added.md", True),
        ("retnet.added.md", True),
    ],
)
def test_what_the_tool_would_overlook_is_refused(place: str, refused: bool) -> None:
    assert bool(misplaced(Path(place))) == refused


def test_the_readme_names_every_package_and_kind() -> None:
    named = set(re.findall(r"`([\w-]+)`", (CHANGES / "README.md").read_text(encoding="utf-8")))
    assert named >= PACKAGES | KINDS


def test_a_release_goes_to_the_top_of_the_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    before, found, after = text.partition(SETTINGS["start_string"])
    assert found
    assert "\n## " not in before
    assert "\n## " in after
