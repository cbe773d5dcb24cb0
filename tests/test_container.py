"""What the recipe of the image says agrees with the workspace; no test builds it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "Containerfile").read_text(encoding="utf-8")
LINES = [
    line for line in re.sub(r"\\\n\s*", "", TEXT).splitlines() if line and not line.startswith("#")
]
STAGES = " \n".join(LINES).split("FROM ")[1:]
LOCK = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]


def said(instruction: str, lines: list[str] = LINES) -> list[str]:
    """What stands behind each line of an instruction."""
    return [line.partition(" ")[2] for line in lines if line.startswith(f"{instruction} ")]


def test_every_line_is_an_instruction():
    known = {"ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "FROM", "RUN", "USER", "WORKDIR"}
    assert {line.split(" ")[0] for line in LINES} == known


def test_the_toolkit_is_the_one_of_the_locked_torch():
    (runtime,) = {p["version"] for p in LOCK if p["name"] == "nvidia-cuda-runtime"}
    (toolkit,) = re.findall(r"^ARG CUDA=(.+)$", TEXT, re.MULTILINE)
    assert toolkit.split(".")[:2] == runtime.split(".")[:2]
    images = said("FROM")
    assert all(image.startswith("nvidia/cuda:${CUDA}-") for image in images)  # no host is named
    assert len(images) == 2


def test_it_installs_the_lock_and_nothing_else():
    syncs = re.findall(r"uv sync ([^&\n]*)", "\n".join(LINES))
    assert len(syncs) == 2
    for sync in syncs:
        assert "--frozen" in sync
        for package, extra in (("experiments", "torch"), ("seq-torch", "cuda")):
            assert f"--package {package} --extra {extra}" in sync
            (held,) = (p for p in LOCK if p["name"] == package)
            assert extra in held["optional-dependencies"]
    (pip,) = re.findall(r"pip install ([^&\n]*)", "\n".join(LINES))
    assert pip.strip().endswith("--requirement .ci/requirements.txt")


def test_what_is_copied_is_there_and_every_member_is_known_before_the_first_sync():
    copied = [line.split(" ")[:-1] for line in said("COPY") if not line.startswith("--from")]
    assert all((ROOT / name).exists() for names in copied for name in names)
    before = TEXT.partition("uv sync")[0]
    members = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for member in members["tool"]["uv"]["workspace"]["members"]:
        assert f"COPY {member}/pyproject.toml {member}/pyproject.toml\n" in before


def test_it_runs_the_studies_without_rights():
    last = STAGES[-1].splitlines()
    assert said("USER", last)[-1].strip() not in ("root", "0")
    place = said("WORKDIR", last)[-1].strip()
    (entry,), (command,) = said("ENTRYPOINT", last), said("CMD", last)
    assert json.loads(entry) == [f"{place}/.venv/bin/python", "-m", "experiments"]
    assert json.loads(command) == ["doctor"]


def test_indexes_of_packages_are_removed_in_the_layer_that_reads_them():
    for line in said("RUN"):
        if "apt-get update" in line:
            assert "--no-install-recommends" in line
            assert "rm -rf /var/lib/apt/lists/*" in line


def test_what_git_ignores_is_no_part_of_it():
    """All but the results and the like of one machine; .git stays, since records name a commit."""
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {".nox", ".venv", "results", "**/__pycache__"} <= {*left_out}
    assert ".git" not in left_out
