"""Which runs a command is about, what they will cost, and their records as tables."""

from __future__ import annotations

import csv
import io
import json

import pytest

import experiments
from experiments import study as studies
from experiments.__main__ import main
from experiments.commands import progress
from experiments.commands.forecast import Cost, duration, forecast, total
from experiments.exit_code import ConfigError
from experiments.overrides import NoFieldError, lacking, override, select
from experiments.record import Record
from experiments.report import style, tables
from experiments.report.pivot import pivot

A5 = ["task=GroupWords", "task.group=A5"]


@pytest.fixture(scope="module")
def tracking():
    return studies.load("tracking.sequence_models").runs("prediction")


def test_conditions_narrow_one_after_the_other(tracking):
    chosen = select(tracking, [*A5, "model=mamba,dense", "seed=0,2"])
    assert {(run.task.group, run.model, run.seed) for run in chosen} == {
        ("A5", model, seed) for model in ("mamba", "dense") for seed in (0, 2)
    }


@pytest.mark.parametrize(
    ("only", "message"),
    [
        ("mmodel=mamba", "did you mean 'model'"),
        ("task.ggroup=A5", "task.ggroup"),
        ("model=lru", "expected one of s4d, mamba"),
        ("task.group=Z2", "none of 99 runs has it; they have task.group = S3, Z60, A5"),
        ("model", "expected field=value"),
    ],
)
def test_a_condition_that_no_run_meets_is_told(tracking, only, message):
    with pytest.raises(ConfigError, match=message):
        select(tracking, [only])


def test_a_run_that_lacks_a_field_is_left_as_it_is(tracking):
    changed = override(tracking, ["task.group=S3", "task.length=9"])
    assert lacking(tracking, ["task.group=S3", "task.length=9"]) == 165
    assert {type(run.task).__name__ for run in tracking} == {
        type(run.task).__name__ for run in changed
    }
    words = [run.task for run in changed if type(run.task).__name__ == "GroupWords"]
    assert {(task.group, task.length) for task in words} == {("S3", 9)}


def test_changes_are_made_in_one_step(tracking):
    run = tracking[0]
    assert run.training.warmup_steps == 100
    with pytest.raises(ConfigError, match="warmup_steps"):
        override([run], ["training.num_steps=10"])
    (changed,) = override([run], ["training.num_steps=10", "seed=3", "training.warmup_steps=5"])
    assert (changed.training.num_steps, changed.training.warmup_steps, changed.seed) == (10, 5, 3)


def test_a_field_given_twice_is_refused(tracking):
    with pytest.raises(ConfigError, match="given twice; a comma lists values"):
        override(tracking, ["model=mamba", "model=dense"])


def test_a_field_that_no_run_has_is_guessed(tracking):
    with pytest.raises(NoFieldError, match="did you mean 'model'"):
        override(tracking, ["mmodel=mamba"])


def test_a_half_without_such_runs_is_left_out_and_said(capsys, tmp_path):
    arguments = ["table", "a5", "--only", "model=rnn", "--results", str(tmp_path)]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert "a5.linear_cde is left out: --only model: got 'rnn', expected one of linear_cde" in err
    cells = out.partition("## Every cell")[2].partition("\n## ")[0]
    assert {line.split(" | ")[0] for line in cells.splitlines() if line[:4] == "| rn"} == {"| rnn"}
    assert "| linear_cde |" not in cells


def test_a_dry_run_lists_runs_costs_and_what_is_done(capsys, tmp_path):
    command = ["run", "tracking.sequence_models", "--preset", "prediction", "--dry-run"]
    command += ["--only", "model=mamba", "--only", "task.group=A5", "--set", "task.length=12,13"]
    assert main([*command, "--results", str(tmp_path / "none")]) == 0
    out = capsys.readouterr().out
    assert "all of them: type=SequenceModelRun" in out
    assert "model=mamba" in out
    assert out.count("  published  ") == 3
    assert out.count("  to run  ") == 3
    assert "6 runs, 0 finished in" in out
    assert "records of each kind" in out
    assert not (tmp_path / "none").exists()


def test_costs_follow_the_records_of_the_kind(tracking):
    study = studies.load("tracking.sequence_models")
    (run, *_) = select(tracking, [*A5, "model=mamba"])
    (twice,) = override([run], [f"training.num_steps={2 * run.training.num_steps}"])
    one, two = forecast(study, [run, twice], [studies.PUBLISHED])
    assert one.records == 3
    assert one.seconds is not None
    assert two.seconds == pytest.approx(2 * one.seconds)
    assert forecast(study, [run], []) == [Cost(None)]
    assert total([one, Cost(None)], 2).endswith("; 1 more have no record of their kind")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(3.2, "3 s"), (89, "89 s"), (100, "2 min"), (3 * 3600 + 25 * 60, "3 h 25 min")],
)
def test_times_are_spelt_for_people(seconds, said):
    assert duration(seconds) == said
    assert duration(157_337_641) == "1821 d 0 h"
    assert duration(float("inf")) == "an unknown time"


