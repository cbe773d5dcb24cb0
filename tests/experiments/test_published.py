"""The committed records are whole, and the README's tables are drawn from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from experiments import study as studies
from experiments.a5 import figure as a5_figure
from experiments.a5 import table as a5_table
from experiments.commands import results
from experiments.commands.drawing import PUBLISHED, Loader, Request
from experiments.lra import table as lra_table
from experiments.memory import table as memory_table
from experiments.record import Record, find
from experiments.stability import table as stability_table
from experiments.store import stored
from experiments.toy import figure, table
from experiments.tracking import table as tracking_table
from seqtheory.plain import described

README = (PUBLISHED.parent.parent / "README.md").read_text(encoding="utf-8")
RECORDS = sorted(path.parent for path in PUBLISHED.glob("*/*/DONE"))
WHOLE = [
    ("toy.linear_cde", "paper"),
    ("toy.linear_cde", "controls"),
    ("toy.sequence_models", "quick"),
    ("toy.kernel_limit", "quick"),
    ("a5.sequence_models", "quick"),
    ("a5.sequence_models", "controls"),
    ("a5.sequence_models", "long"),
    ("a5.linear_cde", "quick"),
    ("a5.linear_cde", "controls"),
    ("memory.theory", "quick"),
    ("memory.recurrent_models", "quick"),
    ("memory.memory_functions", "quick"),
    ("stability.functionals", "quick"),
    ("stability.images", "quick"),
    ("lra.sequence_models", "quick"),
    ("lra.s4_jax", "quick"),
    ("tracking.sequence_models", "quick"),
    ("tracking.sequence_models", "prediction"),
    ("tracking.linear_cde", "quick"),
    ("tracking.linear_cde", "prediction"),
    ("toy.linear_cde", "structures"),
]


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Loader]:
    """Make the loader of a study folder that finds published records alone."""
    return lambda name: Loader(studies.ROOT / name, Request(study=name, results=tmp_path))


@pytest.mark.parametrize("path", RECORDS, ids=[path.name for path in RECORDS])
def test_a_published_record_is_whole(path: Path) -> None:
    record = Record.open(path)  # checks every file against its digest
    assert record.finished
    assert record.metrics
    assert not (path / "checkpoints").exists()


def test_every_published_run_is_heard_and_said_with_its_hash() -> None:
    for path in RECORDS:
        study = studies.load(path.parent.name)
        plain = stored.read_json(path / "run.json")["run"]
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


def test_the_readme_shows_the_tables_of_the_published_records(load) -> None:
    shown = {
        "toy": [
            "Random linear CDE",
            "Every model and width",
            "Claims",
            "Trained models",
            "Claims on trained",
            "Infinite width",
        ],
        "a5": ["Fewest blocks", "Claims"],
        "memory": ["Stable or not", "Trained networks: stable or not", "Memory functions"],
        "stability": ["Largest stable"],
        "lra": ["Does the normalisation", "S4: norm, place", "All models"],
        "tracking": ["Prediction and measurement"],
    }
    texts = {
        "toy": table.table(load("toy"), None),
        "a5": a5_table.table(load("a5"), None),
        "memory": memory_table.table(load("memory"), None),
        "stability": stability_table.table(load("stability"), None),
        "lra": lra_table.table(load("lra"), None),
        "tracking": tracking_table.table(load("tracking"), None),
    }
    for name, titles in shown.items():
        sections = texts[name].split("## ")[1:]
        for title in titles:
            section = next(section for section in sections if section.startswith(title))
            assert section.partition("\n\n")[2].strip() in README


@pytest.mark.parametrize("name", results.names())
def test_the_page_of_results_is_made_from_the_published_records(name: str) -> None:
    shown = (PUBLISHED.parent.parent / "docs" / "results" / f"{name}.md").read_text("utf-8")
    assert shown == results.page(name), "run python -m experiments results"


def test_the_figures_can_be_drawn_from_the_published_records(load, tmp_path: Path) -> None:
    paths = figure.draw(load("toy"), None, tmp_path) + a5_figure.draw(load("a5"), None, tmp_path)
    assert len(paths) == 8
    assert all(path.is_file() for path in paths)
