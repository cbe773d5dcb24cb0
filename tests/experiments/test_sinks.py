"""Sinks: they get what is logged, and nothing that happens in one reaches the run."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from experiments.__main__ import main
from experiments.record import Record
from experiments.store import sinks

needs_tensorboard = pytest.mark.skipif(
    sinks.missing("tensorboard"), reason="the extra tensorboard is not installed"
)
needs_wandb = pytest.mark.skipif(sinks.missing("wandb"), reason="the extra wandb is not installed")


class FakeSink:
    """Keeps what it gets; raises or hangs where it is told to."""

    opened: list[FakeSink]
    fault: str

    def __init__(self, folder, description, first_step):
        type(self).opened.append(self)
        self.folder, self.description, self.first_step = folder, description, first_step
        self.lines, self.closed = [], False
        self._at("start")

    def _at(self, place: str) -> None:
        if self.fault == place:
            raise ConnectionError(f"no network at {place}\nand a long story")
        if self.fault == f"exit at {place}":
            raise SystemExit(1)
        if self.fault == f"hang at {place}":
            threading.Event().wait(3)

    def log(self, step, metrics):
        self._at("log")
        self.lines.append((step, dict(metrics)))

    def close(self):
        self._at("close")
        self.closed = True


@pytest.fixture(autouse=True)
def none_hung(monkeypatch):
    monkeypatch.setattr(sinks, "_hung", set())


@pytest.fixture
def fake(monkeypatch):
    FakeSink.opened, FakeSink.fault = [], ""
    monkeypatch.setitem(sinks.SINKS, "wandb", FakeSink)
    return FakeSink


def test_a_sink_gets_every_line_of_the_metrics(bench, fake):
    job = bench.job(log=("wandb",))
    assert bench.perform(job).status == "done"
    (sink,) = fake.opened
    held = Record.open(Path(job.folder))
    assert [{"step": step, **line} for step, line in sink.lines] == held.metrics
    assert sink.closed
    assert sink.folder == held.path
    assert sink.description["study"] == "my_study"
    assert sink.first_step == 0
    assert not bench.warnings()


def test_without_log_there_is_no_sink(bench, fake):
    assert bench.perform(bench.job()).status == "done"
    assert not fake.opened


def test_a_resumed_run_tells_the_sink_where_it_goes_on(bench, fake):
    job = bench.job(log=("wandb",))
    bench.interrupt(job, step=10)
    assert bench.perform(job).status == "done"
    first, second = fake.opened
    assert (first.first_step, second.first_step) == (0, 11)
    assert [step for step, _ in first.lines + second.lines] == list(range(1, 21))
    assert first.closed


@pytest.mark.parametrize("mood", ["diverges", "fails"])
def test_a_run_that_does_not_end_well_closes_its_sink(bench, fake, mood):
    bench.perform(bench.job(f"mood={mood}", log=("wandb",)))
    assert fake.opened[0].closed
    assert len(fake.opened[0].lines) == 10


@pytest.mark.parametrize(
    "fault", ["start", "log", "close", "exit at start", "hang at start", "hang at close"]
)
def test_a_failing_sink_is_one_warning_and_the_record_is_whole(
    bench, fake, untouched, contents, monkeypatch, fault
):
    monkeypatch.setattr(sinks, "_CLOSE_SECONDS", 0.5)
    fake.fault = fault
    job = bench.job(log=("wandb",))
    assert bench.perform(job).status == "done"
    warnings = [e["text"] for e in bench.events if e["event"] == "warning"]
    assert len(warnings) == 1
    assert warnings[0].startswith("--log wandb stopped: ")
    assert "story" not in warnings[0]
    assert contents(job.folder) == untouched(job)


def test_a_sink_that_hung_once_is_waited_for_once(bench, fake, monkeypatch):
    monkeypatch.setattr(sinks, "_CLOSE_SECONDS", 0.05)
    fake.fault = "hang at close"
    for seed in range(3):
        assert bench.perform(bench.job(f"seed={seed}", log=("wandb",))).status == "done"
    assert len(fake.opened) == 1
    assert bench.warnings().count("--log wandb stopped") == 1
    assert "left out from now on" in bench.warnings()


HUNG = """
from experiments.store import sinks
class Hung:
    def __init__(self, *_): pass
    def log(self, *_): pass
    def close(self): time.sleep(20)
