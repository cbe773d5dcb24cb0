"""A read that the system refuses says nothing about the file: it is told, and all is left alone."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from experiments import exit_code, study
from experiments.__main__ import main
from experiments.data import folder as data_folder
from experiments.record import Record, find
from experiments.store import inputs, source, stored
from experiments.store.checkpoint import newest_origin
from experiments.store.stored import ReadError, RejectedFileError
from seqtheory import _plain_file, word_csv

PASSING = [errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.EIO, errno.EACCES]
NAMES = [errno.errorcode[number] for number in PASSING]


class Refusing:
    """Stands in for `os` in the one place that reads: calls for files of one name are refused."""

    def __init__(self, number: int, name: str) -> None:
        self.number, self.name = number, name

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def open(self, path: Path, *rest: int) -> int:
        if Path(path).name == self.name:
            raise OSError(self.number, os.strerror(self.number), os.fspath(path))
        return os.open(path, *rest)


class FailingDisk(Refusing):
    """Files open and do not read."""

    def fdopen(self, *_: object, **__: object) -> object:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.fixture(params=PASSING, ids=NAMES)
def refused(request, monkeypatch):
    def refuse(name: str) -> str:
        monkeypatch.setattr(_plain_file, "os", Refusing(request.param, name))
        return os.strerror(request.param)

    return refuse


@pytest.fixture
def finished(bench) -> Path:
    job = bench.job()
    assert bench.perform(job).status == "done"
    return Path(job.folder)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", ["DONE", "walk.safetensors"])
def test_a_finished_record_is_not_corrupt_for_that(
    bench, finished, refused, monkeypatch, capsys, name
):
    before = everything(bench.results)
    why = refused(name)
    with pytest.raises(ReadError, match=f"could not read {finished / name}: {why}"):
        Record.open(finished)
    outcome = bench.perform(bench.job())
    assert (outcome.status, outcome.code) == ("unfinished", exit_code.FAILED)
    assert f"could not read {finished / name}: {why}" in outcome.message
    assert main(["run", str(bench.study), "--results", str(bench.results)]) == exit_code.FAILED
    assert f"error: could not read {finished / name}: {why}" in capsys.readouterr().err
    assert main(["verify", str(bench.study), "--results", str(bench.results)]) == exit_code.FAILED
    assert "1 unreadable" in capsys.readouterr().out
    assert main(["list", str(bench.study), "--results", str(bench.results)]) == exit_code.OK
    assert "1 unreadable" in capsys.readouterr().out
    monkeypatch.undo()
    assert bench.perform(bench.job()).status == "done"
    kept = everything(bench.results)
    assert {path: kept[path] for path in before} == before
    assert not [path for path in kept if ".corrupt" in path]


def test_a_checkpoint_is_kept_and_gone_on_from(bench, refused, untouched, contents, monkeypatch):
    job = bench.job()
    bench.interrupt(job, step=10)
    checkpoints = Path(job.folder) / "checkpoints"
    before = everything(checkpoints)
    why = refused("tensors.safetensors")
    outcome = bench.perform(job)
    assert (outcome.status, outcome.code) == ("unfinished", exit_code.FAILED)
    assert why in outcome.message
    assert everything(checkpoints) == before
    monkeypatch.undo()
    assert bench.perform(job).status == "done"
    assert Record.open(Path(job.folder)).provenance["sessions"][-1]["resumed_from"] == 10
    assert contents(job.folder) == untouched(job)


def test_origins_and_earlier_sessions_are_not_taken_for_absent(bench, refused):
    job = bench.job()
    bench.interrupt(job)
    refused("state.json")
    with pytest.raises(ReadError, match=r"state\.json"):
        newest_origin(Path(job.folder) / "checkpoints")
    refused("provenance.json")
    assert "provenance.json" in bench.perform(job).message


def test_a_disk_that_fails_while_it_reads_is_told_with_the_path(finished, monkeypatch):
    monkeypatch.setattr(_plain_file, "os", FailingDisk(0, "none"))
    with pytest.raises(ReadError, match=f"could not read {finished / 'DONE'}: Input/output error"):
        Record.open(finished)


def test_a_folder_that_the_system_does_not_show_is_not_absent(bench, finished, monkeypatch):
    def hidden(path: Path) -> os.stat_result:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))

    found = study.load(str(bench.study))
    monkeypatch.setattr(Path, "lstat", hidden)
    with pytest.raises(ReadError, match="Stale file handle; the network file system"):
        find(found.name, found.version, found.runs("smoke"), [bench.results])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.symlink_to("elsewhere"), "is a symbolic link"),
        (lambda path: path.mkdir(), "but a folder"),
        (lambda path: os.mkfifo(path), "not a regular file"),
    ],
    ids=["link", "folder", "pipe"],
)
def test_what_is_no_file_is_damage(finished, make, reason):
    path = finished / "notes.json"
    path.unlink(missing_ok=True)
    make(path)
    with pytest.raises(RejectedFileError, match=reason):
        stored.read_bytes(path, 100)
    with pytest.raises(RejectedFileError, match="Not a directory"):
        stored.read_bytes(finished / "run.json" / "x", 100)


@pytest.mark.parametrize("number", PASSING, ids=NAMES)
def test_source_and_data_are_not_taken_for_missing_or_damaged(tmp_path, monkeypatch, number):
    def refuse(self: Path, *_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(self))

    path = tmp_path / "some.py"
    path.write_text("x = 1\n")
    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(_plain_file, "os", Refusing(number, path.name))
    for reader in (source.content, inputs.digest, data_folder.read):
        with pytest.raises(ReadError, match=f"could not read {path}: {os.strerror(number)}"):
            reader(path)
    with pytest.raises(OSError, match=f"{os.strerror(number)}: '{path}'"):
        word_csv.read(path)


def test_a_source_file_that_is_gone_is_missing(tmp_path):
    assert source.content(tmp_path / "gone.py") is None
    (tmp_path / "folder.py").mkdir()
    assert source.content(tmp_path / "folder.py") is None
    shutil.rmtree(tmp_path / "folder.py")
