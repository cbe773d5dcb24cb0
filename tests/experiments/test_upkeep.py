"""`verify` finds what is damaged; `clean` removes what no record needs, and nothing else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from experiments import exit_code
from experiments import study as studies
from experiments.__main__ import main
from experiments.commands import broom, loader, verification
from experiments.record import Record
from experiments.store import shelf


def answer(*arguments: object) -> int:
    return main([str(a) for a in arguments])


@pytest.fixture
def folder(tmp_path: Path, study_file: Path) -> Path:
    """Three finished records, in the folder of their study."""
    assert answer("run", study_file, "--results", tmp_path / "results") == 0
    return tmp_path / "results" / "my_study"


def records(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob("*/run.json") if "." not in path.parent.name)


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_whole_records_are_verified_and_the_published_ones_are_among_them(folder, capsys):
    assert answer("verify", "--results", folder.parent) == exit_code.OK
    out = capsys.readouterr().out
    published = sum(map(len, map(shelf.records, shelf.study_folders(verification.PUBLISHED))))
    assert published > 0
    assert f"{published + 3} records: " in out
    assert "damaged" not in out


@pytest.mark.parametrize(
    "command", [("verify",), ("show", "0123abcd"), ("table", "toy.linear_cde")], ids=lambda c: c[0]
)
def test_where_no_published_records_are_installed_it_is_said(
    command, tmp_path, monkeypatch, capsys
):
    for module in (studies, verification, loader):
        monkeypatch.setattr(module, "PUBLISHED", tmp_path / "absent")
    answer(*command, "--results", tmp_path / "results")
    said = "".join(capsys.readouterr())
    assert "published records are in the repository alone, at experiments/published" in said


@pytest.mark.parametrize("name", ["run.json", "metrics.jsonl", "walk.safetensors", "DONE"])
def test_a_damaged_record_is_named_with_exit_4(folder, study_file, capsys, name):
    (first, *_) = records(folder)
    content = bytearray((first / name).read_bytes())
    content[len(content) // 2] ^= 1
    (first / name).write_bytes(content)
    capsys.readouterr()
    assert answer("verify", study_file, "--results", folder.parent) == exit_code.DATA
    out = capsys.readouterr().out
    assert out.count("damaged: ") == 1
    assert str(first) in out
    assert out.endswith("3 records: 1 damaged, 2 done\n")


def test_a_record_in_the_folder_of_another_study_is_damaged(folder, capsys):
    other = folder.with_name("other_study")
    shutil.copytree(folder, other)
    assert answer("verify", "--results", folder.parent) == exit_code.DATA
    assert capsys.readouterr().out.count("is a record of my_study") == 3


def test_an_unfinished_record_need_only_be_readable(folder, study_file, capsys):
    first, second, _ = records(folder)
    for path in (first, second):
        (path / "DONE").unlink()
    assert answer("verify", study_file, "--results", folder.parent) == exit_code.OK
    assert "1 done, 2 unfinished" in capsys.readouterr().out
    (second / "notes.json").write_text('{"half":')
    assert answer("verify", study_file, "--results", folder.parent) == exit_code.DATA
    assert str(second / "notes.json") in capsys.readouterr().out


def test_nothing_is_left_over_after_whole_runs_but_their_locks(folder, capsys):
    before = everything(folder)
    assert answer("clean", "--results", folder.parent) == 0
    out = capsys.readouterr().out
    assert f"{folder}: 4 locks that nobody holds" in out  # one of them of the folder itself
    assert out.endswith("4 left over; --yes removes them\n")
    assert everything(folder) == before


@pytest.fixture
def littered(folder: Path) -> tuple[Path, set[str]]:
    """Records with every kind of leftover; returns what is to stay as well."""
    first, second, third = records(folder)
    keep = everything(folder) - {p.name for p in folder.glob(".*.lock")}
    shutil.copytree(first, folder / f"{first.name}.superseded")
    shutil.copytree(first, folder / f"{first.name}.corrupt.1")
    shutil.copytree(first, folder / ("0" * 16 + ".corrupt"))  # of a run that was not done again
    (first / ".notes.json.1.abcd.tmp").write_text("half")
    (second / "checkpoints" / "step_5.corrupt").mkdir(parents=True)
    keep.add(f"{second.name}/checkpoints")
    third.rename(folder / f"{third.name}.superseded")  # the newer one never came to an end
    keep = {name.replace(third.name, f"{third.name}.superseded") for name in keep}
    old, new = folder / ".table.md.1.abcd.tmp", folder / ".table.md.2.abcd.tmp"
    for path in (old, new):
        path.write_text("half")
    os.utime(old, (0, 0))
    keep.add(new.name)  # somebody may be writing it
    return folder, keep


def test_clean_removes_what_no_record_needs_and_only_that(littered, capsys):
    folder, keep = littered
    before = everything(folder)
    assert answer("clean", "--results", folder.parent) == 0
    listed = capsys.readouterr().out
    assert everything(folder) == before
    assert answer("clean", "--results", folder.parent, "--yes") == 0
    assert everything(folder) == keep
    removed = capsys.readouterr().out
    assert removed.splitlines()[:-1] == listed.splitlines()[:-1]
    assert all(record.finished for record in map(Record.open, records(folder)[:2]))
    assert answer("clean", "--results", folder.parent) == 0
    assert capsys.readouterr().out.endswith("0 left over\n")


def test_a_run_under_way_is_left_alone(littered, capsys):
    folder, _ = littered
    name = records(folder)[0].name
    with FileLock(folder / f".{name}.lock"):
        assert answer("clean", "--results", folder.parent, "--yes") == 0
    assert f"{folder / name}: under way, left alone" in capsys.readouterr().out
    assert (folder / f".{name}.lock").exists()
    assert (folder / f"{name}.superseded").exists()
    assert (folder / name / ".notes.json.1.abcd.tmp").exists()


def test_links_are_not_followed_and_no_folder_is_no_error(folder, tmp_path, capsys):
    place = tmp_path / "linked"
    place.mkdir()
    (place / "my_study").symlink_to(folder)
    before = everything(folder)
    assert answer("clean", "--results", place, "--yes") == 0
    assert answer("clean", "--results", tmp_path / "absent", "--yes") == 0
    assert everything(folder) == before
    assert broom.clean(place, yes=False) == 0
