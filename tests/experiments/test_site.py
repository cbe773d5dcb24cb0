"""The site: pages from published records, whose numbers are those of the records."""

from __future__ import annotations

import html
import json
import re
import shlex
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from site_pages import Parsed, broken

from experiments import study as studies
from experiments.bench.report.numbers import number
from experiments.claim import STATUSES, Claim, Verdict, verdict_table
from experiments.claim import Judged as JudgedClaims
from experiments.commands import results
from experiments.exit_code import ConfigError
from experiments.record import Record
from experiments.report import style
from experiments.selection import Selection
from experiments.site import (
    again,
    build,
    checkpoint,
    claims,
    columns,
    figure,
    follows,
    plot,
    prose,
    published,
    run,
    words,
)
from experiments.site.figure import Grid, Panel
from experiments.site.published import Entry
from experiments.store.shelf import Folder
from experiments.zoo import MODELS, TASKS

START_LIMIT = 300_000
HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>{{ 7 * 7 }}$\\frac$"


@pytest.fixture(scope="module")
def held() -> published.Published:
    """Records of the studies of toy data and of stability; all models of the zoo beside them."""
    return published.read(["toy", "stability"])


@pytest.fixture(scope="module")
def pages(held) -> dict[str, str]:
    return dict(build.Site(held).pages())


def rows(page: str, table: str) -> list[list[str]]:
    """What every cell of a table of the page is sorted by."""
    start = page.index(f' id="{table}"')
    body = page[page.index("<tbody>", start) : page.index("</tbody>", start)]
    return [
        [html.unescape(text) for text in re.findall(r'data-sort="([^"]*)"', row)]
        for row in body.split("<tr>")[1:]
    ]


def test_every_link_leads_somewhere_and_every_place_has_one_name(pages):
    assert list(broken(pages)) == []


def test_every_run_has_a_page_and_a_line(held, pages):
    assert len(held.all) > 200
    for name, entries in held.entries.items():
        lines = rows(pages[f"studies/{name.partition('.')[0]}.html"], f"table-{words.slug(name)}")
        assert [line[0] for line in lines] == [entry.name for entry in entries]
        assert all(f"runs/{entry.name}.html" in pages for entry in entries)


def test_numbers_of_a_table_of_runs_are_those_of_the_records(held, pages):
    entries = held.entries["stability.functionals"]
    shown = [column.field for column in columns.columns(entries)]
    assert {"parameterisation.type", "training.learning_rate", "seed", "metrics.rmse"} <= {*shown}
    for entry, line in zip(
        entries, rows(pages["studies/stability.html"], "table-stability-functionals"), strict=True
    ):
        record = Record.open(studies.PUBLISHED / "stability.functionals" / entry.name)
        said = dict(zip(shown, line[2:], strict=True))
        run = record.description["run"]
        assert float(said["training.learning_rate"]) == run["training"]["learning_rate"]
        assert said["parameterisation.type"] == run["parameterisation"]["type"]
        last = record.metrics[-1].get("rmse")
        assert said["metrics.rmse"] == ("" if last is None or last != last else repr(last))


def test_a_run_page_says_the_record_in_full(held, pages):
    entry = held.entries["toy.sequence_models"][0]
    text = html.unescape(pages[f"runs/{entry.name}.html"])
    last = entry.record.metrics[-1]
    assert f"<td>{last['rmse']!r}</td>" in text
    assert entry.record.provenance["git"]["commit"] in text
    points = [(line["step"], line["rmse"]) for line in entry.record.metrics if "rmse" in line]
    for step, rmse in points:
        assert number(float(step), whole=True) in text
        assert number(rmse) in text
    for name, digest in entry.record.files.items():
        assert f"{name} <code>{digest}</code>" in text


def test_attestations_stand_with_their_runs(held, pages):
    attested = [entry for entry in held.all if entry.name in held.attested]
    assert attested
    for entry in attested:
        text = html.unescape(pages[f"runs/{entry.name}.html"])
        assert all(each.summary() in text for each in held.attested[entry.name])


@pytest.mark.parametrize("name", ["toy.linear_cde", "toy.sequence_models", "stability.images"])
def test_the_command_of_a_run_makes_that_run(held, name):
    study, entries = studies.load(name), held.entries[name]
    presets = dict.fromkeys(entry.preset for entry in entries)
    told = again.commands(study, {entry.name for entry in entries}, presets)
    assert told.keys() == {entry.name for entry in entries}
    for hash_, command in told.items():
        said = shlex.split(command)
        only = tuple(said[k + 1] for k, word in enumerate(said) if word == "--only")
        preset = said[said.index("--preset") + 1]
        runs = Selection(study=name, preset=preset, only=only).runs(study)
        assert [study.hash(run) for run in runs] == [hash_]


