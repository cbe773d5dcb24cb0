"""The committed records are whole, and the pages of results are made from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from experiments import study as studies
from experiments.__main__ import main
from experiments.a5 import figure as a5_figure
from experiments.commands import results
from experiments.commands.loader import PUBLISHED, Loader
from experiments.commands.publish import presets
from experiments.record import Record, find
from experiments.selection import Selection
from experiments.store import shelf, sums
from experiments.toy import figure
from seqtheory.plain import described

RECORDS = [path for folder in shelf.study_folders(PUBLISHED) for path in shelf.records(folder)]
WHOLE = [
    ("toy.linear_cde", "paper"),
    ("toy.linear_cde", "controls"),
    ("toy.sequence_models", "quick"),
    ("toy.kernel_limit", "quick"),
    ("toy.representable", "quick"),
    ("a5.sequence_models", "quick"),
    ("a5.sequence_models", "controls"),
    ("a5.sequence_models", "long"),
    ("a5.sequence_models", "trials"),
    ("a5.linear_cde", "quick"),
    ("a5.linear_cde", "controls"),
    ("a5.representable", "quick"),
    ("memory.theory", "quick"),
    ("memory.bounded_coefficients", "quick"),
    ("memory.recurrent_models", "quick"),
    ("memory.recurrent_models", "started"),
    ("memory.recurrent_models", "verdicts"),
    ("memory.memory_functions", "quick"),
    ("stability.functionals", "quick"),
    ("stability.optimisers", "modes"),
    ("stability.optimisers", "states"),
    ("stability.images", "quick"),
    ("stability.images", "long"),
    ("lra.sequence_models", "quick"),
    ("lra.sequence_models", "images"),
    ("lra.sequence_models", "reviews"),
    ("lra.s4_jax", "quick"),
    ("lra.s4_jax", "rates"),
    ("lra.s4_jax", "images"),
    ("lra.s4_jax", "reviews"),
    ("tracking.sequence_models", "quick"),
    ("tracking.sequence_models", "prediction"),
    ("tracking.linear_cde", "quick"),
    ("tracking.linear_cde", "prediction"),
    ("toy.linear_cde", "structures"),
    ("models.checkpoints", "quick"),
]


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Loader]:
    """Make the loader of a study folder that finds published records alone."""
    return lambda name: Loader(studies.ROOT / name, Selection(study=name, results=tmp_path))


def test_every_published_record_is_of_a_preset() -> None:
    for folder in shelf.study_folders(PUBLISHED):
        of_presets = presets(studies.load(folder.name)).keys()
        assert {path.name for path in shelf.records(folder)} <= of_presets


def test_all_published_records_are_whole_and_hold_sealed_files_alone() -> None:
    assert len(RECORDS) == 3520
    for record in map(Record.open, RECORDS):  # which checks every file against its digest
        assert record.finished
        assert record.metrics
        assert isinstance(record.shelf, shelf.Packed)
        assert record.shelf.names() == sorted(["DONE", *record.files])


def test_every_archive_has_the_digest_beside_it() -> None:
    listed = sums.read(PUBLISHED)
    assert {name.partition("/")[0] for name in listed} == {p.parent.name for p in RECORDS}
    assert all(sums.check(folder) == listed for folder in shelf.study_folders(PUBLISHED))


def test_there_are_few_files_to_check_out() -> None:
    files = [path for path in PUBLISHED.rglob("*") if path.is_file()]
    assert len(files) < 50


def test_a_study_whose_records_are_published_lists_none_as_missing(tmp_path: Path, capsys) -> None:
    assert main(["list", "toy.linear_cde", "--results", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "  paper, the default: 2 runs: 2 published\n" in out
    assert "  quick: 2 runs: 2 missing\n" in out
    assert out.endswith("27 of 3520 records published\n")


def test_every_published_run_is_heard_and_said_with_its_hash() -> None:
    named = {name: studies.load(name) for name in {path.parent.name for path in RECORDS}}
    for path in RECORDS:
        study = named[path.parent.name]
        plain = Record.open(path).description["run"]
        run = study.heard(plain)
        assert described(run) == plain
        assert study.hash(run) == path.name


@pytest.mark.parametrize(("name", "preset"), WHOLE)
def test_every_run_of_the_preset_is_published(name: str, preset: str) -> None:
    study = studies.load(name)
    runs = study.runs(preset)
    found = find(study.name, study.version, runs, [PUBLISHED])
    ends = {"done", "diverged"} if study.name.startswith("stability.") else {"done"}
    assert len(found) == len(runs)
    assert {record.status for record in found} <= ends


def test_every_baseline_of_the_bench_that_is_published_is_whole() -> None:
    study = studies.load("bench.measurements")
    runs = study.runs("quick")
    found = find(study.name, study.version, runs, [PUBLISHED])
    models = {record.run.model for record in found}
    assert len(found) == sum(run.model in models for run in runs)
    assert models >= {"transformer", "lstm", "s4d", "mamba", "mamba2", "delta_net", "linear_cde"}
    assert models >= {"gated_delta_net", "delta_product", "random_linear_cde"}
    assert {record.status for record in found} <= {"done", "diverged"}


@pytest.mark.parametrize("name", results.names())
def test_the_page_of_results_is_made_from_the_published_records(name: str, capsys) -> None:
    shown = (PUBLISHED.parent.parent / "docs" / "results" / f"{name}.md").read_text("utf-8")
    assert shown == results.page(name), "run python -m experiments results"
    assert capsys.readouterr() == ("", ""), "a page asks only for presets that there are"


def test_the_figures_can_be_drawn_from_the_published_records(load, tmp_path: Path) -> None:
    paths = figure.draw(load("toy"), None, tmp_path) + a5_figure.draw(load("a5"), None, tmp_path)
    assert len(paths) == 12
    assert all(path.is_file() for path in paths)
