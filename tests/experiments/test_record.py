"""Records: damaged, hostile or half written, they are recovered or refused, never trusted."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from experiments.engine.job import Job, StopFlag
from experiments.record import CorruptRecordError, Record, decode, encode, parse_metrics
from experiments.recorder import Diverged, Recorder
from experiments.store import durable, provenance, stored
from experiments.store.checkpoint import newest

TENSORS, STATE = "tensors.safetensors", "state.json"


def reseal(folder: Path, tensors: bytes) -> None:
    """Give the checkpoint tensors that its state vouches for: only the parser can object."""
    facts = json.loads((folder / STATE).read_text())
    facts["tensors_sha256"] = hashlib.sha256(tensors).hexdigest()
    (folder / TENSORS).write_bytes(tensors)
    (folder / STATE).write_text(json.dumps(facts))


def flip(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def wrong_shape(data: bytes) -> bytes:
    return data.replace(b'"shape":[4]', b'"shape":[5]')


DAMAGE = {
    "tensors truncated": lambda f: (f / TENSORS).write_bytes((f / TENSORS).read_bytes()[:-3]),
    "tensors empty": lambda f: (f / TENSORS).write_bytes(b""),
    "tensors missing": lambda f: (f / TENSORS).unlink(),
    "one bit flipped": lambda f: (f / TENSORS).write_bytes(flip((f / TENSORS).read_bytes())),
    "header of 2^63 bytes": lambda f: reseal(f, struct.pack("<Q", 2**63) + b"{}"),
    "wrong shape": lambda f: reseal(f, wrong_shape((f / TENSORS).read_bytes())),
    "a pickle": lambda f: reseal(f, b"\x80\x04cos\nsystem\n(S'true'\ntR."),
    "state truncated": lambda f: (f / STATE).write_text((f / STATE).read_text()[:40]),
    "state missing": lambda f: (f / STATE).unlink(),
    "state of the wrong types": lambda f: (f / STATE).write_text('{"step": "10"}'),
    "state of another step": lambda f: (f / STATE).write_text(
        (f / STATE).read_text().replace('"step": 10', '"step": 11')
    ),
    "state nested without end": lambda f: (f / STATE).write_text("[" * 100_000),
    "state of 17 MiB": lambda f: (f / STATE).write_bytes(b" " * (17 * 2**20)),
    "state is a link": lambda f: link(f / STATE),
    "tensors are a link": lambda f: link(f / TENSORS),
}


def link(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_checkpoint_is_rejected_and_the_one_before_it_used(
    bench, untouched, contents, damage
):
    job = bench.job()
    bench.interrupt(job, step=10)
    DAMAGE[damage](Path(job.folder) / "checkpoints" / "step_10")
    assert bench.perform(job).status == "done"
    assert "step_10" in bench.warnings()
    assert Record.open(Path(job.folder)).provenance["sessions"][-1]["resumed_from"] == 9
    assert contents(job.folder) == untouched(job)


def test_without_a_valid_checkpoint_the_run_begins_again(bench, untouched, contents):
    job = bench.job()
    bench.interrupt(job)
    for path in (Path(job.folder) / "checkpoints").glob("*/state.json"):
        path.write_text("{}")
    assert bench.perform(job).status == "done"
    assert bench.warnings().count("not used") == 2
    assert contents(job.folder) == untouched(job)


def test_two_checkpoints_are_kept_and_none_after_the_end(bench):
    job = bench.job()
    bench.interrupt(job, step=10)
    folder = Path(job.folder) / "checkpoints"
    assert sorted(p.name for p in folder.iterdir()) == ["step_10", "step_9"]
    bench.perform(job)
    assert not folder.exists()


def test_a_torn_metrics_line_is_dropped_and_cut_back(bench, untouched, contents):
    job = bench.job()
    bench.interrupt(job)
    with (Path(job.folder) / "metrics.jsonl").open("a") as file:
        file.write('{"step": 11, "norm": 1.0}\n{"step": 12, "no')
    held = Record.open(Path(job.folder))
    assert [line["step"] for line in held.metrics] == list(range(1, 12))
    assert bench.perform(job).status == "done"
    assert contents(job.folder) == untouched(job)


def test_metrics_changed_before_a_checkpoint_void_it(bench, untouched, contents):
    job = bench.job()
    bench.interrupt(job)
    path = Path(job.folder) / "metrics.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    assert bench.perform(job).status == "done"
    assert "metrics up to this step are lost" in bench.warnings()
    assert contents(job.folder) == untouched(job)


def test_a_broken_line_inside_the_metrics_is_refused():
    with pytest.raises(stored.RejectedFileError, match=r"m.jsonl:1: not valid JSON"):
        parse_metrics(b'{"step"\n{"step": 2}\n', Path("m.jsonl"))


@pytest.fixture
def full_disk(monkeypatch):
    """Make writes fail once so many tensors files were opened; returns the release."""

    class FullDisk:
        opened = 0

        def __getattr__(self, name):
            return getattr(os, name)

        def open(self, path, *rest):
            self.opened += "tensors" in os.fspath(path)
            return os.open(path, *rest)

        def write(self, descriptor, data):
            if self.opened >= 6:
                os.write(descriptor, data[: len(data) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return os.write(descriptor, data)

    monkeypatch.setattr(durable, "os", FullDisk())
    return monkeypatch.undo


def test_a_full_disk_is_told_with_path_and_bytes_and_loses_nothing(
    bench, full_disk, untouched, contents
):
    job = bench.job()
    outcome = bench.perform(job)
    assert (outcome.status, outcome.code) == ("unfinished", 1)
    assert outcome.message.startswith("could not write ")
    assert "bytes to " + job.folder in outcome.message
    assert "No space left on device" in outcome.message
    full_disk()
    folder = Path(job.folder)
    assert not list(folder.rglob("*.tmp"))
    metrics = (folder / "metrics.jsonl").read_bytes()
    found = newest(folder / "checkpoints", metrics, lambda *_: None)
    assert found is not None
    assert found.step == 5
    assert bench.perform(job).status == "done"
    assert contents(folder) == untouched(job)


def test_a_file_size_limit_leaves_the_old_file_whole(tmp_path):
    code = (
        "import resource, sys; from pathlib import Path; from experiments.store import durable\n"
        "path = Path(sys.argv[1]); durable.write_text(path, 'old')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: durable.write_bytes(path, bytes(5000))\n"
        "except durable.WriteError as error: print(error)\n"
    )
    path = tmp_path / "file"
    command = [sys.executable, "-c", code, str(path)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert out.strip() == f"could not write 5,000 bytes to {path}: File too large"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_tensors_come_back_bit_for_bit(tmp_path):
    tensors = {
        "big-endian": np.arange(3, dtype=">f8"),
        "transposed": np.arange(6.0).reshape(2, 3).T,
        "scalar": np.array(2.5, dtype=np.float32),
        "empty": np.zeros((0, 3)),
        "flags": np.array([True, False]),
        "nan": np.array([np.nan, -0.0, np.inf]),
    }
    digest = durable.write_tensors(tmp_path / "t", tensors)
    data = (tmp_path / "t").read_bytes()
    assert digest == stored.sha256(data)
    read = stored.parse_tensors(data, tmp_path)
    for name, array in tensors.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].shape == array.shape
    read["empty"].resize((1, 3))  # they may be written to


def test_objects_are_never_stored(tmp_path):
    with pytest.raises(TypeError, match="tensor 'x' has dtype object"):
        durable.write_tensors(tmp_path / "t", {"x": np.array([{}])})


def test_what_is_logged_comes_back():
    value = {"a": np.float32(0.1), "b": float("nan"), "c": [np.int64(3), float("-inf")], "d": None}
    text = json.dumps(encode(value), allow_nan=False)
    read = decode(json.loads(text))
    assert read["a"] == float(np.float32(0.1))
    assert np.isnan(read["b"])
    assert read["c"] == [3, float("-inf")]
    with pytest.raises(TypeError, match="cannot record"):
        encode(object())


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "x" * 101, "a\x1b[0m", "a\\b"])
def test_names_that_could_leave_the_record_are_refused(tmp_path, bench, name):
    job = bench.job()
    bench.perform(job)
    held = Record.open(Path(job.folder))
    with pytest.raises(ValueError, match="expected letters"):
        held.tensors(name)


def test_digests_cannot_point_outside_the_record(bench, tmp_path):
    job = bench.job()
    bench.perform(job)
    (tmp_path / "secret").write_text("secret")
    done = Path(job.folder) / "DONE"
    facts = json.loads(done.read_text())
    facts["files"]["../../../secret"] = stored.sha256(b"secret")
    done.write_text(json.dumps(facts))
    with pytest.raises(CorruptRecordError, match="expected letters"):
        Record.open(Path(job.folder))


def test_a_record_in_the_wrong_folder_is_refused(bench):
    job = bench.job()
    bench.perform(job)
    other = Path(job.folder).with_name("0" * 16)
    Path(job.folder).rename(other)
    with pytest.raises(CorruptRecordError, match="describes another run"):
        Record.open(other)


def test_a_linked_record_is_refused(bench, tmp_path):
    job = bench.job()
    (tmp_path / "elsewhere").mkdir()
    Path(job.folder).parent.mkdir(parents=True)
    Path(job.folder).symlink_to(tmp_path / "elsewhere")
    outcome = bench.perform(job)
    assert outcome.status == "unfinished"
    assert "symbolic link" in outcome.message
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_linked_checkpoint_folder_is_not_followed(bench, tmp_path, untouched, contents):
    job = bench.job()
    bench.interrupt(job)
    (Path(job.folder) / "checkpoints").rename(tmp_path / "elsewhere")
    (Path(job.folder) / "checkpoints").symlink_to(tmp_path / "elsewhere")
    assert bench.perform(job).status == "done"
    assert contents(job.folder) == untouched(job)
    assert (tmp_path / "elsewhere" / "step_10").is_dir()


def test_a_pipe_in_place_of_a_file_does_not_hang(bench):
    job = bench.job()
    bench.perform(job)
    (Path(job.folder) / "DONE").unlink()
    os.mkfifo(Path(job.folder) / "DONE")
    with pytest.raises(CorruptRecordError, match="not a regular file"):
        Record.open(Path(job.folder))


def test_a_dead_process_leaves_no_lock(bench, start, tmp_path):
    job = bench.job()
    lock = Path(job.folder).with_name(f".{job.hash}.lock")
    code = (
        "import sys, time; from filelock import FileLock; FileLock(sys.argv[1]).acquire();"
        "print('held', flush=True); time.sleep(600)"
    )
    lock.parent.mkdir(parents=True)
    holder = start("-c", code, str(lock))
    assert holder.stdout.readline() == "held\n"
    holder.kill()
    holder.wait()
    assert lock.exists()
    assert bench.perform(job).status == "done"


def test_a_lock_file_of_unknown_content_is_taken_over(bench):
    job = bench.job()
    lock = Path(job.folder).with_name(f".{job.hash}.lock")
    lock.parent.mkdir(parents=True)
    lock.write_text("999999\nsomewhere\n")
    assert bench.perform(job).status == "done"


def interrupted_edit(bench, study: Path) -> Job:
    """Interrupt a run of the study, then edit the study as a pull would."""
    bench.study = study
    job = bench.job()
    bench.interrupt(job)
    study.write_text(study.read_text() + "\nEDITED = True\n")
    sys.modules.pop(study.stem)  # as for the next process
    return job


def test_other_source_refuses_to_resume_and_says_what_changed(bench, editable_study):
    job = interrupted_edit(bench, editable_study)
    before = (Path(job.folder) / "provenance.json").read_bytes()
    outcome = bench.perform(job)
    assert (outcome.status, outcome.code) == ("unfinished", 2)
    for part in ("study/edited_study.py was", "--force", "--rerun stale"):
        assert part in outcome.message
    assert (Path(job.folder) / "provenance.json").read_bytes() == before
    assert Record.open(Path(job.folder)).metrics[-1]["step"] == 10


def test_force_resumes_from_other_source_and_is_recorded(bench, editable_study):
    job = interrupted_edit(bench, editable_study)
    outcome = bench.perform(bench.job(force=True))
    assert outcome.status == "done"
    session = Record.open(Path(job.folder)).provenance["sessions"][-1]
    assert session["resumed_from"] == 10
    assert "study/edited_study.py was" in session["forced"][0]


def test_starting_over_needs_no_force(bench, editable_study):
    job = interrupted_edit(bench, editable_study)
    assert bench.perform(bench.job(over=True)).status == "done"
    (session,) = Record.open(Path(job.folder)).provenance["sessions"]
    assert session["resumed_from"] is None


def test_another_configuration_is_another_record(bench):
    job = bench.job()
    bench.interrupt(job)
    other = bench.job("width=5")
    assert other.folder != job.folder
    assert bench.perform(other).status == "done"
    assert Record.open(Path(job.folder)).status == "unfinished"


def test_a_clock_that_jumps_back_does_not_matter(bench, monkeypatch):
    times = iter(["2030-01-01T00:00:00+00:00", *["1999-01-01T00:00:00+00:00"] * 3])
    monkeypatch.setattr(provenance, "now", lambda: next(times))
    job = bench.job()
    assert bench.perform(job).status == "done"
    found = Record.open(Path(job.folder))
    assert found.provenance["wall_seconds"] >= 0
    assert found.processor_minutes == found.provenance["processor_seconds"] / 60


def test_the_seed_decides_the_record(bench, tmp_path, contents):
    first = bench.job()
    again = bench.job(folder=str(tmp_path / "again" / first.hash))
    other = bench.job("seed=1")
    for job in (first, again, other):
        assert bench.perform(job).status == "done"
    assert contents(first.folder) == contents(again.folder)
    assert contents(first.folder)["walk.safetensors"] != contents(other.folder)["walk.safetensors"]


@pytest.fixture
def recorder(tmp_path):
    class NoSource:
        def used(self):
            return {"code": {}, "environment": {}, "data": {}}

    made = Recorder(tmp_path, source=NoSource(), stop=StopFlag(), report=lambda event: None)
    yield made
    made.close()


def test_a_step_is_logged_before_its_checkpoint(recorder):
    recorder.log(1, loss=1.0)
    recorder.checkpoint(1, {"x": np.zeros(1)})
    with pytest.raises(ValueError, match="log before checkpoint"):
        recorder.log(1, loss=1.0)
    with pytest.raises(ValueError, match="already written"):
        recorder.checkpoint(1, {"x": np.zeros(1)})


def test_restore_comes_first(recorder):
    recorder.log(1, loss=1.0)
    with pytest.raises(RuntimeError, match="must come before"):
        recorder.restore()


def test_a_study_that_never_restores_repeats_no_line(recorder, tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n')
    recorder.log(1, loss=2.0)
    assert (tmp_path / "metrics.jsonl").read_text() == '{"step": 1, "loss": 2.0}\n'


def test_a_divergence_holds_what_can_be_recorded():
    assert Diverged(3, "loss", rate=np.float32(0.5), norm=float("inf")).facts == {
        "rate": 0.5,
        "norm": float("inf"),
    }
    with pytest.raises(TypeError, match="cannot record"):
        Diverged(3, "loss", what=object())


def test_notes_outlive_a_file_that_cannot_be_read(recorder, tmp_path):
    recorder.note(first=1)
    (tmp_path / "notes.json").write_bytes(bytes(20))
    recorder.note(second=2)
    assert json.loads((tmp_path / "notes.json").read_text()) == {"first": 1, "second": 2}


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "\\NaN", "\\\\Infinity", "nan"])
def test_a_text_that_names_no_finite_number_stays_a_text(text):
    assert decode(json.loads(json.dumps(encode({"a": [text]})))) == {"a": [text]}


def test_numbers_that_are_not_finite_are_read_back_as_before():
    found = decode(["NaN", "Infinity", "-Infinity"])
    assert str(found) == "[nan, inf, -inf]"
    assert encode(found) == ["NaN", "Infinity", "-Infinity"]
