"""The workflows name sessions that exist, and run nothing whose version is not fixed."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
REQUIREMENTS = ROOT / ".ci" / "requirements.txt"


NOXFILE = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))


def decorated() -> dict[str, ast.FunctionDef]:
    """Sessions of nox by name."""
    functions = [node for node in NOXFILE.body if isinstance(node, ast.FunctionDef)]
    return {
        node.name: node
        for node in functions
        if any(ast.unparse(d).startswith("nox.session") for d in node.decorator_list)
    }


def sessions() -> set[str]:
    values = {
        ast.unparse(node.targets[0]): node.value
        for node in NOXFILE.body
        if isinstance(node, ast.Assign)
    }
    return {*decorated(), *(f"tests({room})" for room in ast.literal_eval(values["TESTS"]))}


def test_the_smoke_job_runs_every_study():
    """The tag is the one list: a session has it if and only if it runs a study."""
    calls = {name: ast.unparse(node) for name, node in decorated().items()}
    studies = {name for name, code in calls.items() if " study(session" in code}
    tagged = {name for name, code in calls.items() if "tags=['studies']" in code}
    assert len(studies) >= 12
    assert tagged == studies
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert "- run: nox -t studies -- --preset smoke\n" in text


def test_nothing_is_published_with_a_secret():
    for path in WORKFLOWS:
        text = path.read_text(encoding="utf-8")
        assert "secrets." not in text, path
        assert ("id-token: write" in text) == (path.stem in ("release", "pages")), path


def granted(text: str) -> list[str]:
    """Permissions to write that a workflow has, each with the job that has it."""
    found, job = [], ""
    for line in text.splitlines():
        job = name[1] if (name := re.match(r"  (\w+):$", line)) else job
        if "permissions:" in line:
            found += [f"{job}: {each}" for each in re.findall(r"([\w-]+): write", line)]
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_reads_and_only_what_publishes_writes(path):
    text = path.read_text(encoding="utf-8")
    assert re.search(r"^permissions: \{ contents: read \}$", text, re.MULTILINE)
    assert granted(text) == {
        "release": ["publish: id-token"],
        "pages": ["deploy: pages", "deploy: id-token"],
    }.get(path.stem, [])
    assert "write-all" not in text
    assert text.count("persist-credentials: false") == text.count("uses: actions/checkout@")


def test_what_is_built_is_what_is_published():
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    assert text.index("nox -s wheels -- dist") < text.index("uv publish")
    assert "uv publish --trusted-publishing always dist/*.whl dist/*.tar.gz\n" in text


def test_the_form_for_issues_asks_for_what_the_doctor_says():
    (form,) = (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")
    asked = form.read_text(encoding="utf-8").partition("id: doctor")[2].partition("- type:")[0]
    assert "`nox -s doctor`" in asked
    assert "`python -m experiments doctor`" in asked
    assert "required: true" in asked
    assert "doctor" in sessions()


def test_a_pull_request_is_asked_three_things():
    text = (ROOT / ".github" / "PULL_REQUEST_TEMPLATE.md").read_text(encoding="utf-8")
    assert [line[:2] for line in text.splitlines()] == ["- "] * 3


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


def unpinned(text: str) -> list[str]:
    """Actions that lack a commit and, in a comment, its version; installations that are loose."""
    actions = re.findall(r"^ *(?:- )?uses: *(.+)$", text, re.MULTILINE)
    loose = [a for a in actions if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}  # v\d+(\.\d+)+", a)]
    installed = re.findall(r"\b(?:pip3? install|uv tool|uvx|pipx)\b.*", text)
    return loose + [i for i in installed if not i.endswith("--requirement .ci/requirements.txt")]


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / ".ci" / "run"], ids=lambda path: path.stem)
def test_workflows_run_nothing_unpinned(path):
    assert unpinned(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "- uses: actions/checkout@v4",
        "- uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1",
        "  uses: someone/something@main  # v1.0.0",
        '- run: pip install "nox[uv]"',
        "- run: uvx pip-audit",
    ],
)
def test_the_check_for_pins_sees_what_is_loose(line):
    assert len(unpinned(f"steps:\n      {line}\n")) == 1


def test_what_starts_the_checks_is_pinned_with_its_digests():
    lines = re.sub(r"\\\n", " ", REQUIREMENTS.read_text(encoding="utf-8")).splitlines()
    packages = [line for line in lines if not line.startswith("#")]
    for line in packages:
        assert re.match(r"[\w.-]+==[\w.]+ .*--hash=sha256:[0-9a-f]{64}", line), line
    assert {"nox", "uv"} <= {line.partition("==")[0] for line in packages}
