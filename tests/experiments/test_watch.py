"""Runs seen while they go on: under way, killed, resumed; never a number that is not theirs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from experiments.bench.report.numbers import number
from experiments.commands import broom, progress
from experiments.commands import run as runs
from experiments.exit_code import ConfigError
from experiments.record import Record
from experiments.site.live import Live
from experiments.site.watch import Server, watch
from experiments.store import durable, journal

HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"


def lock(job) -> FileLock:
    folder = Path(job.folder)
    return FileLock(folder.with_name(f".{folder.name}.lock"))


def shown(results: Path, job) -> dict[str, Any]:
    return next(run for run in Live(results).state()["runs"] if run["id"] == job.hash)


def test_a_run_is_under_way_while_its_record_is_locked_and_else_stopped(bench):
    job = bench.job()
    bench.interrupt(job)
    with lock(job):
        assert shown(bench.results, job)["status"] == "running"
    stopped = shown(bench.results, job)
    assert (stopped["status"], stopped["step"], stopped["share"]) == ("stopped", "10", None)
    assert bench.perform(job).status == "done"
    assert shown(bench.results, job)["status"] == "done"


def test_failures_divergences_and_damage_are_told(bench):
    said = {}
    for mood in ("diverges", "fails"):
        job = bench.job(f"mood={mood}")
        bench.perform(job)
        said[mood] = shown(bench.results, job)
    assert (said["fails"]["status"], said["fails"]["message"]) == (
        "failed",
        "RuntimeError: the walker fell",
    )
    assert said["diverges"]["message"] == "step 10: norm is not finite"
    job = bench.job()
    bench.perform(job)
    (Path(job.folder) / "metrics.jsonl").write_text('{"step": 20, "norm": 77.0}\n')
    damaged = shown(bench.results, job)
    assert damaged["status"] == "damaged"
    assert "77" not in damaged["numbers"]
    assert "does not match the SHA-256" in damaged["message"]


@pytest.mark.parametrize(
    "end", [b'{"step": 11, "norm": 12345', b'{"step": 11, "norm": 12345.0}', b"\x00"]
)
def test_a_half_written_line_is_never_a_number(bench, end):
    job = bench.job()
    bench.interrupt(job)
    live = Live(bench.results)
    before = live.state([job.hash])
    with (Path(job.folder) / "metrics.jsonl").open("ab") as file:
        file.write(end)
    after = live.state([job.hash])
    assert after["runs"] == before["runs"]
    assert after["figures"] == before["figures"]
    assert "12345" not in json.dumps(after)


def test_what_is_logged_is_seen_and_what_a_resumed_run_gave_up_is_gone(bench):
    job, live = bench.job(), Live(bench.results)
    bench.interrupt(job)
    log = Path(job.folder) / "metrics.jsonl"
    held = log.read_bytes()
    log.write_bytes(held + b'{"step": 11, "norm": 5.5}\n{"step": 12, "norm": 6.5}\n')
    (run,) = live.state()["runs"]
    assert (run["step"], run["numbers"]) == ("12", "norm 6.50")
    durable.Log(log, keep=len(held)).close()  # as a resumed run does
    (run,) = live.state()["runs"]
    assert run["step"] == "10"


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"runs": {}}', '{"title": 1, "written": "x"}', "null"]
)
def test_a_journal_that_is_none_says_nothing(bench, content):
    job = bench.job()
    bench.interrupt(job)
    (bench.results / "my_study" / ".command.1-a.json").write_text(content)
    (run,) = Live(bench.results).state()["runs"]
    assert run["status"] == "stopped"


def labels(*names: str) -> dict[str, str]:
    return {name * 16: f"seed={name}" for name in names}


def test_the_word_of_a_living_command_is_shown_and_that_of_a_dead_one_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "EVERY", 0.0)
    folder = tmp_path / "my_study"
    folder.mkdir()
    live = Live(tmp_path)
    with journal.kept(folder, "my_study, preset quick", labels("a", "b"), pytest.fail) as kept:
        kept.on_event({"event": "started", "hash": "a" * 16}, None)
        kept.on_event({"event": "progress", "hash": "a" * 16, "done": 1, "total": 4}, 90.0)
        state = live.state()
        assert [(run["status"], run["share"]) for run in state["runs"]] == [
            ("running", 0.25),
            ("waiting", None),
        ]
        (command,) = state["commands"]
        assert command["left"].startswith("about 2 min left, as of ")
        assert (command["done"], command["runs"]) == (0, 2)
        assert broom.clean(tmp_path, yes=True) == 0
        assert live.state()["commands"]
    state = live.state()  # it ended, as a killed one does, without a word on its runs
    assert state["commands"] == []
    assert [(run["status"], run["share"]) for run in state["runs"]] == [("stopped", None)] * 2
    broom.clean(tmp_path, yes=True)
    assert live.state()["runs"] == []
    assert list(folder.iterdir()) == []


def test_a_journal_is_kept_only_where_it_says_more_than_the_records(tmp_path):
    for message, left in (("", 0), ("its process was killed", 1)):
        with journal.kept(tmp_path, "x", labels("a"), pytest.fail) as kept:
            outcome = {"event": "outcome", "hash": "a" * 16, "message": message}
            kept.on_event(outcome, None)
        assert len(list(tmp_path.glob(".command.*"))) == left
    with journal.kept(tmp_path, "x", labels("a"), pytest.fail):
        assert len(list(tmp_path.glob(".command.*.json"))) == 1  # that of the dead command is gone


def test_a_disk_that_is_full_ends_the_journal_and_no_run(tmp_path, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(journal, "EVERY", 0.0)
    kept = journal.Journal(tmp_path / "gone" / "x.json", "x", labels("a"), said.append)
    for done in range(3):
        kept.on_event({"event": "progress", "hash": "a" * 16, "done": done, "total": 3}, None)
    assert len(said) == 1
    assert said[0].startswith("progress is not shown any more: could not write")


def test_no_journal_is_written_where_none_is_wanted(tmp_path):
    request = runs.Request(study="x", live=False)
    with runs._journal(request, tmp_path, "x", labels("a"), labels("a")) as kept:
        assert kept is None
    assert list(tmp_path.iterdir()) == []


def test_time_left_counts_what_this_command_did_and_no_earlier_one(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.reporter({"a": "a", "b": "b"}, __import__("sys").stdout) as lines:
        now[0] = 20.0
        lines.on_event(
            {"event": "progress", "hash": "a", "done": 50, "total": 100, "resumed": True}
        )
        assert lines.seconds_left() is None  # nothing was done here yet
        now[0] = 40.0
        lines.on_event(
            {"event": "progress", "hash": "a", "done": 75, "total": 100, "resumed": True}
        )
        assert lines.seconds_left() == pytest.approx(200.0)  # a quarter in 40 s, five are left
        failed = {"event": "outcome", "hash": "b", "status": "failed", "message": "", "code": 1}
        lines.on_event(failed)
        assert lines.seconds_left() == pytest.approx(
            40.0
        )  # and a run that failed at once tells none


def test_killed_and_resumed_it_never_shows_a_number_that_is_not_the_runs(
    bench, start, study_file, untouched
):
    job = bench.job(preset="slow")
    log = untouched(job)["metrics.jsonl"].decode().splitlines()
    true = {f"{line['step']:,}": f"norm {number(line['norm'])}" for line in map(json.loads, log)}
    live, steps = Live(bench.results), []

    def look() -> dict[str, Any]:
        found = [run for run in live.state([job.hash])["runs"] if run["id"] == job.hash]
        for run in found:
            assert run["numbers"] == true.get(run["step"], ""), run
            steps.append(run["step"])
        return found[0] if found else {"status": "", "step": ""}

    def until(status: str, step: int = 0) -> None:
        end = time.monotonic() + 240
        while (run := look())["status"] != status or int(run["step"] or 0) < step:
            assert time.monotonic() < end, run

    options = ("--preset", "slow", "--results", str(bench.results), "--threads", "1")
    command = ("-m", "experiments", "run", str(study_file), *options, "--checkpoint-seconds", "0.2")
    process = start(*command)
    until("running", step=5)
    process.kill()
    process.wait()
    until("stopped")  # once its worker has noticed
    assert live.state()["commands"] == []
    out, err = start(*command).communicate(timeout=240)
    assert "1 done" in out, out + err
    until("done", step=60)
    assert Record.open(Path(job.folder)).provenance["sessions"][1]["resumed_from"] is not None
    assert not list(bench.results.glob("*/.command.*"))
    assert len(set(steps)) > 3


@pytest.fixture
def server(bench) -> Iterator[Server]:
    """A server of the bench's results; a browser elsewhere would ask it by another name."""
    bench.interrupt(bench.job())
    with Server(bench.results) as made:
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@dataclass(frozen=True)
class Answer:
    status: int
    content: bytes
    headers: dict[str, str]


