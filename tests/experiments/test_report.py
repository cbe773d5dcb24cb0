"""The report of own results: whatever the state of a run, its numbers; one file needs no other."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from site_pages import Parsed, broken

from experiments import study as studies
from experiments.__main__ import main
from experiments.bench.report.numbers import number
from experiments.exit_code import ConfigError
from experiments.record import Record
from experiments.site import own, single
from experiments.site.live import Live
from experiments.site.report import FEW_POINTS, Report, report
from experiments.store import shelf

HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>{{ 7 * 7 }}"


@pytest.fixture
def results(bench) -> Path:
    """Records of the tiny study: one done, one diverged, one failed and one cut short."""
    for mood in ("calm", "diverges", "fails"):
        bench.perform(bench.job(f"mood={mood}"))
    bench.interrupt(bench.job("seed=7"))
    return bench.results


def pages(folder: Path, **options: int) -> dict[str, str]:
    return dict(Report(own.read(folder), "results", **options).pages())


def unpack(folder: Path, study: str, *, every: int = 1, cut: bool = False) -> list[Path]:
    """Copy published records into folders of their own; every second without its seal if `cut`."""
    places = shelf.records(studies.PUBLISHED / study)[::every]
    for place in places:
        target = folder / study / place.name
        target.mkdir(parents=True)
        held = shelf.at(place)
        for name in held.names():
            (target / name).write_bytes(held.read(name, 2**30))
    for place in places[1::2] if cut else []:
        (folder / study / place.name / "DONE").unlink()
    return [folder / study / place.name for place in places]


def test_every_run_has_a_page_whatever_its_state(results):
    found = pages(results)
    assert list(broken(found)) == []
    records = [Record.open(path) for path in shelf.records(results / "my_study")]
    assert sorted(r.status for r in records) == ["diverged", "done", "failed", "unfinished"]
    for record in records:
        text = html.unescape(found[f"runs/{record.hash}.html"])
        assert f'<span class="badge status-{record.status}">' in text
        assert number(record.metrics[-1]["norm"]) in text
    start = html.unescape(found["index.html"])
    assert "RuntimeError: the walker fell" in start
    assert "10 lines logged, the last of step 10" in start
    assert len(re.findall(r"<tr data-find>", start)) == 2  # the failed and the unfinished one


def test_a_failure_is_told_with_its_traceback_line_by_line(results):
    failed = next(
        path for path in shelf.records(results / "my_study") if (path / "failed.json").exists()
    )
    text = html.unescape(pages(results)[f"runs/{failed.name}.html"])
    assert f"<pre>{Record.open(failed).failure['traceback'].rstrip()}</pre>" in text


def test_numbers_come_from_these_records_and_no_others(tmp_path):
    paths = unpack(tmp_path, "toy.sequence_models", every=2)
    kept = own.read(tmp_path)
    (story,) = kept.stories
    assert {held.path for held in story.load(story.asked, "sequence_models")} == set(paths)
    assert story.load(None, "linear_cde") == []  # which has published records
    assert story.lacking == []
    assert "RMSE" in story.tables
    found = pages(tmp_path)
    assert list(broken(found)) == []
    command = f"--preset {story.preset}"
    assert command in html.unescape(found[f"runs/{paths[0].name}.html"])


@pytest.mark.parametrize("name", ["toy.linear_cde", "stability.functionals", "lra.sequence_models"])
def test_a_study_in_the_middle_of_its_runs_has_its_page(tmp_path, name):
    unpack(tmp_path, name, every=5, cut=True)
    found = pages(tmp_path)
    assert list(broken(found)) == []
    held = own.read(tmp_path)
    assert {e.record.status for e in held.all} >= {"unfinished"}
    assert [story.lacking for story in held.stories if story.lacking] == []


def test_what_a_study_cannot_make_of_the_records_is_said(tmp_path, monkeypatch):
    unpack(tmp_path, "toy.sequence_models", every=4)
    monkeypatch.setattr("experiments.commands.results.tables", lambda *_: [][0])
    (text,) = (text for name, text in pages(tmp_path).items() if name.startswith("studies/"))
    assert "Not made of these records" in text
    assert "IndexError: list index out of range" in text
    assert 'id="tables"' not in text


def test_other_overrides_are_another_page(bench):
    bench.perform(bench.job("rate=0.25"))
    bench.perform(bench.job())
    names = {name for name in pages(bench.results) if name.startswith("studies/")}
    assert names == {"studies/my-study-smoke.html", "studies/my-study-smoke-rate-0-25.html"}


def test_damaged_records_are_named_and_the_others_shown(results):
    done = next(path for path in shelf.records(results / "my_study") if (path / "DONE").exists())
    (done / "metrics.jsonl").write_text("{}\n", encoding="utf-8")
    cut = next(path for path in shelf.records(results / "my_study") if path != done)
    (cut / "run.json").write_text('{"study": ', encoding="utf-8")
    found = pages(results)
    start = html.unescape(found["index.html"])
    assert f"<code>my_study/{done.name}</code>" in start
    assert f"<code>my_study/{cut.name}</code>" in start
    assert {done.name, cut.name}.isdisjoint(re.findall(r"runs/(\w+).html", " ".join(found)))


def test_numbers_too_large_for_a_float_are_shown_or_refused(bench):
    for seed, (file, old, new) in enumerate(
        (
            ("run.json", '"limit": null', f'"limit": {10**400}'),
            ("metrics.jsonl", '"step": 10, "norm": ', f'"step": 10, "more": {10**400}, "norm": '),
            ("metrics.jsonl", '"step": 10', f'"step": {10**400}'),
        )
    ):
        job = bench.job(f"seed={seed}")
        bench.interrupt(job)
        path = Path(job.folder) / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), encoding="utf-8")
    found = pages(bench.results)
    assert sum(name.startswith("runs/") for name in found) == 2
    assert "expected a step, an integer" in html.unescape(found["index.html"])
    state = Live(bench.results).state()
    assert sorted(run["status"] for run in state["runs"]) == ["damaged", "stopped", "stopped"]
    assert Live(bench.results).state([run["id"] for run in state["runs"]])["figures"]


def test_a_half_written_line_is_no_number(bench):
    job = bench.job()
    bench.interrupt(job)
    log = Path(job.folder) / "metrics.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole + b'{"step": 11, "norm": 1234')
    text = pages(bench.results)[f"runs/{job.hash}.html"]
    assert "1234" not in text.replace(",", "")
    assert "10 lines were logged" in text


def test_reading_a_record_runs_no_file_that_it_names(results):
    path = results / "trap.py"
    path.write_text("raise SystemExit('run')", encoding="utf-8")
    held = next(
        path for path in shelf.records(results / "my_study") if not (path / "DONE").exists()
    )
    told = json.loads((held / "run.json").read_text(encoding="utf-8"))
    (held / "run.json").write_text(json.dumps({**told, "study": str(path)}), encoding="utf-8")
    with pytest.raises(ConfigError, match="unknown study"):
        assert Record.open(held).run
    assert f"is a record of {path}" in own.read(results).damaged[0][1]


def test_one_file_asks_for_nothing_and_has_each_place_once(results):
    path = report(results, None)
    assert path == results / "report.html"
    text = path.read_text(encoding="utf-8")
    page = Parsed(text)
    assert list(broken({"report.html": text})) == []
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert not {"link", "img", "iframe"} & set(page.tags) - {"link"}
    assert [value for tag, name, value in page.attributes if tag == "link" and name == "href"] == [
        "data:,"
    ]
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    names = [name for name in pages(results) if name.endswith(".html")]
    assert page.tags.count("article") >= len(names)
    for name in names:
        assert single._id(name) in page.ids
    assert text.count("<script>") == 1


def test_one_file_is_small(tmp_path):
    paths = unpack(tmp_path, "toy.sequence_models")
    size = report(tmp_path, tmp_path / "one.html").stat().st_size
    assert size < 100_000 + 50_000 * len(paths)
    drawn = pages(tmp_path, points=2)[f"runs/{paths[0].name}.html"]
    curves = re.findall(r"<g class=.*?</g>", drawn, re.DOTALL)
    assert curves
    assert all(curve.count("<circle") <= 3 < FEW_POINTS for curve in curves)


def test_names_full_of_markup_are_text(bench):
    job = bench.job()
    bench.perform(job)
    folder = Path(job.folder)
    (folder / "DONE").unlink()
    for name in ("provenance.json", "notes.json", "run.json"):
        told = json.loads((folder / name).read_text(encoding="utf-8"))
        told = {**told, HOSTILE: HOSTILE, "preset": HOSTILE, "settings": [HOSTILE]}
        if name == "run.json":
            told["run"] = {**told["run"], "tag": HOSTILE, HOSTILE: HOSTILE}
        (folder / name).write_text(json.dumps(told), encoding="utf-8")
    (folder / "metrics.jsonl").write_text(
        "".join(json.dumps({"step": k, HOSTILE: 0.5 / k, "x": HOSTILE}) + "\n" for k in (1, 2)),
        encoding="utf-8",
    )
    (folder / "failed.json").write_text(
        json.dumps(dict.fromkeys(("type", "message", "traceback"), HOSTILE)), encoding="utf-8"
    )
    found = pages(bench.results)
    assert list(broken(found)) == []
    for text in (*found.values(), single.document(found)):
        assert "<script>alert" not in text
        assert "<img" not in text
    assert "{{ 7 * 7 }}" in found[f"runs/{job.hash}.html"]
    assert list(broken({"one.html": single.document(found)})) == []


def test_the_command_writes_a_folder_or_a_file_and_refuses_another_folder(
    results, tmp_path, capsys
):
    assert main(["report", str(results), "--out", str(tmp_path / "pages")]) == 0
    assert (tmp_path / "pages" / "index.html").is_file()
    assert main(["report", str(results), "--out", str(tmp_path / "new" / "mine.html")]) == 0
    assert (tmp_path / "new" / "mine.html").is_file()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("", encoding="utf-8")
    assert main(["report", str(results), "--out", str(tmp_path / "other")]) == 2
    assert main(["report", str(tmp_path / "nothing")]) == 2
    assert "expected folders STUDY/HASH there" in capsys.readouterr().err