def test_no_command_for_a_run_that_no_preset_lists():
    assert again.commands(studies.load("toy.linear_cde"), {"0" * 16}, ["paper"]) == {}


@pytest.mark.parametrize("name", ["toy", "stability"])
def test_claims_are_those_that_the_study_prints(pages, name):
    printed = results.tables(name, results.records_of(name))
    found = claims.judged(name, results.judged(name, results.records_of(name)))
    # A half without records has no table, and its claims stand on the site as not run.
    decided = [claim for claim in found if claim.status != "not run"]
    assert len(decided) == len(re.findall(r"\| \*\*(pass|fail|undecided)\*\* \|", printed))
    assert {claim.status for claim in found} <= set(STATUSES)
    text = html.unescape(pages[f"studies/{name}.html"])
    for claim in found:
        assert claim.detail in text
        assert claim.reason in text
        assert f'id="{claim.anchor}"' in text
    assert "| statement | verdict |" not in claims.others(printed)
    assert claims.others(printed).count("\n## ") == printed.count("\n## ") - printed.count(
        "| statement |"
    )


def test_a_claim_that_fails_is_shown_as_failed_and_why():
    def judge(records):
        return Verdict("fail", f"{len(records)} of 2")

    (held,) = claims.judged(
        "toy", [JudgedClaims((Claim("a", "it is so", judge, "`x` was wrong"),), [None])]
    )
    assert (held.name, held.status, held.detail) == ("a", "fail", "1 of 2")
    assert held.reason == "x was wrong"
    text = f"## Claims\n\n{verdict_table((Claim('a', 'it is so', judge),), [None])}\n## Next\n"
    assert claims.others(text).split() == ["##", "Next"]


def drawn(name: str = "drawn") -> Figure:
    """A figure with every kind of artist that the studies use."""
    shown = Figure()
    left, right = shown.subplots(1, 2)
    style.band(
        left,
        [1, 2, 4],
        [np.array([0.1, 0.3]), np.array([0.2, 0.4]), np.array([0.5, 0.7])],
        color="#0072B2",
        label="ours",
    )
    left.plot([1, 4], [0.2, 0.6], "--", color="#0072B2")
    left.axhline(0.9, color="0.4", linestyle=":", label="bound")
    left.axvspan(2, 3, color="0.8", label="seen")
    left.set(xlabel=r"age $\tau$", ylabel="error", title=r"$S^{12}$", xscale="log")
    right.imshow([[0.0, 1.0], [np.nan, 0.5]], vmin=0, vmax=1)
    right.set_xticks([0, 1], ["A5", "parity"])
    right.set_yticks([0, 1], ["RNN", "S4"])
    right.text(1, 0, "+ 1.00")
    return shown


def test_a_figure_is_read_with_its_numbers():
    panel, grid = figure.read(drawn())
    assert isinstance(panel, Panel)
    assert (panel.title, panel.x_label, panel.x_log) == ("S¹²", "age τ", True)
    ours, dashed = panel.curves
    assert [(p.x, p.y, p.low, p.high) for p in ours.places] == [
        (1.0, pytest.approx(0.2), pytest.approx(0.1), pytest.approx(0.3)),
        (2.0, pytest.approx(0.3), pytest.approx(0.2), pytest.approx(0.4)),
        (4.0, pytest.approx(0.6), pytest.approx(0.5), pytest.approx(0.7)),
    ]
    assert (ours.name, ours.broken, dashed.broken) == ("ours", False, True)
    assert [(b.name, b.upright, b.at, b.until) for b in panel.bounds] == [
        ("bound", False, 0.9, None),
        ("seen", True, 2.0, 3.0),
    ]
    assert panel.lacking == ()
    assert isinstance(grid, Grid)
    assert (grid.rows, grid.columns) == (("RNN", "S4"), ("A5", "parity"))
    assert grid.values == ((0.0, 1.0), (None, 0.5))
    assert grid.texts == (("", "+ 1.00"), ("", ""))