def test_the_time_left_is_told_once_it_can_be_believed(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    lines = progress.Lines({"a": "long", "b": "short"}, stream, {"a": 90.0, "b": 10.0})
    lines.on_event({"event": "progress", "hash": "a", "done": 1, "total": 1_000_000})
    now[0] = 15.0
    lines.on_event({"event": "progress", "hash": "a", "done": 2, "total": 1_000_000})
    assert "time left not known yet" in stream.getvalue()
    lines.on_event({"event": "outcome", "hash": "b", "status": "done", "message": ""})
    now[0] = 30.0
    lines.on_event({"event": "progress", "hash": "a", "done": 1, "total": 9})
    assert "about 2 min left" in stream.getvalue()  # a fifth of the work took 30 seconds


def test_records_are_one_flat_table():
    rows = experiments.load("a5", only={"length": 3})
    assert len(rows) == 17
    assert len({tuple(row) for row in rows}) == 1
    row = next(row for row in rows if row["study"] == "a5.linear_cde" and row["seed"] == 0)
    held = Record.open(row["hash"])
    assert row["metrics.token_accuracy"] == held.metrics[-1]["token_accuracy"]
    assert row["training.num_steps"] == held.run.training.num_steps
    assert row["seconds"] == held.provenance["wall_seconds"]
    assert row["form"] == "free"
    assert all(row["form"] is None for row in rows if row["study"] != "a5.linear_cde")


def test_a_record_is_opened_by_a_text():
    (row, *_) = experiments.load("a5.linear_cde", only=["length=3", "seed=0"])
    held = Record.open(row["hash"][:12])
    assert Record.open(str(held.path)).run == held.run
    with pytest.raises(ConfigError, match="no record whose hash begins with 'zz'"):
        Record.open("zz")


def test_csv_is_answer_alone_on_standard_output(capsys):
    assert main(["export", "a5.linear_cde", "--only", "length=3", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["seed"] for row in rows] == ["0", "1", "2"]
    assert json.loads(rows[0]["metrics.position_accuracy"])[0] == 1.0
    assert main(["export", "a5", "--csv", "--parquet"]) == 2


def test_a_pivot_table_is_over_seeds_alone():
    rows = experiments.load("a5", only={"length": "3,4"})
    rows = [row for row in rows if row["study"] != "a5.representable"]  # which has no seeds
    table = pivot(rows, ["model"], ["length", "depth"], "metrics.token_accuracy")
    assert table.head[:2] == ["model", "length 3, depth 1"]
    assert all(cell.endswith("n = 3") or not cell for row in table.rows for cell in row[1:])
    with pytest.raises(ConfigError, match=r"differ in more than their seed: length = 3, 4"):
        pivot(rows, ["model"], ["depth"], "metrics.token_accuracy")
    with pytest.raises(ConfigError, match="did you mean 'model'"):
        pivot(rows, ["mmodel"], [], "metrics.token_accuracy")
    with pytest.raises(ConfigError, match="expected a field of numbers"):
        pivot(rows, ["model"], ["length", "depth"], "notes.status")


def test_halves_of_a_study_never_share_a_cell():
    rows = experiments.load("tracking", only=[*A5, "task.length=12"])
    with pytest.raises(ConfigError, match=r"study = tracking\.linear_cde"):
        pivot(rows, ["model"], [], "metrics.token_accuracy")
    assert pivot(rows, ["model", "study"], [], "metrics.token_accuracy").rows


def test_tables_are_written_in_three_formats():
    text = "# Title\n\n| a | b \\| c |\n|---|---|\n| **x_1** | > 5 % |\n\nThe end.\n"
    assert tables.converted(text, "markdown") == text
    latex = tables.converted(text, "latex")
    assert latex.startswith("% # Title\n")
    assert r"x\_1 & $>$ 5 \% \\" in latex
    assert latex.index(r"\toprule") < latex.index(r"\midrule") < latex.index(r"\bottomrule")
    (whole,) = [part for part in tables.converted(text, "csv").split("\n\n") if part[0] != "#"]
    assert list(csv.reader(io.StringIO(whole))) == [["a", "b | c"], ["x_1", "> 5 %"]]


def test_panels_that_would_be_too_narrow_go_beneath_one_another(tmp_path):
    from matplotlib.figure import Figure

    sizes = {}
    for width in (None, 3.25, 5.0):
        with style.page(style.Page(width, 6.0)), style.paper():
            figure = Figure(figsize=(style.WIDTH, 2.0))
            panels = figure.subplots(1, 3)
            panels[0].set_title("first")
            style.save(figure, tmp_path, "row")
            sizes[width] = (tuple(figure.get_size_inches()), panels[0].title.get_fontsize())
    assert sizes == {
        None: ((style.WIDTH, 2.0), 6.0),
        3.25: ((3.25, 6.0), 6.0),
        5.0: ((5.0, 4.0), 6.0),
    }
    with pytest.raises(ConfigError, match=r"--width 0\.0: expected 1 to 100"):
        style.Page(0.0)


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ("def draw(load, preset): return []", "expected draw(load, preset, folder)"),
        ("def draw(load, preset, folder): return None", "gave NoneType, expected a list"),
        ("def draw(load, preset, folder): {}['x']", "failed: KeyError: 'x' (figure.py:1)"),
        ("def plot(load): pass", "offers no function draw; expected draw(load"),
    ],
)
def test_a_figure_that_breaks_its_contract_is_told_in_a_line(
    tmp_path, study_file, capsys, figure, message
):
    study = tmp_path / "mine" / f"study_{abs(hash(figure))}.py"
    study.parent.mkdir()
    study.write_text(study_file.read_text())
    (study.parent / "figure.py").write_text(figure)
    results = ["--results", str(tmp_path / "results")]
    assert main(["run", str(study), "--preset", "smoke", *results]) == 0
    capsys.readouterr()
    assert main(["plot", str(study), "--preset", "smoke", *results]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