def ask(server: Server, path: str = "/", method: str = "GET", **headers: str) -> Answer:
    connection = HTTPConnection("127.0.0.1", server.server_address[1], timeout=120)
    with closing(connection):
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(), dict(answer.getheaders()))


def test_it_answers_this_machine_alone(server):
    assert server.server_address[0] == "127.0.0.1"
    port = server.server_address[1]
    assert ask(server).status == 200
    assert ask(server, Host=f"localhost:{port}").status == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", ""):
        answer = ask(server, "/state.json", Host=host)
        assert answer.status == 403
        assert b"norm" not in answer.content


def test_it_answers_what_the_page_asks_for_and_nothing_else(server):
    for path, kind in (
        ("/", "text/html"),
        ("/site.css", "text/css"),
        ("/site.js", "text/javascript"),
        ("/watch.js", "text/javascript"),
        ("/state.json", "application/json"),
    ):
        answer = ask(server, path)
        assert answer.content
        assert answer.headers["Content-Type"] == f"{kind}; charset=utf-8"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert ask(server, path, "HEAD").content == b""
    for path in ("/../secret", "/state.jsonx", "/my_study/study.json", "//etc/passwd"):
        assert ask(server, path).status == 404
    assert ask(server, "/state.json", "POST").status == 501
    assert ask(server, "/state.json?runs=../../etc,x").status == 200


def test_a_folder_that_is_not_there_yet_has_no_runs(tmp_path):
    state = Live(tmp_path / "later").state()
    assert (state["runs"], state["commands"], state["counts"]) == ([], [], [])


def test_a_port_that_cannot_be_had_is_refused(server, tmp_path):
    with pytest.raises(ConfigError, match=r"--port \d+: .*--port 0 takes a free one"):
        watch(tmp_path, server.server_address[1])
    with pytest.raises(ConfigError, match="expected 0 to 65535"):
        watch(tmp_path, 2**16)


def test_names_full_of_markup_reach_the_page_as_text(bench):
    job = bench.job()
    bench.interrupt(job)
    folder = Path(job.folder)
    told = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps({**told, "run": {**told["run"], "tag": HOSTILE}}))
    (folder / "metrics.jsonl").write_text(
        "".join(json.dumps({"step": k, HOSTILE: 0.5 / k}) + "\n" for k in (1, 2))
    )
    (figure,) = Live(bench.results).state([job.hash])["figures"]
    assert "<script" not in figure["html"]
    assert "<img" not in figure["html"]
    assert "&lt;script&gt;" in figure["html"]