def test_a_curve_moved_aside_keeps_its_numbers():
    shown = Figure()
    panel = shown.subplots()
    panel.plot([1, 2], [3, 4], transform=style.aside(panel, up=2.0))
    (read,) = figure.read(shown)
    assert isinstance(read, Panel)
    assert [(p.x, p.y) for p in read.curves[0].places] == [(1.0, 3.0), (2.0, 4.0)]
    (series,) = plot.plot(read).series
    assert [point.y_text for point in series.points] == ["3.00", "4.00"]
    assert (
        series.points[0].y
        < plot.plot(replace(read, curves=(replace(read.curves[0], offset=(0.0, 0.0)),)))
        .series[0]
        .points[0]
        .y
    )


def test_places_named_in_words_keep_their_words():
    shown = Figure()
    panel = shown.subplots()
    panel.plot([-0.1, 0.1, 1.0], [3, 4, 5], "o", label="S4")
    panel.set_xticks([0, 1], ["values\nlast", "both\nmean"])
    (read,) = figure.read(shown)
    assert isinstance(read, Panel)
    assert read.categories == ((0.0, "values\nlast"), (1.0, "both\nmean"))
    drawn = plot.plot(read)
    assert [tick.text for tick in drawn.x_ticks] == ["values\nlast", "both\nmean"]
    assert drawn.series[0].said == {"values, last": "3.00, 4.00", "both, mean": "5.00"}
    panel.set_xticks([0, 1], ["1e-3", "2,000"])
    (read,) = figure.read(shown)
    assert isinstance(read, Panel)
    assert read.categories == ()


def test_what_a_page_cannot_draw_is_named():
    shown = Figure()
    shown.subplots().bar([1, 2], [3, 4])
    (panel,) = figure.read(shown)
    assert isinstance(panel, Panel)
    assert "Rectangle" in panel.lacking


@pytest.mark.parametrize("name", ["toy", "stability"])
def test_figures_on_a_page_have_the_numbers_of_the_figures(pages, name):
    text = html.unescape(pages[f"studies/{name}.html"])
    figures = results.figures(name, results.records_of(name))
    assert figures
    for shown in figures.values():
        for panel in figure.read(shown):
            assert isinstance(panel, Panel)
            assert panel.lacking == ()
            for curve in panel.curves:
                for place in curve.places:
                    if place.y is not None and not place.said and (place.y > 0 or not panel.y_log):
                        assert number(place.y) in text


def test_records_are_shown_as_text(held):
    entry = hostile(held)
    site = build.Site(published.Published({entry.record.study: [entry]}, ()))
    found = dict(site.pages())
    told = [text for name, text in found.items() if name.startswith(("runs/", "studies/"))]
    assert len(told) == 2
    for text in told:
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "{{ 7 * 7 }}" in text
        assert Parsed(text).tags.count("script") == 1
    assert list(broken(found)) == []


def hostile(held: published.Published) -> Entry:
    """A record whose names and notes are full of markup, as a folder of its own would hold it."""
    real = held.entries["toy.sequence_models"][0].record
    record = replace(real, shelf=Folder(Path(f"/nowhere/{HOSTILE}")), files={HOSTILE: HOSTILE})
    facts = {
        "description": {**real.description, "run": {**real.description["run"], HOSTILE: HOSTILE}},
        "metrics": [{"step": 1, HOSTILE: 0.5}, {"step": 2, HOSTILE: 0.25, "note": HOSTILE}],
        "notes": {HOSTILE: HOSTILE, "device": HOSTILE},
        "provenance": {**real.provenance, "preset": HOSTILE, "hardware": {"cpu": HOSTILE}},
    }
    record.__dict__.update(facts)  # as cached properties would
    row = {"study": real.study, "hash": real.hash, "status": "done", "seconds": 1.0}
    return Entry(record, HOSTILE, {**row, "seed": 0, HOSTILE: HOSTILE, "metrics.loss": HOSTILE})


def test_markdown_has_no_markup_of_its_own():
    text = prose.html(
        f"# A title\n\n{HOSTILE}\n\n[a](javascript:alert(1)) [b](x.md)", lambda link: ""
    )
    assert "<script" not in text
    assert "<img" not in text
    assert "javascript:" not in re.sub(r"\[a\]\(javascript:alert\(1\)\)", "", text)
    assert '<h1 id="a-title">' in text


def test_mathematics_becomes_mathml():
    assert "<math" in prose.html(r"as $\beta \le 1$ here", str)
    assert prose.html("costs $5 and `$6`", str).count("<math") == 0


def test_pages_are_small(pages):
    start = sum(len(pages[name].encode()) for name in ("index.html", "site.css", "site.js"))
    assert start < START_LIMIT


