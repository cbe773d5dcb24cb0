"""Whether git holds the source of a record: histories made here, and the published records."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from experiments.commands import reproduce
from experiments.store import recovery, source, stored

MODULE = b'"""Prose."""\n\nVALUE = 1\n'


@pytest.fixture
def history(tmp_path, monkeypatch):
    """Make a repository of its own the one in which records are looked for."""
    folder = tmp_path / "repository"
    path = folder / "packages" / "core" / "src" / "seqtheory" / "module.py"
    study = folder / "experiments" / "toy" / "linear_cde.py"

    def git(*arguments: str) -> str:
        names = ("-c", "user.name=A", "-c", "user.email=a@b.c")
        command = ("git", "-C", str(folder), *names, *arguments)
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(content: bytes) -> str:
        path.write_bytes(content)
        git("add", "--all")
        git("commit", "--quiet", "--message", "x")
        return git("rev-parse", "HEAD")

    for each in (path, study):
        each.parent.mkdir(parents=True)
        each.write_bytes(b"VALUE = 0\n")
    git("init", "--quiet")
    use(folder, monkeypatch)
    return SimpleNamespace(folder=folder, commit=commit)


def use(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "_GIT", (*recovery._GIT[:3], "-C", str(folder)))
    monkeypatch.setattr(recovery, "_contents", {})
    recovery._files.cache_clear()
    recovery._answer.cache_clear()


@pytest.fixture(autouse=True)
def _forget():
    yield
    recovery._files.cache_clear()
    recovery._answer.cache_clear()


def record(commit: str | None, older: dict | None = None, code: dict | None = None):
    origin = None if code is None else {"code": code, "environment": {}, "data": {}}
    provenance = {"git": commit and {"commit": commit, "dirty": True}, "source": older}
    return SimpleNamespace(study="toy.linear_cde", provenance=provenance, origin=origin)


def test_source_is_recovered_from_the_commit_on_record_and_no_other(history):
    first, second = history.commit(MODULE), history.commit(MODULE + b"OTHER = 2\n")
    older = {
        "seqtheory/module.py": stored.sha256(MODULE),
        "study/linear_cde.py": stored.sha256(b"VALUE = 0\n"),
    }
    newer = {"seqtheory/module.py": source.code_digest(b"VALUE = 1  # a comment\n")}
    for held in ({"older": older}, {"code": newer}):
        assert recovery.recovered(record(first, **held)) is True
        assert recovery.recovered(record(second, **held)) is False
        assert recovery.recovered(record("0" * 40, **held)) is False
        assert recovery.recovered(record(None, **held)) is False
    absent = {**newer, "seqtheory/absent.py": "0" * 64}
    assert recovery.recovered(record(first, code=absent)) is False
    assert recovery.recovered(record(first)) is None


def test_a_commit_of_another_branch_is_not_in_the_history(history):
    history.commit(MODULE)
    apart = history.commit(MODULE + b"OTHER = 2\n")
    code = {"seqtheory/module.py": source.code_digest(MODULE + b"OTHER = 2\n")}
    assert recovery.recovered(record(apart, code=code)) is True
    back = ("git", "-C", str(history.folder), "reset", "--quiet", "--hard", "HEAD~1")
    subprocess.run(back, check=True)
    recovery._files.cache_clear()
    recovery._answer.cache_clear()
    assert recovery.recovered(record(apart, code=code)) is False


def test_what_git_does_not_know_is_not_judged(history, tmp_path, monkeypatch):
    first = history.commit(MODULE)
    last = history.commit(MODULE + b"OTHER = 2\n")
    code = {"seqtheory/module.py": source.code_digest(MODULE)}
    shallow = tmp_path / "shallow"
    subprocess.run(
        ("git", "clone", "--quiet", "--depth=1", f"file://{history.folder}", str(shallow)),
        check=True,
    )
    use(shallow, monkeypatch)
    assert recovery.recovered(record(first, code=code)) is None
    assert recovery.recovered(record(last, code=code)) is False
    use(tmp_path, monkeypatch)
    assert recovery.recovered(record(first, code=code)) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    use(history.folder, monkeypatch)
    assert recovery.recovered(record(first, code=code)) is None


def test_records_are_told_together(history):
    first, second = history.commit(MODULE), history.commit(MODULE + b"OTHER = 2\n")
    code = {"seqtheory/module.py": source.code_digest(MODULE)}
    whole, lost = record(first, code=code), record(second, code=code)
    made = f"made at commit {first[:8]} from source"
    assert recovery.summary([whole, whole]) == f"{made} in this repository's history"
    assert recovery.summary([lost]).endswith("from source not in this repository's history")
    assert recovery.summary([whole, whole, lost]).endswith("history; 2 of 3 from source in it")
    assert recovery.summary([record(first)]) == f"made at commit {first[:8]}"
    assert recovery.summary([record(None, code=code)]).startswith("made from source not in")


@pytest.mark.skipif(
    not recovery.is_repository() or recovery.is_shallow(), reason="needs the whole history"
)
def test_most_published_records_can_be_made_from_their_source_again():
    found = [recovery.recovered(held) for held in reproduce.published()]
    assert None not in found
    assert sum(map(bool, found)) >= 865
