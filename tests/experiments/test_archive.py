"""Archives of records: what goes in comes out, what is foreign or damaged is refused and named."""

from __future__ import annotations

import io
import lzma
import shutil
import tarfile
from pathlib import Path

import pytest

from experiments import exit_code
from experiments import study as studies
from experiments.__main__ import main
from experiments.commands import publish, verification
from experiments.exit_code import ConfigError
from experiments.record import PARTS, CorruptRecordError, Record, find
from experiments.store import archive, recovery, shelf, source, stored, sums

NAME = "memory.theory"
FIRST, SECOND = "0" * 16, "0" * 15 + "1"
RECORDS = {
    FIRST: {"DONE": b"{}", "model.safetensors": b"\0" * 600, "a" * 100: b"long"},
    SECOND: {"DONE": b"x" * 512, "empty": b""},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """Records of the smoke preset and of an overridden one."""
    folder = tmp_path_factory.mktemp("made")
    for more in ([], ["--set", "draws=3"]):
        command = ["run", NAME, "--preset", "smoke", "--results", str(folder), *more]
        assert main([*command, "--workers", "1"]) == 0
    return folder


@pytest.fixture
def published(tmp_path, monkeypatch) -> Path:
    """Folder of published records with none in it yet."""
    folder = tmp_path / "published"
    folder.mkdir()
    for module in (publish, studies, verification):
        monkeypatch.setattr(module, "PUBLISHED", folder)
    # Records made here are of whatever is being written, committed or not.
    monkeypatch.setattr(recovery, "recovered", lambda held: True)
    return folder


def folders(results: Path) -> list[Path]:
    return sorted(path.parent for path in results.glob("*/*/DONE"))


def contents(record: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in record.iterdir() if path.is_file()}


def entry(name: str, content: bytes = b"", **facts: object) -> bytes:
    """Tar file of one entry, without its end."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in facts.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512)


# The format


def test_records_come_back_from_their_archive():
    assert archive.unpacked(archive.packed(RECORDS), Path("a")) == RECORDS
    assert archive.unpacked(archive.packed({}), Path("a")) == {}


def test_equal_records_give_equal_bytes():
    backwards = {name: dict(reversed(files.items())) for name, files in reversed(RECORDS.items())}
    assert archive.packed(backwards) == archive.packed(RECORDS)


def test_any_tar_reads_an_archive():
    with tarfile.open(fileobj=io.BytesIO(archive.packed(RECORDS)), mode="r:xz") as held:
        members = held.getmembers()
        opened = {member.name: held.extractfile(member) for member in members}
        found = {name: file.read() for name, file in opened.items() if file is not None}
    assert [member.name for member in members] == sorted(found)
    expected = {f"{r}/{f}": data for r, files in RECORDS.items() for f, data in files.items()}
    assert found == expected
    assert {(m.mtime, m.mode, m.uid, m.uname, m.isreg()) for m in members} == {
        (0, 0o644, 0, "", True)
    }


FOREIGN = {
    "a link": entry(f"{FIRST}/model", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "a hard link": entry(f"{FIRST}/model", type=tarfile.LNKTYPE, linkname="DONE"),
    "a folder": entry(f"{FIRST}/model", type=tarfile.DIRTYPE),
    "a device": entry(f"{FIRST}/model", type=tarfile.CHRTYPE),
    "an absolute name": entry("/etc/passwd"),
    "a way out": entry(f"{FIRST}/../../model"),
    "another folder": entry(f"records/{FIRST}/model"),
    "a date": entry(f"{FIRST}/model", mtime=1),
    "an owner": entry(f"{FIRST}/model", uname="someone"),
    "a long name": tarfile.TarInfo(f"{FIRST}/{'a' * 200}").tobuf(tarfile.GNU_FORMAT),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_an_entry_that_publish_would_not_write_is_refused(kind):
    data = lzma.compress(FOREIGN[kind] + bytes(1024))
    with pytest.raises(stored.RejectedFileError, match=r"^place"):
        archive.unpacked(data, Path("place"))


def header(name: str, size: int = 0) -> bytes:
    return archive._header(FIRST, name, size)


SPOILT = {
    "twice": (header("DONE") * 2, f"place!{FIRST}/DONE: twice"),
    "out of order": (header("DONE") + header("A"), "order of the names"),
    "unfinished": (header("run.json"), f"place!{FIRST}: has no DONE"),
    "more announced than there is": (header("DONE", 10**9), f"place!{FIRST}/DONE: cut short"),
    "something in the gap": (header("DONE", 1) + b"x" * 512, "cut short"),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_an_archive_that_no_record_can_be_read_from_is_refused_with_the_entry(kind):
    data, said = SPOILT[kind]
    with pytest.raises(stored.RejectedFileError, match=said):
        archive.unpacked(lzma.compress(data + bytes(1024)), Path("place"))


def test_what_is_cut_short_or_followed_by_something_is_refused():
    data = archive.packed(RECORDS)
    for spoilt in (data[:-1], data + b"\0", data * 2, b"", lzma.compress(header("DONE"))):
        with pytest.raises(stored.RejectedFileError, match=r"^place"):
            archive.unpacked(spoilt, Path("place"))


def test_an_archive_that_unpacks_to_too_much_is_refused(monkeypatch):
    data = archive.packed(RECORDS)
    monkeypatch.setattr(archive, "LIMIT", 4096)
    with pytest.raises(stored.RejectedFileError, match="unpacks to more than 4,096"):
        archive.unpacked(data, Path("place"))
    with pytest.raises(ValueError, match="expected at most 4,096"):
        archive.packed(RECORDS)


def test_a_name_that_leaves_a_record_is_not_packed():
    for records in ({"..": {"DONE": b""}}, {FIRST: {"../DONE": b""}}):
        with pytest.raises(ValueError, match="got"):
            archive.packed(records)


def test_a_link_to_an_archive_is_refused(tmp_path):
    (tmp_path / "real").write_bytes(archive.packed(RECORDS))
    (tmp_path / f"quick{archive.SUFFIX}").symlink_to(tmp_path / "real")
    with pytest.raises(CorruptRecordError, match=r"quick\.tar\.xz: is a symbolic link"):
        Record.open(tmp_path / FIRST)


# Publishing


def test_published_records_are_the_same_files_and_are_found_like_folders(results, published):
    assert main(["publish", NAME, "--results", str(results)]) == 0
    names = sorted(path.name for path in (published / NAME).iterdir())
    assert names == ["other.tar.xz", "smoke.tar.xz"]
    study = studies.load(NAME)
    runs = study.runs("smoke")
    found = find(NAME, study.version, runs, [published])
    assert [record.run for record in found] == runs
    assert shelf.records(published / NAME) == [
        published / NAME / path.name for path in folders(results)
    ]
    for path in folders(results):
        mine, theirs = Record.open(path), Record.open(published / NAME / path.name)
        assert isinstance(theirs.shelf, shelf.Packed)
        assert theirs.shelf.files == contents(path)
        assert (mine.status, mine.files) == (theirs.status, theirs.files)
        assert [getattr(mine, part) for part in PARTS] == [getattr(theirs, part) for part in PARTS]
        assert source.stale(theirs, study.file) == source.stale(mine, study.file)


def test_tensors_are_read_in_place(tmp_path, study_file):
    assert main(["run", str(study_file), "--results", str(tmp_path), "--workers", "1"]) == 0
    (path, *_) = folders(tmp_path)
    before = {name: array.tolist() for name, array in Record.open(path).tensors("walk").items()}
    data = archive.packed({path.name: contents(path)})
    shutil.rmtree(path)
    (path.parent / f"quick{archive.SUFFIX}").write_bytes(data)
    held = Record.open(path)
    assert {name: array.tolist() for name, array in held.tensors("walk").items()} == before
    with pytest.raises(FileNotFoundError, match=r"it holds \['walk'\]"):
        held.tensors("absent")


def test_publishing_again_adds_what_is_new_and_changes_nothing_else(
    results, published, tmp_path, capsys
):
    one = tmp_path / "one"
    shutil.copytree(folders(results)[0], one / NAME / folders(results)[0].name)
    for folder in (one, results):
        assert main(["publish", NAME, "--results", str(folder)]) == 0
    rest = len(folders(results)) - 1
    assert f"{rest} records added, 1 published already" in capsys.readouterr().out
    apart = {path.name: path.read_bytes() for path in (published / NAME).iterdir()}
    listed = sums.read(published)
    assert main(["publish", NAME, "--results", str(results)]) == 0
    assert {path.name: path.read_bytes() for path in (published / NAME).iterdir()} == apart
    assert sums.read(published) == listed
    shutil.rmtree(published / NAME)
    (published / sums.NAME).unlink()
    assert main(["publish", NAME, "--results", str(results)]) == 0
    assert {path.name: path.read_bytes() for path in (published / NAME).iterdir()} == apart


@pytest.mark.parametrize("spoil", ["unfinished", "damaged"])
def test_nothing_is_published_beside_what_is_unfinished_or_damaged(
    spoil, results, published, tmp_path
):
    shutil.copytree(results, tmp_path / "copy")
    path = folders(tmp_path / "copy")[-1]
    if spoil == "unfinished":
        (path / "DONE").unlink()
    else:
        (path / "metrics.jsonl").write_bytes(b"{}\n")
    code = {"unfinished": exit_code.USAGE, "damaged": exit_code.DATA}[spoil]
    assert main(["publish", NAME, "--results", str(tmp_path / "copy")]) == code
    assert list(published.iterdir()) == []


def test_what_cannot_be_published_is_refused(results, published, tmp_path, study_file, monkeypatch):
    with pytest.raises(ConfigError, match="no study of this package"):
        publish.publish(str(study_file), results)
    with pytest.raises(ConfigError, match="no records in"):
        publish.publish(NAME, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(recovery, "recovered", lambda held: False)
        with pytest.raises(ConfigError, match="not in this repository's history, so that nobody"):
            publish.publish(NAME, results)
    monkeypatch.setattr(studies.load(NAME).module, "VERSION", 1000)
    with pytest.raises(ConfigError, match=r"expected .* version 1000"):
        publish.publish(NAME, results)
    monkeypatch.setattr(publish, "PUBLISHED", tmp_path / "absent")
    with pytest.raises(ConfigError, match="in the repository alone"):
        publish.publish(NAME, results)


def test_an_archive_is_not_added_to_unless_it_has_its_digest(results, published):
    assert main(["publish", NAME, "--results", str(results)]) == 0
    path = published / NAME / "smoke.tar.xz"
    records = {**archive.read(path)}
    records.popitem()
    path.write_bytes(archive.packed(records))
    with pytest.raises(stored.RejectedFileError, match="its SHA-256 is"):
        publish.publish(NAME, results)
    path.unlink()
    with pytest.raises(stored.RejectedFileError, match="and not there"):
        publish.publish(NAME, results)


# Commands


@pytest.fixture
def spoilt(results, tmp_path) -> Path:
    """Results in an archive of which one record was changed and packed again with its digest."""
    records = {path.name: contents(path) for path in folders(results)}
    (first, *_) = sorted(records)
    records[first]["metrics.jsonl"] += b"\n"
    (tmp_path / "spoilt" / NAME).mkdir(parents=True)
    data = archive.packed(records)
    (tmp_path / "spoilt" / NAME / "smoke.tar.xz").write_bytes(data)
    sums.write(tmp_path / "spoilt", {f"{NAME}/smoke.tar.xz": stored.sha256(data)})
    return tmp_path / "spoilt" / NAME / first


def test_a_changed_record_of_an_archive_is_named_with_its_entry(spoilt, published, capsys):
    place = rf"smoke\.tar\.xz!{spoilt.name}/metrics\.jsonl does not match"
    with pytest.raises(CorruptRecordError, match=place):
        Record.open(spoilt)
    assert main(["verify", "--results", str(spoilt.parents[1])]) == exit_code.DATA
    out = capsys.readouterr().out
    assert out.count("damaged: ") == 1
    whole = len(shelf.records(spoilt.parent)) - 1
    assert out.endswith(f"{whole + 1} records: 1 damaged, {whole} done\n")


def test_a_damaged_archive_is_one_line_of_verify_and_of_list(spoilt, published, capsys):
    path = spoilt.parent / "smoke.tar.xz"
    path.write_bytes(path.read_bytes()[:-1])
    results = str(spoilt.parents[1])
    assert main(["verify", "--results", results]) == exit_code.DATA
    assert capsys.readouterr().out.endswith("1 records: 1 damaged\n")
    assert main(["show", spoilt.name, "--results", results]) == exit_code.DATA
    assert main(["list", NAME, "--results", results]) == exit_code.OK
    assert f"damaged: {path}: cut short" in capsys.readouterr().out


def test_a_packed_record_is_shown_by_its_hash_or_address(spoilt, published, capsys):
    (_, second, *_) = shelf.records(spoilt.parent)
    for name in (second.name, str(second)):
        assert main(["show", name, "--results", str(spoilt.parents[1])]) == exit_code.OK
        out = capsys.readouterr().out
        assert out.startswith(f"{second}\nstatus: done\narchive: {spoilt.parent}")
    assert main(["show", str(spoilt.parent / FIRST)]) == exit_code.USAGE


def test_a_record_in_an_archive_is_kept_until_it_is_to_be_done_again(results, tmp_path):
    records = {path.name: contents(path) for path in folders(results)}
    folder = tmp_path / "results" / NAME
    folder.mkdir(parents=True)
    (folder / "smoke.tar.xz").write_bytes(archive.packed(records))
    command = ["run", NAME, "--preset", "smoke", "--results", str(folder.parent), "--workers", "1"]
    assert main(command) == exit_code.OK
    assert list(folder.glob("*/DONE")) == []
    assert main([*command, "--rerun", "all"]) == exit_code.OK
    made = sorted(path.parent for path in folder.glob("*/DONE"))
    assert made
    assert all(isinstance(Record.open(path).shelf, shelf.Folder) for path in made)