def test_a_screen_reader_finds_its_way(pages):
    for name in ("index.html", "studies/toy.html", "models/mamba.html", "new.html"):
        page = Parsed(pages[name])
        levels = [int(tag[1]) for tag in page.tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
        assert ("html", "lang", "en") in page.attributes
    toy = pages["studies/toy.html"]
    assert toy.count("<svg id=") == toy.count("<summary>Numbers of these curves</summary>")
    for table in re.findall(r'<table class="sortable.*?</table>', toy, re.DOTALL):
        assert "<caption" in table


def test_every_model_has_a_page_with_what_theory_says(pages):
    for model in MODELS:
        text = html.unescape(pages[f"models/{words.slug(model.name)}.html"])
        assert "<math" in text
        for task, verdict in model.follows().items():
            assert f'<th scope="row">{task}</th>' in text
            assert verdict is None or verdict.status == "open" or verdict.theorem in text
    names = [words.slug(model.name) for model in MODELS]
    assert len(set(names)) == len(names)
    assert set(TASKS) == {"parity", "mod 3", "flip-flop", "S3", "Z60", "A5"}


def test_who_follows_for_how_long_is_as_the_page_of_results_has_it():
    page = (studies.ROOT.parent / "docs" / "results" / "tracking.md").read_text(encoding="utf-8")
    rows_ = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    told = {(row[0], row[1], row[2], row[6]) for row in rows_ if len(row) == 9}
    found = follows.lines(results.records_of("tracking"))
    assert len(found) > 80
    assert {(f.model, f"{f.task}, {f.length}", f.solved, f.horizon) for f in found} <= told
    of_a5 = [line.mean for line in found if line.task == "A5"]
    assert of_a5 == sorted(of_a5, reverse=True)


def line_of(model: str, mean: float, length: int = 12) -> follows.Line:
    return follows.Line("A5", length, model, None, "3 of 3", "", mean, 96, "solved", ())


def test_the_answer_names_whoever_goes_on_to_the_end_and_counts_the_others():
    held = [line_of("dense, JAX", 96.0), line_of("dense", 47.0), line_of("RNN", 1.0)]
    said = follows.sentence([*held, line_of("S4", 96.0, length=6)])
    assert "Of 3 models" in said
    assert "as they were tested: dense in JAX (3 of 3 seeds). Others" in said
    assert "tested: none. Others that go on beyond letter 12 and then fail: 1." in follows.sentence(
        held[1:]
    )


def test_speeds_are_those_of_the_benchmarks(pages):
    path = studies.ROOT.parent / "benchmarks" / "records" / "scans.json"
    rows_ = [
        r for r in json.loads(path.read_text())["rows"] if "selective scan" in r.get("table", "")
    ]
    text = html.unescape(pages["models/mamba.html"])
    assert rows_
    for row in rows_:
        assert row["label"] in text
        assert number(1000 * float(np.median(row["seconds"]))) in text


def test_the_command_writes_a_site_and_refuses_another_folder(tmp_path, monkeypatch, held):
    monkeypatch.setattr(published, "read", lambda: replace(held, entries={}, attestations=()))
    paths = build.build(tmp_path / "site")
    assert paths[0] == tmp_path / "site" / "index.html"
    assert build.build(tmp_path / "site") == paths
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"holds thesis.tex and no site"):
        build.build(tmp_path / "mine")


def test_pages_lead_to_the_documentation_where_it_is(held):
    site = build.Site(replace(held, entries={}), docs=True)
    found = dict(site.pages())
    assert 'href="docs/index.html"' in found["index.html"]
    assert "../docs/models/selective.html" in found["models/mamba.html"]
    assert "docs/" not in dict(build.Site(replace(held, entries={})).pages())["index.html"]


def test_every_checkpoint_has_a_page_that_says_its_card(pages):
    cards = checkpoint.cards()
    assert len(cards) >= 20
    listed = html.unescape(pages[checkpoint.LIST])
    for card in cards:
        name = checkpoint.file_of(card["name"])
        text = html.unescape(pages[name])
        assert name.removeprefix("checkpoints/") in listed
        for said in (card["shows"], card["load"], card["make"], card["sha256"], card["name"]):
            assert said in text
        assert card["shows"] in listed
        assert card["model"]["bibtex"].splitlines()[0] in text
        assert not [n for n in card["measured"].get("accuracy", {}) if f">{n}</th>" not in text]


def test_a_run_of_a_checkpoint_leads_to_the_list_of_them():
    entries = published.read(["models"]).entries["models.checkpoints"]
    text = run.page(entries[0], "", [], docs=False)
    assert f'href="../{checkpoint.LIST}"' in text