sinks.SINKS["tensorboard"], sinks._CLOSE_SECONDS = Hung, 0.3
"""


def test_of_many_workers_whose_sink_hangs_one_tells_and_later_jobs_go_without(
    tmp_path, editable_study, capsys, monkeypatch
):
    monkeypatch.setattr(sinks, "SINKS", dict(sinks.SINKS))
    monkeypatch.setattr(sinks, "_CLOSE_SECONDS", sinks._CLOSE_SECONDS)
    monkeypatch.setattr(sinks, "missing", lambda name: False)
    editable_study.write_text(editable_study.read_text() + HUNG)
    arguments = ["run", str(editable_study), "--results", str(tmp_path / "r"), "--workers", "2"]
    assert main([*arguments, "--log", "tensorboard", "--seeds", "5"]) == 0
    out = capsys.readouterr().out
    assert out.count("--log tensorboard stopped") == 1
    assert "5 done" in out


def test_one_failing_sink_leaves_the_other_alone(bench, fake, monkeypatch):
    class Whole(FakeSink):
        opened, fault = [], ""

    monkeypatch.setitem(sinks.SINKS, "tensorboard", Whole)
    fake.fault = "log"
    assert bench.perform(bench.job(log=("wandb", "tensorboard"))).status == "done"
    assert len(Whole.opened[0].lines) == 20
    assert Whole.opened[0].closed


def test_lists_become_entries_and_what_is_not_finite_stays_a_number(tmp_path, fake):
    held = sinks.Sinks(("wandb",), tmp_path, {}, print)
    held.begin(None)
    held.log(1, {"accuracy": [0.5, 1], "loss": float("inf"), "note": "slow", "nothing": None})
    held.close()
    ((step, line),) = fake.opened[0].lines
    assert step == 1
    assert line == {"accuracy/0": 0.5, "accuracy/1": 1, "loss": float("inf"), "note": "slow"}


def run(tmp_path: Path, study_file: Path, *more: str) -> int:
    arguments = ["run", str(study_file), "--preset", "smoke", "--results", str(tmp_path / "r")]
    return main([*arguments, *more])


@pytest.mark.parametrize(
    ("arguments", "package", "extra"),
    [
        (("--log", "wandb"), "wandb", "wandb"),
        (("--log", "tensorboard"), "tensorboardX", "tensorboard"),
        (("--engine", "ray"), "ray", "ray"),
    ],
)
def test_what_is_not_installed_is_one_line_and_exit_5_before_any_work(
    tmp_path, study_file, capsys, monkeypatch, arguments, package, extra
):
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not there
    assert run(tmp_path, study_file, *arguments) == 5
    err = capsys.readouterr().err
    assert err.endswith(f"is missing: run `uv sync --package experiments --extra {extra}`\n")
    assert err.count("\n") == 1
    assert not (tmp_path / "r").exists()


def test_a_broken_sink_is_a_warning(bench, monkeypatch, tmp_path):
    (tmp_path / "wandb.py").write_text("raise ImportError('wandb.so: undefined symbol')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    assert bench.perform(bench.job(log=("wandb",))).status == "done"
    assert "undefined symbol" in bench.warnings()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--log", "mlflow"),
        ("--address", "auto"),
        ("--gpus", "1"),
        ("--engine", "slurm"),
    ],
)
def test_options_that_do_not_fit_are_exit_2(tmp_path, study_file, arguments):
    try:
        code = run(tmp_path, study_file, *arguments)
    except SystemExit as error:
        code = error.code
    assert code == 2
    assert not (tmp_path / "r").exists()


@needs_tensorboard
def test_tensorboard_files_hold_the_metrics_of_a_resumed_run(bench):
    job = bench.job(log=("tensorboard",))
    bench.interrupt(job, step=10)
    assert bench.perform(job).status == "done"
    held = Record.open(Path(job.folder))
    read = [
        event
        for path in sorted((held.path / "tensorboard").iterdir())
        for event in read_events(path)
    ]
    scalars = [(e.step, v.tag, v.simple_value) for e in read for v in e.summary.value]
    assert [(step, tag) for step, tag, _ in scalars] == [(n, "norm") for n in range(1, 21)]
    assert [x for *_, x in scalars] == pytest.approx([line["norm"] for line in held.metrics])
    assert 11 in [e.step for e in read if e.session_log.status]  # what TensorBoard purges by


def read_events(path: Path):
    """Every event of a file: length, its checksum, the event, its checksum."""
    from tensorboardX.proto.event_pb2 import Event

    data, place = path.read_bytes(), 0
    while place < len(data):
        size = int.from_bytes(data[place : place + 8], "little")
        yield Event.FromString(data[place + 12 : place + 12 + size])
        place += size + 16


@needs_wandb
def test_wandb_offline_keeps_a_run_on_disk(bench, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    job = bench.job(log=("wandb",))
    assert bench.perform(job).status == "done"
    assert not bench.warnings()
    assert list(Path(job.folder).glob(f"wandb/offline-run-*/run-{job.hash}.wandb"))
